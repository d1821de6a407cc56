"""The report in figures: what left and why, what speaks for each variety, who does what, whom the judge prefers.

Labels are in Spanish; `semillero.drawing` says how figures look. Each figure is written as PNG (for cards and the
Prefect page) and returned as SVG for a light and a dark page.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from semillero.drawing import (
    BLUE,
    GREEN,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    RED,
    SKY,
    drawing,
    make_canvas,
    render_svg,
    save_png,
)
from semillero.reporting.wording import KINDS, read_wording

Svg = tuple[str, str]
OFFSET = 0.15  # between two marks of one line, in lines
KIND_COLOURS = {
    "feminine": BLUE, "feminine_plural": SKY, "both_named": GREEN, "masculine_plural": "#F3CC77", "masculine": ORANGE,
    "epicene_feminine": "#A3BCE0", "epicene_masculine": "#E8B58C", "epicene_unmarked": "#9A9FA5",
}  # fmt: skip


def draw_report(report: dict[str, Any], folder: Path) -> dict[str, Svg]:
    """Write the figures that the report has numbers for, and return them as (light, dark) SVG by name."""
    drawers: dict[str, Callable[[dict[str, Any]], Any]] = {
        "funnel": draw_funnel, "drops": draw_drops, "markers": draw_markers, "overlap": draw_overlap,
        "genders": draw_genders, "swaps": draw_swaps,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    with drawing():
        for name, draw in drawers.items():
            figure = draw(report)
            if figure is not None:
                save_png(figure, folder / f"{name}.png")
                drawn[name] = render_svg(figure)
    return drawn


def draw_funnel(report: dict[str, Any]) -> Any:
    """Rows left after each reason, and how many each took."""
    steps, left = [("contestadas", 0)], report["rows"]["answered"]
    gone = report["rows"]["answered"] - report["rows"]["readable"]
    if gone:
        steps.append((read_wording("unparseable"), gone))
    steps += [(read_wording(s["reason"]), s["removed"]) for s in report["mitigations"] if s["reason"] != "unparseable"]
    figure, axes = make_canvas(1.3 + 0.42 * (len(steps) + 1), "Filas que quedan después de cada paso")
    for place, (_, removed) in enumerate(steps):
        left -= removed
        axes.barh(place, left, height=0.62, color=BLUE)
        axes.barh(place, removed, left=left, height=0.62, color=ORANGE)
        axes.annotate(
            f"−{removed:,}" if removed else f"{left:,}", (left + removed, place), (6, 0),
            textcoords="offset points", va="center", fontsize=9, color=MUTED,
        )  # fmt: skip
    axes.barh(len(steps), report["rows"]["kept"], height=0.62, color=GREEN)
    axes.annotate(
        f"{report['rows']['kept']:,}", (report["rows"]["kept"], len(steps)), (6, 0),
        textcoords="offset points", va="center", fontsize=9, fontweight="bold",
    )  # fmt: skip
    _name_lines(axes, [*(name for name, _ in steps), "corpus"])
    axes.set_xlim(0, report["rows"]["answered"] * 1.1)
    axes.set_xlabel("filas; en naranja, las que salen en ese paso")
    return figure


def draw_drops(report: dict[str, Any]) -> Any:
    """Share of rows rejected and discarded by variety, with intervals."""
    lines = [(f"{v['name']} ({code})", v) for code, v in report["varieties"].items() if v["answered"]]
    figure, axes = make_canvas(1.5 + 0.5 * len(lines), "Qué parte pierde cada variedad")
    for place, (_, variety) in enumerate(lines):
        _mark(axes, place - OFFSET, variety["rejected"], ORANGE, "s", "rechazada por un filtro (de las contestadas)")
        _mark(axes, place + OFFSET, variety["discarded"], BLUE, "o", "descartada en la revisión (de las aceptadas)")
    _name_lines(axes, [name for name, _ in lines])
    _finish_shares(axes)
    return figure


def draw_markers(report: dict[str, Any]) -> Any:
    """Share of texts with markers for and against their variety; instructions and answers apart."""
    lines = []
    for code, marked in report["markers"].items():
        for column, name in (("instruction", "instrucciones"), ("answer", "respuestas")):
            if marked:
                lines.append((f"{code} · {name}", marked[column]))
    if not lines:
        return None
    figure, axes = make_canvas(1.5 + 0.4 * len(lines), "Marcas de la variedad en los textos")
    for place, (_, marked) in enumerate(lines):
        _mark(axes, place - OFFSET, marked["evidence"], BLUE, "o", "a favor")
        _mark(axes, place + OFFSET, marked["contradiction"], RED, "X", "en contra")
        if place % 2 and place < len(lines) - 1:
            axes.axhline(place + 0.5, color=GRID, linewidth=0.8)
    _name_lines(axes, [name for name, _ in lines])
    _finish_shares(axes)
    return figure


def draw_overlap(report: dict[str, Any]) -> Any:
    """Overlap of the vocabularies of two varieties against what chance gives."""
    pairs = report["overlap"]
    if not pairs:
        return None
    figure, axes = make_canvas(1.5 + 0.42 * len(pairs), "Vocabulario compartido entre variedades")
    for place, pair in enumerate(pairs):
        low, high = 100 * pair["low"], 100 * pair["high"]
        axes.barh(place, high - low, left=low, height=0.5, color=GRID, label="dos mitades al azar (95 %)")
        axes.plot(100 * pair["null"], place, "|", color=MUTED, markersize=13, label="su media")
        axes.plot(100 * pair["overlap"], place, "o", color=BLUE, markersize=8, label="estas dos variedades")
    _name_lines(axes, [" · ".join(pair["varieties"]) for pair in pairs])
    axes.margins(x=0.08)
    axes.set_xlabel("% de las palabras de ambas que están en las dos (Jaccard), sin nombres propios")
    _legend(axes, 3)
    return figure


def draw_genders(report: dict[str, Any]) -> Any:
    """Professions by grammatical gender and variety, as shares of the mentions."""
    genders = report["genders"]
    lines = [("todas", genders["all"]), *genders["varieties"].items()]
    lines = [(name, found) for name, found in lines if found and sum(found["mentions"].values())]
    if not lines:
        return None
    figure, axes = make_canvas(2.1 + 0.5 * len(lines), "Profesiones por género gramatical")
    for place, (_, found) in enumerate(lines):
        total, left = sum(found["mentions"].values()), 0.0
        for kind, colour in KIND_COLOURS.items():
            width = 100 * found["mentions"][kind] / total
            axes.barh(
                place,
                width,
                left=left,
                height=0.62,
                color=colour,
                edgecolor=PAPER,
                linewidth=0.8,
                label=KINDS[kind]["es"],
            )
            left += width
        axes.annotate(
            str(total), (100, place), (6, 0), textcoords="offset points", va="center", fontsize=9, color=MUTED
        )
    _name_lines(axes, [name for name, _ in lines])
    axes.set_xlim(0, 106)
    axes.set_xlabel("% de las menciones; a la derecha, cuántas son")
    _legend(axes, 3)
    return figure


def draw_swaps(report: dict[str, Any]) -> Any:
    """Effects of swaps on the judge's score, or, where only the generator was asked, on its replies' length."""
    found, measure = report["swaps"]["judge"], "score"
    if not found["run"]:
        found, measure = report["swaps"]["generator"], "words"
    if not found["run"]:
        return None
    lines: list[tuple[str, dict[str, Any]]] = []
    borders = []
    for axis in found["axes"].values():
        effects = axis["measures"].get(measure, {})
        lines += [(f"{axis['es']}: {axis['variants'][v]['es']}", effect) for v, effect in effects.items()]
        borders.append(len(lines) - 0.5)
    if not lines:
        return None
    who = "la nota del juez" if measure == "score" else "la respuesta del generador"
    figure, axes = make_canvas(1.5 + 0.36 * len(lines), f"Cuánto cambia {who} según de quién se habla")
    axes.axvline(0, color=MUTED, linewidth=1)
    for place, (_, effect) in enumerate(lines):
        if effect["low"] is not None:
            axes.plot([effect["low"], effect["high"]], [place, place], color=BLUE, linewidth=2, alpha=0.55)
        if effect["mean"] is not None:
            axes.plot(effect["mean"], place, "o", color=BLUE, markersize=7)
    for border in borders[:-1]:
        axes.axhline(border, color=GRID, linewidth=0.8)
    _name_lines(axes, [name for name, _ in lines])
    widest = max((abs(e[k]) for _, e in lines for k in ("low", "high", "mean") if e[k] is not None), default=1) or 1
    axes.set_xlim(-1.1 * widest, 1.1 * widest)
    axes.set_xlabel(f"{found['unit'][measure]['es']}; 0: igual que la media; barras: intervalo del 95 % entre casos")
    return figure


def _mark(axes: Any, place: float, share: dict[str, Any], colour: str, shape: str, label: str) -> None:
    if share["rate"] is None:
        return
    low, rate, high = (100 * share[name] for name in ("low", "rate", "high"))
    axes.plot([low, high], [place, place], color=colour, linewidth=2, alpha=0.55, solid_capstyle="round")
    axes.plot(rate, place, shape, color=colour, markersize=7, label=label)


def _finish_shares(axes: Any) -> None:
    axes.set_xlim(0, min(100, axes.get_xlim()[1]))
    axes.set_xlabel("% ; barras: intervalo del 95 % (Wilson)")
    _legend(axes, 2)


def _name_lines(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_ylim(len(names) - 0.45, -0.55)


def _legend(axes: Any, columns: int) -> None:
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    axes.figure.legend(unique.values(), unique, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
