import polars as pl
import pytest

from semillero.curation.normalisation import find_unparseable, normalise_text, plain_text


def apply(expression, text):
    return pl.DataFrame({"t": [text]}).select(expression(pl.col("t"))).item()


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("¿Que\u0301 es el pozole?", "¿Qué es el pozole?"),
        ("  dos\u00a0 espacios\t\tseguidos  ", "dos espacios seguidos"),
        ("primer verso \r\nsegundo\u2028tercero", "primer verso\nsegundo\ntercero"),
        ("uno\n\n\n\n\ndos", "uno\n\ndos"),
        ("in\u200bvi\u00adsi\ufeffble\u202e\x07", "invisible"),
        ("co\u0323l·lecció", "cọl·lecció"),
        ("familia 👨\u200d👩\u200d👧 unida", "familia 👨\u200d👩\u200d👧 unida"),
    ],
)
def test_text_is_normalised(raw, clean):
    assert apply(normalise_text, raw) == clean
    assert apply(normalise_text, clean) == clean


def test_plain_text_keeps_accents_and_drops_marks():
    assert apply(plain_text, "¿Tú sabés qué és l'«aigua»? ¡Sí!") == "tú sabés qué és l aigua sí"


def test_rows_without_instruction_or_answer_are_unparseable(make_rows):
    rows = make_rows(
        [
            ("es-MX", None, "Una respuesta."),
            ("es-MX", "¿Qué es el pulque?", None),
            ("ca", " \u200b ", "Una resposta."),
            ("ca", "Què és la ratafia?", "Una beguda."),
        ]
    )
    verdicts = find_unparseable(rows)
    assert verdicts.select("row", "reason", "evidence").rows() == [
        (0, "unparseable", "no instruction"),
        (1, "unparseable", "no answer"),
        (2, "unparseable", "no instruction"),
    ]
