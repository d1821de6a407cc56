import pytest

from semillero.curation.heuristics import (
    find_bad_lengths,
    find_bad_texts,
    find_echoes,
    find_repetition,
    flag_passage_references,
    repeated_share,
)
from semillero.project import FilterSettings

ANSWER = "Es una bebida fermentada que se prepara con la savia del maguey y se toma desde hace siglos."
QUESTION = "¿Qué bebida se prepara con la savia del maguey?"


def reasons(verdicts):
    return verdicts["reason"].to_list()


@pytest.mark.parametrize(
    ("instruction", "answer", "reason"),
    [
        ("¿Qué es?", ANSWER, "instruction_too_short"),
        ("¿Qué " + "más " * 130 + "hay?", ANSWER, "instruction_too_long"),
        (QUESTION, "El pulque.", "answer_too_short"),
        (QUESTION, "palabra " * 401, "answer_too_long"),
        (QUESTION, ANSWER, None),
        # An apostrophe separates Catalan words: four of them here.
        ("D'on ve l'aigua?", "Ve de la pluja que cau a la muntanya.", None),
    ],
)
def test_lengths_are_counted_in_words(plain_rows, instruction, answer, reason):
    found = find_bad_lengths(plain_rows([("es-MX", instruction, answer)]), FilterSettings())
    assert reasons(found) == ([reason] if reason else [])


REQUESTS = [
    "¿Cuándo se celebra la Guelaguetza?",
    "Platícame cómo se hace el mole negro.",
    "Dime tres platillos típicos de Yucatán",
    "Contame qué es una peña folclórica.",
    "Explicame paso a paso cómo se ceba el mate.",
    "Resumí la primera parte del Martín Fierro.",
    "Escribí un mensaje para invitar a los vecinos.",
    "Cuénteme de la subienda del Magdalena.",
    "Haga un resumen breve de La vorágine.",
    "Explique las razones del éxodo rural.",
    "Explicadnos cómo se juega al mus.",
    "Decidme un refrán sobre el tiempo.",
    "Voy a Mérida con mis papás. Recomiéndame una ruta.",
    "Necesito una receta fácil de gazpacho para cuatro personas",
    "Che, armame una lista de discos de tango",
    "No entiendo la diferencia entre bachata y merengue",
    "Por favor, compara el clima de Bogotá y el de Cali",
    "Explica'm què és la tramuntana.",
    "Escriu un poema curt sobre la Mediterrània.",
    "Fes un resum de la rondalla.",
    "Digues tres pobles de l'Empordà.",
    "M'agradaria saber d'on ve la sardana",
    "Compara les dues versions de la llegenda.",
]
STATEMENTS = [
    "La milpa es un sistema agrícola tradicional de Mesoamérica.",
    "El tango nació en los arrabales de Buenos Aires y Montevideo.",
    "Bogotá está a unos 2.600 metros sobre el nivel del mar",
    "El Canal de Castilla se construyó en el siglo XVIII",
    "La sardana es balla en rotllana a les places.",
    "Barcelona va acollir els Jocs Olímpics de 1992",
]


@pytest.mark.parametrize("instruction", REQUESTS)
def test_requests_are_recognised(plain_rows, instruction):
    assert reasons(find_bad_texts(plain_rows([("es-MX", instruction, ANSWER)]))) == []


@pytest.mark.parametrize("instruction", STATEMENTS)
def test_statements_are_not_requests(plain_rows, instruction):
    assert reasons(find_bad_texts(plain_rows([("es-MX", instruction, ANSWER)]))) == ["not_a_request"]


