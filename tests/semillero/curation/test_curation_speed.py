"""A synthetic run that prints rows a second; the bound only catches an accident such as a quadratic filter."""

import random
import time

import polars as pl
import pytest

from semillero.curation.report import build_report
from semillero.curation.stage import filter_rows

ROWS = 20_000
SUBJECTS = [
    "maíz",
    "mercado",
    "río",
    "tambor",
    "puerto",
    "plaza",
    "barro",
    "tejido",
    "baile",
    "faro",
    "huerto",
    "molino",
]
PLACES = ["Oaxaca", "Salta", "Boyacá", "Segovia", "Puebla", "Mendoza", "Tolima", "Cádiz", "Colima", "Jujuy", "Huesca"]
VERBS = ["prepara", "conserva", "celebra", "cultiva", "restaura", "canta", "vende", "recuerda", "comparte", "dibuja"]
WORDS = ["gente", "antigua", "familia", "comunidad", "tradición", "noche", "fiesta", "semilla", "memoria", "lluvia"]


def synthetic_row(rng):
    subject, place, verb = rng.choice(SUBJECTS), rng.choice(PLACES), rng.choice(VERBS)
    number, kind = rng.randint(1, 900), rng.choice(WORDS)
    question = f"¿Cómo se {verb} el {subject} de {kind} y {rng.choice(WORDS)} en {place}, pueblo {number}?"
    middle = " ".join(f"la {rng.choice(WORDS)} {rng.choice(VERBS)} con la {rng.choice(WORDS)}," for _ in range(6))
    return question, f"En {place} la {rng.choice(WORDS)} del {subject} viene de lejos: {middle} y así cada año."


@pytest.mark.slow
def test_twenty_thousand_rows(make_rows, make_sources, make_corpus):
    rng = random.Random(3)
    texts = [(rng.choice(["es-MX", "es-AR", "es-CO", "es-ES"]), *synthetic_row(rng)) for _ in range(ROWS)]
    texts += rng.sample(texts, ROWS // 50)  # exact copies
    rows = make_rows(texts)
    reserved = [
        (f"¿Cuál es la fecha de la fiesta número {n} de {rng.choice(PLACES)}?", "No se sabe.") for n in range(50)
    ]
    start = time.perf_counter()
    outcome, hits = filter_rows(rows, make_sources(reserved), make_corpus())
    counts = build_report(outcome, hits, make_corpus())["counts"]
    seconds = time.perf_counter() - start
    print(f"\ncuration: {rows.height} rows in {seconds:.1f} s, {rows.height / seconds:,.0f} rows/s; {counts}")
    print(outcome.group_by("reason").len().sort("len").rows())
    assert outcome.filter(pl.col("reason") == "exact_duplicate").height >= ROWS // 50 * 0.9
    assert seconds < 120
