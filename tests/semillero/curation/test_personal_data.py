"""Planted data come from `benchmarks/detectors`, whose check digits are not the detector's library's."""

import random

import polars as pl
import pytest

from benchmarks.detectors.personal_data import QUICKSTART, each_clean, plant, precision, touch_clean
from benchmarks.detectors.planted import each_planted
from benchmarks.detectors.planted_numbers import digits, grouped
from semillero.curation.pii import region_of, replace_in_rows, replace_pii


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_data_are_found(seed):
    result = plant(seed)
    recall = {name: result.found[name] / planted for name, planted in result.planted.items()}
    assert min(recall.values()) >= 0.95, (recall, result.missed[:10])


def test_hardly_anything_else_is_replaced():
    touched = touch_clean()
    assert sum(touched.texts.values()) > 1_500
    assert min(precision(plant(), touched).values()) >= 0.99, touched.changed
    assert len(touched.changed) <= 1  # the one that the page on detectors tells of


def test_the_quickstart_texts_are_left_alone():
    texts = [text for name, text in each_clean() if name == "the quickstart's texts"]
    assert len(texts) > 300, f"texts of {QUICKSTART}"
    for region in ("ES", "MX", "AR", "CO"):
        assert [text for text in texts if replace_pii(text, region)[1]] == []


@pytest.mark.parametrize(
    "text",
    [
        "Se abre el 16-09-2010; llame al 2010-2011 o al 20100916.",
        "ISBN 84-376-0494-X y 978-84-376-0494-7",
        "Las cuentas de 12.345.678 y de 1.964.375 a medias",
        "La cédula se perdió y nadie supo de los 52.123.456 pesos.",
    ],
)
def test_look_alikes_stay(text):
    assert replace_pii(text, "CR") == (text, [])


def test_the_scan_for_suspects_loses_no_datum():
    planted = list(each_planted(seed=4))
    rows = pl.DataFrame(
        {
            "row": range(len(planted)),
            "variety": [f"es-{each.kind.region}" for each in planted],
            "answer": [each.text for each in planted],
        },
        schema_overrides={"row": pl.UInt32},
    )
    changed, _ = replace_in_rows(rows, ("answer",))
    assert changed["answer"].to_list() == [replace_pii(each.text, each.kind.region)[0] for each in planted]


def test_random_numbers_in_the_written_formats_pass_by_checksum():
    rng = random.Random(5)
    texts = [
        f"El expediente {grouped(digits(rng, 8), '.')}-{rng.choice('0123456789')} sigue abierto." for _ in range(500)
    ]
    wrong = [text for text in texts if "[" in replace_pii(text, "CL")[0]]
    assert len(wrong) / len(texts) < 0.15  # one check digit: a tenth of random numbers in a RUT's own format


def test_rows_are_changed_in_place_and_hits_are_listed():
    rows = pl.DataFrame(
        {
            "row": [3, 5, 9],
            "variety": ["es-MX", "ca", "es-CO"],
            "instruction": ["¿A qué correo escribo?", "Com et puc trucar?", "¿Qué es el ajiaco?"],
            "answer": ["A ana@correo.example o al 55 1234 5678.", None, "Una sopa de tres papas."],
        },
        schema_overrides={"row": pl.UInt32},
    )
    changed, hits = replace_in_rows(rows, ("instruction", "answer"))
    assert changed["answer"].to_list() == ["A [EMAIL] o al [TELEFONO].", None, "Una sopa de tres papas."]
    assert changed["row"].to_list() == [3, 5, 9]
    assert hits.rows() == [(3, "[EMAIL]"), (3, "[TELEFONO]")]


def test_replacing_twice_changes_nothing():
    once, _ = replace_pii("Escribe a ana@correo.example, tel. 612345678, DNI 12345678Z", "ES")
    assert replace_pii(once, "ES") == (once, [])


def test_the_country_comes_from_the_variety():
    assert [region_of(v) for v in ("es-MX", "ca", "gn", "es-419", "es")] == ["MX", "ES", "PY", "ES", "ES"]