@pytest.mark.parametrize(
    ("instruction", "answer", "reason"),
    [
        ("Pregunta: ¿Qué es el pulque?", ANSWER, "prompt_leak"),
        ("¿Qué es el pulque?\nRespuesta: una bebida", ANSWER, "prompt_leak"),
        (QUESTION, ANSWER + "\n\n**Pregunta 2:** ¿Y el mezcal?", "prompt_leak"),
        (QUESTION, ANSWER + "<end_of_turn>", "prompt_leak"),
        (QUESTION, "Como modelo de lenguaje, no tengo opiniones sobre el pulque ni el mezcal.", "prompt_leak"),
        ("Què és la ratafia?\nResposta: un licor", ANSWER, "prompt_leak"),
        ("Responde con ejemplos a esta pregunta: ¿qué es el pulque?", ANSWER, None),
        ("¿Qué bebida se prepara con la savia del", ANSWER, "broken_ending"),
        (QUESTION, "Es una bebida fermentada. Se prepara con la savia de", "broken_ending"),
        (QUESTION, "Es una bebida fermentada. Se prepara con la savia del maguey y se toma fres", "broken_ending"),
        (QUESTION, "Se necessita aigua, sucre i", "broken_ending"),
        (QUESTION, "Savia de maguey\nUn recipiente limpio\nPaciencia", None),
        (QUESTION, "Dicen los viejos que es «la bebida de los dioses».", None),
        (QUESTION, "12345 67890 ***** ===== 12345 {} [] 0000", "few_letters"),
        (QUESTION, "这是一种发酵饮料 由龙舌兰的汁液制成 几个世纪以来一直在喝", "few_letters"),
        (QUESTION, "Se mezclan 250 g de harina, 2 huevos, 125 ml de leche y 1 pizca de sal.", None),
    ],
)
def test_broken_texts_leave_with_a_reason(plain_rows, instruction, answer, reason):
    found = find_bad_texts(plain_rows([("es-MX", instruction, answer)]))
    assert reasons(found) == ([reason] if reason else [])
    assert all(found["evidence"])


def test_languages_without_word_lists_are_not_judged_by_them(plain_rows):
    guarani = "Emombe'u mba'éichapa ojejapo tereré ha mba'épa oñeikotevẽ y"
    assert find_bad_texts(plain_rows([("gn", guarani, guarani)])).is_empty()
    assert reasons(find_bad_texts(plain_rows([("es-PY", guarani, guarani)]))) == ["broken_ending"]


@pytest.mark.parametrize(
    ("answer", "repeats"),
    [
        ("el mate se toma caliente y " * 6, True),
        ("muy " * 20, True),
        # A refrain is no fault: less than a third of this couplet comes back.
        (
            "Ay, ay, ay, ay, canta y no llores, porque cantando se alegran, cielito lindo, los corazones. De la Sierra "
            "Morena vienen bajando un par de ojitos negros de contrabando. Ay, ay, ay, ay, canta y no llores.",
            False,
        ),
        (ANSWER, False),
    ],
)
def test_repetition_is_a_share_of_words(plain_rows, answer, repeats):
    found = find_repetition(plain_rows([("es-MX", QUESTION, answer)]), FilterSettings())
    assert reasons(found) == (["repetition"] if repeats else [])


def test_repeated_share_counts_the_words_that_come_again():
    words = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "a", "b", "c", "d"]
    assert repeated_share(words) == 4 / 16
    assert repeated_share(words[:15]) == 0.0


@pytest.mark.parametrize(
    ("instruction", "answer", "echoes"),
    [
        ("¿Qué es el pulque mexicano?", "¿Qué es el pulque mexicano? El pulque mexicano es antiguo y sabroso.", True),
        ("¿El pulque es una bebida de maguey?", "El pulque es una bebida de maguey.", True),
        (QUESTION, ANSWER, False),
    ],
)
def test_answers_that_repeat_the_instruction_are_echoes(plain_rows, instruction, answer, echoes):
    assert reasons(find_echoes(plain_rows([("es-MX", instruction, answer)]))) == (["echo"] if echoes else [])


@pytest.mark.parametrize(
    ("instruction", "flagged"),
    [
        ("Según el texto, ¿cuándo se fundó la ciudad?", True),
        ("¿Qué dice el pasaje anterior sobre el maguey?", True),
        ("Segons el text, quan es va fundar la vila?", True),
        ("¿Qué texto escribió sor Juana contra los hombres necios?", False),
        (QUESTION, False),
    ],
)
def test_questions_about_an_unseen_text_are_flagged(make_rows, instruction, flagged):
    assert flag_passage_references(make_rows([("es-MX", instruction, ANSWER)])).height == flagged
