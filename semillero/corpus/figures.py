"""The corpus in three figures: rows by variety and split, answer lengths by variety, topics.

Labels are in Spanish; `semillero.drawing` says how figures look. Equal rows give equal bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from semillero.corpus.splitting import SPLITS
from semillero.drawing import BLUE, GREEN, INK, MUTED, ORANGE, SKY, drawing, make_canvas, save_png

COLOURS = {"train": BLUE, "validation": ORANGE, "test": GREEN}
NAMES = {"train": "entrenamiento", "validation": "validación", "test": "prueba"}
SHOWN_TOPICS = 40  # the rest is one bar


def draw_figures(rows: pl.DataFrame, varieties: Mapping[str, str], topics: Mapping[str, str], folder: Path) -> None:
    """Write ``varieties.png``, ``answer_lengths.png`` and ``topics.png``.

    Args:
        rows: the published columns and `split`.
        varieties: names by code; also the order from top to bottom.
        topics: names by id.
        folder: made when it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with drawing():
        _draw_varieties(rows, varieties, folder / "varieties.png")
        _draw_lengths(rows, varieties, folder / "answer_lengths.png")
        _draw_topics(rows, topics, folder / "topics.png")


def _draw_varieties(rows: pl.DataFrame, varieties: Mapping[str, str], path: Path) -> None:
    codes = [code for code in varieties if code in set(rows["variedad"])]
    figure, axes = make_canvas(1.5 + 0.55 * len(codes), "Filas por variedad y partición")
    _stack(axes, rows, "variedad", codes, [f"{varieties[code]} ({code})" for code in codes])
    save_png(figure, path)


def _draw_topics(rows: pl.DataFrame, topics: Mapping[str, str], path: Path) -> None:
    counted = rows.group_by("tema").len().sort(["len", "tema"], descending=[True, False])
    ids, rest = counted["tema"].to_list()[:SHOWN_TOPICS], counted["tema"].to_list()[SHOWN_TOPICS:]
    names = [topics.get(name, name) for name in ids]
    if rest:
        rows = rows.with_columns(pl.when(pl.col("tema").is_in(ids)).then("tema").otherwise(pl.lit("")).alias("tema"))
        ids, names = [*ids, ""], [*names, f"otros {len(rest)} temas"]
    figure, axes = make_canvas(1.5 + 0.26 * len(ids), "Filas por tema y partición")
    _stack(axes, rows, "tema", ids, names)
    save_png(figure, path)


def _stack(axes: Any, rows: pl.DataFrame, column: str, values: list[str], names: list[str]) -> None:
    """Draw stacked horizontal bars, one a value, with the number of rows at the end of each."""
    counts = {(v, s): n for v, s, n in rows.group_by(column, "split").len().iter_rows()}
    left = [0] * len(values)
    for split in SPLITS:
        widths = [counts.get((value, split), 0) for value in values]
        axes.barh(
            range(len(values)),
            widths,
            left=left,
            height=0.68,
            color=COLOURS[split],
            label=NAMES[split],
            edgecolor="white",
        )
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, total in enumerate(left):
        axes.annotate(
            str(total), (total, place), (5, 0), textcoords="offset points", va="center", color=MUTED, fontsize=9
        )
    axes.set_yticks(range(len(values)), names)
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.set_xlabel("filas")
    axes.set_xlim(0, max(left) * 1.08)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(SPLITS), frameon=False)


def _draw_lengths(rows: pl.DataFrame, varieties: Mapping[str, str], path: Path) -> None:
    codes = [code for code in varieties if code in set(rows["variedad"])]
    words = rows.with_columns(pl.col("respuesta").str.count_matches(r"\S+").alias("words"))
    lengths = [words.filter(pl.col("variedad") == code)["words"].to_list() for code in codes]
    figure, axes = make_canvas(1.2 + 0.55 * len(codes), "Longitud de las respuestas por variedad")
    boxes = axes.boxplot(
        lengths, orientation="horizontal", widths=0.5, whis=(5, 95), patch_artist=True, showfliers=False
    )
    for box in boxes["boxes"]:
        box.set(facecolor=SKY, edgecolor=COLOURS["train"], alpha=0.75)
    for line in (*boxes["whiskers"], *boxes["caps"]):
        line.set(color=COLOURS["train"])
    for place, (line, values) in enumerate(zip(boxes["medians"], lengths, strict=True), start=1):
        line.set(color=INK, linewidth=2)
        middle = median(values)
        axes.annotate(
            f"{middle:g}", (middle, place - 0.25), (0, 2), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_yticks(range(1, len(codes) + 1), [f"{varieties[code]} ({code})" for code in codes])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("palabras; caja: mitad central, línea: mediana, bigotes: del 5 % al 95 %")
    save_png(figure, path)
