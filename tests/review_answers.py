"""Accepted rows and people's responses for tests, written by hand or drawn at random."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from semillero.project import ReviewSettings
from semillero.records import ACCEPTED, RESPONSES

CODES = ("es-MX", "es-AR")


def rows_of(*varieties: str, alternative: str | None = None) -> pl.DataFrame:
    """One accepted row a variety; ids are r0, r1 …"""
    texts: dict[str, Any] = dict.fromkeys(ACCEPTED) | {"flags": []}
    rows = [
        texts
        | {
            "id": f"r{n}", "variety": code, "instruction": f"¿Pregunta {n}?", "answer": f"Respuesta {n}.",
            "alternative": alternative,
        }
        for n, code in enumerate(varieties)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=ACCEPTED)


def says(record: str, reviewer: str, quality: int | None = 4, **rest: Any) -> dict[str, Any]:
    """One response; a submitted one with a rating of 4 that says the row fits."""
    usual: dict[str, Any] = dict.fromkeys(RESPONSES) | {
        "record": record, "variety": "es-MX", "reviewer": reviewer, "status": "submitted", "quality": quality,
        "fits_variety": "yes", "variety_label": "es-MX", "reasons": [],
        "updated_at": "2026-11-20T10:00:00.000000+00:00",
    }  # fmt: skip
    return usual | rest


def drops(record: str, reviewer: str, **rest: Any) -> dict[str, Any]:
    """One response that discards the record."""
    return says(record, reviewer, None, **({"status": "discarded", "fits_variety": None, "variety_label": None} | rest))


def table(*responses: dict[str, Any]) -> pl.DataFrame:
    """RESPONSES of these rows."""
    return pl.DataFrame(list(responses), schema=RESPONSES)


def people(*names: str, varieties: Sequence[str] = CODES, **settings: Any) -> ReviewSettings:
    """A review section whose reviewers know ``varieties``."""
    listed = [
        {"name": name, "varieties": list(varieties), "country": "MX", "role": "native speaker"}
        for name in names or ("ana", "luis", "eva")
    ]
    return ReviewSettings.model_validate({"mode": "argilla", "reviewers": listed, **settings})


def simulate(
    rows: pl.DataFrame, names: Sequence[str], each: int, seed: int, careless: Sequence[str] = ()
) -> pl.DataFrame:
    """Each row answered by ``each`` people who see its quality with some noise; ``careless`` ones answer at random."""
    random = np.random.default_rng(seed)
    responses = []
    for record, variety in rows.select("id", "variety").iter_rows():
        quality = random.choice([1, 2, 3, 4, 5], p=[0.1, 0.15, 0.25, 0.3, 0.2])
        for name in random.choice(names, size=each, replace=False):
            near = np.clip(quality + random.choice([-1, 0, 0, 0, 1]), 1, 5)
            seen = random.integers(1, 6) if name in careless else near
            fits = "no" if (random.random() < 0.5 if name in careless else seen == 1) else "yes"
            reasons = ["false"] if seen == 1 and random.random() < 0.3 else []
            changed = f"Corregida por {name}." if random.random() < 0.2 else None
            responses.append(
                says(
                    record, str(name), int(seen), variety=variety, fits_variety=fits, variety_label=variety,
                    reasons=reasons, answer=changed,
                )
            )  # fmt: skip
    return table(*responses)
