"""Replies: wrapped in any way they are understood, broken in any way they are refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.generation.replies import REPAIRS, Form, Parsed, parse_reply
from semillero.generation.technique import Step
from semillero.generation.techniques import TECHNIQUES

QUESTION = "¿Qué lleva el mole poblano?"
ANSWER = "Chiles secos, especias y chocolate."
KNOWN = [
    "¿Qué es un comal?",
    "¿Por qué se ponen flores de cempasúchil en la ofrenda de Día de Muertos y qué significan?",
]

STOP = {"text": "Texto", "topic": "Tema", "question": "Pregunta", "original": "Original"}


def parse(step: Step, reply: str, form: Form = "lines") -> Parsed:
    return parse_reply(reply, step.keys, form, STOP[step.stop], KNOWN, step.reworks)


def read(technique: str, reply: str) -> dict[str, str] | None:
    return parse(TECHNIQUES[technique].steps[0], reply).fields


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
    assert read("backtranslation", reply) == {"pregunta": QUESTION}


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
    assert read("self_instruct", reply) == {"pregunta": QUESTION, "respuesta": ANSWER}


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
    assert read(technique, reply) is None


WITH = {"pregunta": QUESTION, "respuesta": ANSWER}


@pytest.mark.parametrize(
    ("form", "reply", "repairs"),
    [
        ("lines", f" {QUESTION}\nRespuesta: {ANSWER}\n", ()),
        ("json", json.dumps(WITH), ()),
        ("json", json.dumps(WITH, indent=2, ensure_ascii=False) + "\n", ()),
        ("lines", json.dumps(WITH), ("other_form",)),
        ("json", f"{QUESTION}\nRespuesta: {ANSWER}", ("other_form",)),
        ("json", f"Claro:\n```json\n{json.dumps(WITH)}\n```", ("wrapped",)),
        ("json", f'{{"pregunta": "{QUESTION}", "respuesta": "Chiles secos,\nespecias y chocolate.",}}', ("bad_json",)),
        ("lines", f"**Pregunta:** {QUESTION}\n**Respuesta:** {ANSWER}", ("marked_up",)),
        ("lines", f"{QUESTION}\nRespuesta: {ANSWER}\nTema: Ríos\nPregunta: ¿Y más?", ("went_on",)),
        ("lines", f"{QUESTION}\n¿Y por qué?\nRespuesta: «{ANSWER}»\nTema: Ríos", ("went_on",)),
    ],
)
def test_what_had_to_be_repaired_is_told(form: Form, reply: str, repairs: tuple[str, ...]) -> None:
    parsed = parse(TECHNIQUES["self_instruct"].steps[0], reply, form)
    assert parsed.fields is not None
    assert parsed.repairs == repairs
    assert set(repairs) <= set(REPAIRS)


@pytest.mark.parametrize(
    ("technique", "step", "reply", "fields"),
    [
        ("evolved", "evolve", " Explica en dos frases qué es un comal.\n", "Explica en dos frases qué es un comal."),
        ("evolved", "evolve", "¿Qué es un comal?", None),  # not evolved at all
        ("evolved", "answer", f" {ANSWER}\n\nPregunta: ¿Y qué más?", ANSWER),
        ("evolved", "answer", "Pregunta: ¿Y qué más se pone?", None),
        ("critique", "critique", "**Crítica:** No dice qué chiles.", "No dice qué chiles."),
        ("conversation", "follow", f"Pregunta: {QUESTION}\nRespuesta: {ANSWER}\nPregunta: ¿Más?", QUESTION),
        ("candidates", "rank", " 3, 1, 2\n", "3, 1, 2"),
        ("candidates", "rank", "Orden: 2 > 3 > 1", "2, 3, 1"),
        ("candidates", "rank", '{"orden": "1,3,2"}', "1, 3, 2"),
        ("candidates", "rank", "1, 1, 2", None),
        ("candidates", "rank", "La 2 es la mejor.", None),
        ("candidates", "rank", "3, 2, 4", None),
    ],
)
def test_each_steps_reply_is_understood(technique: str, step: str, reply: str, fields: str | None) -> None:
    wanted = TECHNIQUES[technique].step(step)
    parsed = parse(wanted, reply)
    assert (parsed.fields or {}).get(wanted.keys[0]) == fields


@pytest.mark.parametrize(
    ("keys", "stop", "reply"),
    [
        (("pregunta", "respuesta"), "Gaia", "Zer da hau?\nErantzuna: Ogi gogorra da.\nGaia: Ibaiak"),
        (("pregunta", "respuesta"), "Tema", "Pergunta: O que é isto?\nResposta: É pão duro."),
    ],
)
def test_labels_of_other_languages_are_known(keys: tuple[str, ...], stop: str, reply: str) -> None:
    parsed = parse_reply(reply, keys, "lines", stop)
    assert parsed.fields is not None
    assert not any(":" in text for text in parsed.fields.values())


@settings(max_examples=80, deadline=None)
@given(
    reply=st.text(),
    form=st.sampled_from(["lines", "json"]),
    step=st.sampled_from([step for technique in TECHNIQUES.values() for step in technique.steps]),
)
def test_any_text_is_survived(reply: str, form: Form, step: Step) -> None:
    found = parse(step, reply, form).fields
    assert found is None or (
        set(found) == set(step.keys) and all(text == text.strip() != "" for text in found.values())
    )
