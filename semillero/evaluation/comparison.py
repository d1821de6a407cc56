"""From one number a row to base against tuned: overall, per variety, on the reserved pairs."""

from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.evaluation.bootstrap import compare_models
from semillero.project import EvaluationSettings

if TYPE_CHECKING:
    import numpy as np

    Tables = dict[str, np.ndarray[Any, Any]]  # (rows, 4) each, see `compare_models`
Section = dict[str, Any]


def compare_sections(
    scored: pl.DataFrame,
    losses: "Tables",
    answered: pl.DataFrame,
    texts: "Tables",
    evaluation: EvaluationSettings,
) -> Section:
    """Return ``overall`` and ``varieties`` and whether tuned is better.

    Args:
        scored: `group` and `variety` of the rows whose loss was measured.
        losses: their table.
        answered: `group` and `variety` of the rows that were answered.
        texts: their tables.
        evaluation: confidence, resamples and seed.
    """
    overall = _compare_part(scored, losses, answered, texts, evaluation)
    gain = overall["loss"]["difference"]
    varieties = {}
    for code in sorted(scored["variety"].unique()):
        s, a = (scored["variety"] == code).to_numpy(), (answered["variety"] == code).to_numpy()
        parts = ({n: t[s] for n, t in losses.items()}, {n: t[a] for n, t in texts.items()})
        varieties[code] = _compare_part(scored.filter(s), parts[0], answered.filter(a), parts[1], evaluation)
    return {
        "better": gain["value"] < 0,
        "conclusive": gain["low"] is not None and (gain["high"] < 0 or gain["low"] > 0),
        "overall": overall,
        "varieties": varieties,
    }


def compare_rows(rows: pl.DataFrame, tables: "Tables", evaluation: EvaluationSettings) -> Section:
    """Return the comparison of each table; a measure that says nothing about these rows is left out."""
    import numpy as np

    groups = rows["group"].to_numpy()
    options = (evaluation.bootstrap, evaluation.confidence, evaluation.seed)
    section: Section = {}
    for name, table in tables.items():
        if len(table) and (measure := compare_models(table, groups, *options)):
            section[name] = measure
        if name == "loss" and name in section:
            section["perplexity"] = compare_models(table, groups, *options, transform=np.exp)
    return section


def _compare_part(
    scored: pl.DataFrame, losses: "Tables", answered: pl.DataFrame, texts: "Tables", evaluation: EvaluationSettings
) -> Section:
    return {
        "rows": scored.height,
        "groups": scored["group"].n_unique(),
        "answered": answered.height,
        **compare_rows(scored, losses, evaluation),
        **compare_rows(answered, texts, evaluation),
    }
