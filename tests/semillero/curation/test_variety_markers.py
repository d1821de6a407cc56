import pytest

from semillero.curation import variety_markers
from semillero.curation.varieties import mask_names

VOSEO = "Si querés, llená el mate y contame cómo te salió."
VOSOTROS = "Si queréis, os enseño mi barrio y me decís qué os parece."
NEUTRAL = "La ciudad fue fundada junto al río y creció con el comercio."


@pytest.mark.parametrize(
    ("variety", "text", "evidence", "contradiction"),
    [
        ("es-AR", VOSEO, 1.0, 0.0),
        ("es-AR", VOSOTROS, 0.0, 1.0),
        ("es-MX", VOSEO, 0.0, 1.0),
        ("es-MX", "Platícame cómo preparan los elotes en el tianguis.", 1.0, 0.0),
        ("es-MX", "Enciende el ordenador y prepara un zumo.", 0.0, 1.0),
        ("es-ES", VOSOTROS, 1.0, 0.0),
        ("es-ES", VOSEO, 0.0, 1.0),
        ("es-ES", "Prendé la computadora, por favor.", 0.0, 1.0),
        ("es-CO", "Parce, qué chévere la chiva.", 1.0, 0.0),
        ("es-CO", VOSOTROS, 0.0, 1.0),
        ("ca", "Això és el que fem amb les nous verdes.", 1.0, 0.0),
        ("ca", "Bueno, pues fem-ho així.", 0.0, 1.0),
        *((variety, NEUTRAL, 0.0, 0.0) for variety in ("es-MX", "es-AR", "es-CO", "es-ES")),
    ],
)
def test_markers_speak_for_and_against(variety, text, evidence, contradiction):
    rates = variety_markers([text], variety)
    assert (rates.evidence, rates.contradiction) == (evidence, contradiction)


@pytest.mark.parametrize(
    "text",
    [
        "Además, un inglés y un francés llegaron después de los dieciséis del mes, quizás a través del país.",
        "Vendrás mañana y estarás nomás detrás del ciprés.",
        "La señora Vos y el pueblo de Sos no cambian nada.",
        "En España dicen «vosotros tenéis» y en Córdoba “vos tenés”.",
        "El mes de mayo comió seis panes y tres nueces.",
    ],
)
def test_lookalikes_names_and_quotations_are_no_markers(text):
    rates = variety_markers([text], "es-MX")
    assert rates.contradiction == 0.0, rates


def test_rates_are_shares_of_texts():
    rates = variety_markers([VOSEO, NEUTRAL, NEUTRAL, VOSOTROS], "es-AR")
    assert rates.as_json() == {
        "variety": "es-AR",
        "texts": 4,
        "evidence": 0.25,
        "contradiction": 0.25,
        "found": {"against vosotros": 1, "for voseo": 1},
    }
    assert variety_markers([], "es-AR").evidence == 0.0
    assert variety_markers([NEUTRAL], "gn") is None


def test_proper_names_are_masked_with_their_links():
    assert mask_names("Fui a Ciudad de México con doña Luz.") == "fui a – con doña –."
