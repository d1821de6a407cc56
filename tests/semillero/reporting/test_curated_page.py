"""What the run's page shows after curation: who lost what, with rows to read that are text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from semillero.intervals import share_of
from semillero.records import REJECTED, write_records
from semillero.reporting.curated import describe_curation


def test_a_team_sees_losses_reasons_and_rows(make_rows: Callable[..., pl.DataFrame], tmp_path: Path) -> None:
    rows = make_rows(
        [("es-MX", f"¿Pregunta {n}?", "Escribe a ana@example.org | <b>ya</b>.", "echo") for n in range(5)]
        + [("es-AR", "¿Otra?", "Corta.", "answer_too_short")]
    )
    write_records(rows, REJECTED, tmp_path / "rejected.parquet")
    varieties: dict[str, Any] = {
        "es-MX": {"answered": 50, "accepted": 45, "rejected_share": share_of(5, 50), "reasons": {"echo": 5}},
        "es-AR": {
            "answered": 20,
            "accepted": 19,
            "rejected_share": share_of(1, 20),
            "reasons": {"answer_too_short": 1},
        },
    }
    counts = {"answered": 70, "accepted": 64, "rejected": 6, "failed": 1}
    curation = {
        "counts": counts,
        "varieties": varieties,
        "flags": {"offensive_word": 2},
        "placeholders": {"[EMAIL]": 1},
    }
    (tmp_path / "curation.json").write_text(json.dumps(curation), encoding="utf-8")
    text = describe_curation(tmp_path)
    assert "70 contestadas, 64 aceptadas, 6 rechazadas, 1 sin respuesta." in text
    assert "| es-MX | eco 5 | 50 | 45 | 10,0 % \\[4,3–21,4\\] 5/50 |" in text
    assert "palabra ofensiva 2" in text
    assert text.count("| eco | es-MX | ¿Pregunta") == 2  # at most two rows a reason
    assert "ana@example.org" not in text
    assert "<b>" not in text
    assert "|---|---|---:|---:|---:|" in text
