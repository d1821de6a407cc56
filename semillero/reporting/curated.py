"""What a team wants to see right after curation, before anybody is invited to review: Markdown for the run's page."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from semillero.curation.pii import replace_in_rows
from semillero.reporting.page import render_sections
from semillero.reporting.sections import Section, Table, show_share
from semillero.reporting.wording import read_wording

EXAMPLES = 2  # rejected rows shown a reason
CHARACTERS = 200


def describe_curation(folder: Path) -> str:
    """Return a curate artifact as Markdown: what each variety lost and why, flags, rejected rows to read.

    Args:
        folder: has ``curation.json`` and ``rejected.parquet``.
    """
    curation = json.loads((folder / "curation.json").read_text(encoding="utf-8"))
    counts = curation["counts"]
    varieties = [
        (code, _tally(of["reasons"]), str(of["answered"]), str(of["accepted"]), show_share(of["rejected_share"]))
        for code, of in curation["varieties"].items()
    ]
    told = (
        ("answered", "contestadas"),
        ("accepted", "aceptadas"),
        ("rejected", "rechazadas"),
        ("failed", "sin respuesta"),
    )
    lines = [", ".join(f"{counts[name]} {word}" for name, word in told) + "."]
    if curation["flags"]:
        lines.append(f"Señaladas, sin quitarlas: {_tally(curation['flags'])}.")
    if curation["placeholders"]:
        lines.append(f"Datos personales sustituidos: {_tally(curation['placeholders'])}.")
    head = ("variedad", "por qué salen", "contestadas", "aceptadas", "rechazadas [95 %]")
    tables = [Table("Lo que pierde cada variedad", head, varieties, 2)]
    if counts["rejected"]:
        rows = _pick_rejected(folder / "rejected.parquet")
        head = ("motivo", "variedad", "instrucción", "respuesta", "indicio")
        tables.append(Table("Filas rechazadas, para leer", head, rows, len(head)))
    return render_sections("Curación", [Section("Qué se queda y qué sale", lines, (), tables)])


def _tally(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{read_wording(name)} {count}" for name, count in ordered)


def _pick_rejected(path: Path) -> list[tuple[str, ...]]:
    columns = ["reason", "variety", "instruction", "answer", "evidence"]
    shown = pl.scan_parquet(path).sort("id").group_by("reason", maintain_order=True).head(EXAMPLES).select(columns)
    rows = shown.sort("reason", maintain_order=True).with_row_index("row").collect()
    rows, _ = replace_in_rows(rows, ("instruction", "answer"))
    return [(read_wording(line[0]), *map(_shorten, line[1:])) for line in rows.select(columns).iter_rows()]


def _shorten(text: Any) -> str:
    words = " ".join((text or "–").split())
    return words if len(words) <= CHARACTERS else words[: CHARACTERS - 1] + "…"
