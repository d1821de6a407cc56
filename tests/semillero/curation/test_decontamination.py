import pytest

from semillero.curation.contamination import Protected, find_contaminated, list_protected

SHORT = "¿Cuál es la capital de Colombia?"
LONG = "¿Por qué las casas de bahareque de la zona cafetera suelen resistir bien los temblores?"
CATALAN = "Què és el pa amb tomàquet?"
LONG_ANSWER = (
    "Porque son livianas y flexibles. El bahareque se arma con un esqueleto de guadua o madera, cubierto con esterilla "
    "y un revoque de barro; cuando la tierra se mueve, la estructura cede sin quebrarse."
)
RESERVED = [(SHORT, "Bogotá."), (LONG, LONG_ANSWER), (CATALAN, "Llesques de pa fregades amb tomàquet.")]
OTHER = "Es un asunto del que se habla mucho en la región y del que hay opiniones para todos los gustos."


def contaminated(plain_rows, sources, instruction, answer=OTHER, threshold=0.6):
    return find_contaminated(plain_rows([("es-CO", instruction, answer)]), Protected(sources, threshold))


@pytest.mark.parametrize(
    "instruction",
    [
        SHORT,
        "cual es la capital de colombia",
        "Oye, ¿cuál es la capital de Colombia? Dímelo rápido.",
        LONG,
        "Explícame esto con detalle: " + LONG,
        "¿Por qué suelen resistir bien los temblores las casas de bahareque de la zona cafetera?",
        "¿Por qué las casas de bahareque de la zona cafetera resisten tan bien los temblores?",
        CATALAN,
        "Explica'm què és el pa amb tomàquet.",
    ],
)
def test_reserved_questions_are_found_even_short_or_wrapped(plain_rows, make_sources, instruction):
    found = contaminated(plain_rows, make_sources(RESERVED), instruction)
    assert found["reason"].to_list() == ["contaminated"]
    assert found["evidence"][0].startswith("reserved h")


@pytest.mark.parametrize(
    "instruction",
    [
        "¿Cuál es la capital de Argentina?",  # the same template
        "¿Qué idiomas se hablan en Colombia y cuál es su moneda?",
        "¿Cómo se construye una casa de bahareque en la zona cafetera?",  # the same subject
        "Què és la coca de recapte?",
        "Com es conserva el tomàquet de penjar?",
    ],
)
def test_other_questions_stay(plain_rows, make_sources, instruction):
    assert contaminated(plain_rows, make_sources(RESERVED), instruction).is_empty()


def test_reserved_answers_and_benchmark_texts_are_protected(plain_rows, make_sources):
    sources = make_sources(RESERVED, ["Texto de un examen que dice cosas muy particulares sobre la guadua y el barro."])
    found = contaminated(plain_rows, sources, "¿Qué tiene de particular esta técnica?", LONG_ANSWER)
    assert "answer of reserved h2" in found["evidence"][0]
    wrapped = "Decía: texto de un examen que dice cosas muy particulares sobre la guadua y el barro, y acababa."
    assert "benchmark text 1" in contaminated(plain_rows, sources, "¿Qué decía la hoja?", wrapped)["evidence"][0]


def test_the_threshold_counts(plain_rows, make_sources):
    half = "¿Por qué las casas de bahareque de la zona cafetera se pintan de colores tan vivos y alegres?"
    assert contaminated(plain_rows, make_sources([RESERVED[1]]), half, threshold=0.9).is_empty()
    assert contaminated(plain_rows, make_sources([RESERVED[1]]), half, threshold=0.4).height == 1


def test_nothing_protected_finds_nothing(plain_rows, make_sources):
    assert list_protected(make_sources()).is_empty()
    assert contaminated(plain_rows, make_sources(), SHORT).is_empty()
