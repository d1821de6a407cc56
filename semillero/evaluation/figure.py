"""Held-out loss of base and tuned, one line a variety, with intervals.

Okabe and Ito's colours and two marker shapes (told apart with any colour vision, and without), labels in Spanish.
Equal reports give equal bytes: neither the user's matplotlib settings nor its version get into the file.
"""

from pathlib import Path
from typing import Any

from semillero.drawing import BLUE, GRID, ORANGE, drawing, make_canvas, save_png

COLOURS = {"base": ORANGE, "tuned": BLUE}
MARKERS = {"base": "s", "tuned": "o"}
NAMES = {"base": "base", "tuned": "afinado"}
OFFSET = 0.13  # between the two models' marks, in lines


def draw_losses(report: dict[str, Any], path: Path) -> None:
    """Write the figure of an evaluation report (see `semillero.evaluation`)."""
    lines = _list_lines(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    with drawing():
        figure, axes = make_canvas(1.9 + 0.55 * len(lines), "Pérdida en filas que el modelo no vio")
        for place, (_, loss) in enumerate(lines):
            _draw_line(axes, place, loss)
        axes.set_yticks(range(len(lines)), [name for name, _ in lines])
        axes.get_yticklabels()[0].set_fontweight("bold")
        axes.set_ylim(len(lines) - 0.45, -0.55)
        axes.margins(x=0.08)
        axes.axhline(0.5, color=GRID, linewidth=0.8)
        percent = f"{100 * report['confidence']:g} %"
        axes.set_xlabel(f"nats por token de la respuesta (menos es mejor); barras: intervalo del {percent}")
        handles, names = axes.get_legend_handles_labels()
        unique = dict(zip(names, handles, strict=True))
        figure.legend(list(unique.values()), list(unique), loc="outside lower center", ncols=len(unique), frameon=False)
        save_png(figure, path)


def _list_lines(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return (label, loss) from top to bottom: all rows, each variety, the reserved pairs."""
    sections = {"todas": report["overall"], **report["varieties"]}
    if "loss" in report["reserved"]:
        sections["reservadas"] = report["reserved"]
    return [
        (f"{name} ({section['rows']} {'fila' if section['rows'] == 1 else 'filas'})", section["loss"])
        for name, section in sections.items()
    ]


def _draw_line(axes: Any, place: int, loss: dict[str, Any]) -> None:
    for which, shift in (("base", -OFFSET), ("tuned", OFFSET)):
        at, measure = place + shift, loss[which]
        if measure["low"] is not None:
            axes.plot(
                [measure["low"], measure["high"]], [at, at], color=COLOURS[which], linewidth=2.2, alpha=0.45, zorder=2
            )
        axes.plot(
            measure["value"],
            at,
            MARKERS[which],
            color=COLOURS[which],
            markersize=7,
            markeredgecolor="white",
            zorder=3,
            label=NAMES[which],
        )
