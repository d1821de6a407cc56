"""Replies: wrapped in any way they are understood, broken in any way they are refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.generation.replies import parse_reply

QUESTION = "¿Qué lleva el mole poblano?"
ANSWER = "Chiles secos, especias y chocolate."
KNOWN = [
    "¿Qué es un comal?",
    "¿Por qué se ponen flores de cempasúchil en la ofrenda de Día de Muertos y qué significan?",
]


@pytest.mark.parametrize(
    "reply",
    [
        f" {QUESTION}\n",
        f"Pregunta: {QUESTION}",
        f"**Pregunta:** {QUESTION}",
        f"**{QUESTION}**",
        f'"{QUESTION}"',
        f"\n\n{QUESTION}\n\nTexto: Otro pasaje.\nPregunta: ¿Otra cosa más?",
        f"{QUESTION}\nRespuesta: {ANSWER}",
        json.dumps({"pregunta": QUESTION}),
        "```json\n" + json.dumps({"pregunta": QUESTION}, ensure_ascii=False, indent=1) + "\n```",
        f'Claro, aquí está: {{"pregunta": "{QUESTION}"}} ¿Algo más?',
    ],
)
def test_a_question_is_found_however_it_is_wrapped(reply: str) -> None:
    assert parse_reply("backtranslation", reply, KNOWN) == {"pregunta": QUESTION}


@pytest.mark.parametrize(
    "reply",
    [
        f" {QUESTION}\nRespuesta: {ANSWER}\n",
        f"Pregunta: {QUESTION}\n\nRespuesta: {ANSWER}",
        f"**Pregunta:** {QUESTION}\n**Respuesta:** {ANSWER}",
        f"{QUESTION}\nResposta: {ANSWER}\n\nTema: Ríos\nRegistro: culto\nPregunta:",
        json.dumps({"pregunta": QUESTION, "respuesta": ANSWER}),
        f'{{"pregunta": "{QUESTION}",\n "respuesta": "Chiles secos,\nespecias y chocolate."}}',
    ],
)
def test_question_and_answer_are_found_however_they_are_wrapped(reply: str) -> None:
    assert parse_reply("self_instruct", reply, KNOWN) == {"pregunta": QUESTION, "respuesta": ANSWER}


@pytest.mark.parametrize(
    ("technique", "reply"),
    [
        ("backtranslation", ""),
        ("backtranslation", "……… ///"),
        ("backtranslation", "¿Qué lleva el mole pobl"),  # cut off
        ("backtranslation", '{"pregunta": "¿Qué lleva el mo'),
        ("backtranslation", '{"respuesta": "No es una pregunta."}'),
        ("backtranslation", "¿Qué es un comal?"),  # an example's
        ("backtranslation", "  ¿qué es un COMAL? "),
        ("backtranslation", "¿Por qué se ponen flores de cempasúchil en la ofrenda?"),  # most of an example's
        ("backtranslation", "¿" + "muy " * 300 + "largo?"),
        ("backtranslation", "palabra " * 130_000),
        ("backtranslation", "Texto: El siguiente.\nPregunta: ¿Y qué pasa entonces?"),
        ("self_instruct", QUESTION),
        ("self_instruct", f"{QUESTION}\nRespuesta: Chiles secos, espe"),
        ("self_instruct", f"Respuesta: {ANSWER}"),
        ("self_instruct", json.dumps({"pregunta": QUESTION})),
        ("self_instruct", json.dumps({"pregunta": QUESTION, "respuesta": 7})),
    ],
)
def test_what_is_broken_is_not_usable(technique: str, reply: str) -> None:
    assert parse_reply(technique, reply, KNOWN) is None


@settings(max_examples=50, deadline=None)
@given(reply=st.text(), technique=st.sampled_from(["backtranslation", "self_instruct"]))
def test_any_text_is_survived(reply: str, technique: str) -> None:
    found = parse_reply(technique, reply, KNOWN)
    assert found is None or all(text == text.strip() != "" for text in found.values())
