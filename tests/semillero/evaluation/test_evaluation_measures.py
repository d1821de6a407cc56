import polars as pl
import pytest
from sacrebleu.metrics import CHRF

from semillero.evaluation.measures import text_tables
from semillero.evaluation.report import write_report
from semillero.evaluation.rows import choose_rows

SPANISH = "El maíz nació en Mesoamérica hace unos nueve mil años y de él salen las tortillas."
ENGLISH = "Maize was born in Mesoamerica about nine thousand years ago and tortillas are made of it."


def test_each_measure_of_a_text() -> None:
    tables = text_tables(
        {"base": [ENGLISH, "sí sí sí sí"], "tuned": [SPANISH, ""]}, [SPANISH, "Sí."], ["es-MX", "es-MX"]
    )
    assert tables["chrf"][0, 2] == pytest.approx(100)
    assert tables["chrf"][0, 0] == pytest.approx(CHRF().sentence_score(ENGLISH, [SPANISH]).score)
    assert list(tables["language"][0]) == [0, 1, 1, 1]  # English judged wrong, Spanish judged right
    assert list(tables["language"][1]) == [0, 0, 0, 0]  # too short to be told: left out, not counted as wrong
    assert list(tables["distinct_1"][1]) == [0.25, 1, 0, 0]  # an empty answer repeats nothing and shows nothing
    assert tables["distinct_2"][1, 0] == pytest.approx(1 / 3)
    assert list(tables["answer_words"][:, 2]) == [16, 0]  # an empty answer has no words, and that counts


def test_variety_markers_speak_for_or_against() -> None:
    tables = text_tables(
        {
            "base": ["Vosotros sabéis que el mate se toma caliente."],
            "tuned": ["Vos sabés que el mate se toma caliente."],
        },
        ["Vos sabés."],
        ["es-AR"],
    )
    assert list(tables["contradiction"][0, [0, 2]]) == [1, 0]
    assert list(tables["evidence"][0, [0, 2]]) == [0, 1]


def test_chosen_rows_take_turns_by_variety_and_spread_over_groups() -> None:
    rows = pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(30)],
            "variety": ["es-MX"] * 20 + ["ca"] * 8 + ["es-AR"] * 2,
            "group": [f"g{i // 5}" for i in range(20)] + ["x"] * 4 + ["y"] * 4 + ["z", "z"],
        }
    )
    chosen = rows[choose_rows(rows, 9, seed=1)]
    assert dict(chosen["variety"].value_counts().iter_rows()) == {"ca": 4, "es-AR": 2, "es-MX": 3}
    assert chosen.filter(pl.col("variety") == "es-MX")["group"].n_unique() == 3
    assert choose_rows(rows, 9, seed=1) == choose_rows(rows, 9, seed=1)
    assert choose_rows(rows, 9, seed=1) != choose_rows(rows, 9, seed=2)
    assert choose_rows(rows, 99, seed=1) == list(range(30))
    assert choose_rows(rows.clear(), 5, seed=1) == []


def test_report_shows_texts_as_text() -> None:
    part = {"value": 1.0, "low": None, "high": None}
    section = {
        "rows": 1,
        "groups": 1,
        "answered": 1,
        "loss": {"rows": 1, "base": part, "tuned": part, "difference": part},
    }
    report = {
        "confidence": 0.95, "better": False, "conclusive": False, "overall": section, "varieties": {"ca": section},
        "reserved": {"rows": 0}, "settings": {"method": "qlora"},
    }  # fmt: skip
    sample = {
        "variety": "ca",
        "question": "```\n# Hola <b>",
        "reference": "x " * 100,
        "base": "",
        "tuned": "{{ 7 * 7 }}",
    }
    text = write_report(report, [sample])
    assert "**no** predice mejor" in text
    assert "is **not** better" in text
    assert "NF4" in text
    assert text.count("```") == 2
    assert "{{ 7 * 7 }}" in text
    assert "(nada)" in text
    assert max(len(line) for line in text.split("```")[1].splitlines()) <= 96
