"""Held-out loss of base and tuned, one line a variety, with intervals.

Okabe and Ito's colours and two marker shapes (told apart with any colour vision, and without), labels in Spanish.
Equal reports give equal bytes: neither the user's matplotlib settings nor its version get into the file.
"""

from pathlib import Path
from typing import Any

COLOURS = {"base": "#E69F00", "tuned": "#0072B2"}
MARKERS = {"base": "s", "tuned": "o"}
NAMES = {"base": "base", "tuned": "afinado"}
INK, MUTED, GRID = "#222222", "#666666", "#DDDDDD"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.color": INK,
    "ytick.major.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
}
OFFSET = 0.13  # between the two models' marks, in lines


def draw_losses(report: dict[str, Any], path: Path) -> None:
    """Write the figure of an evaluation report (see `semillero.evaluation`)."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    lines = _list_lines(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=(8, 1.9 + 0.55 * len(lines)), layout="constrained")
        layout: Any = figure.get_layout_engine()
        layout.set(w_pad=0.12, h_pad=0.1)
        axes = figure.subplots()
        for place, (_, loss) in enumerate(lines):
            _draw_line(axes, place, loss)
        axes.set_yticks(range(len(lines)), [name for name, _ in lines])
        axes.get_yticklabels()[0].set_fontweight("bold")
        axes.set_ylim(len(lines) - 0.45, -0.55)
        axes.margins(x=0.08)
        axes.grid(visible=True, axis="x")
        axes.axhline(0.5, color=GRID, linewidth=0.8)
        axes.set_title("Pérdida en filas que el modelo no vio", loc="left", fontsize=13, fontweight="bold", pad=12)
        percent = f"{100 * report['confidence']:g} %"
        axes.set_xlabel(f"nats por token de la respuesta (menos es mejor); barras: intervalo del {percent}")
        handles, names = axes.get_legend_handles_labels()
        unique = dict(zip(names, handles, strict=True))
        figure.legend(list(unique.values()), list(unique), loc="outside lower center", ncols=len(unique), frameon=False)
        figure.savefig(path, dpi=150, metadata={"Software": None})


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
