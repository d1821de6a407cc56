"""Conversations of two or three turns, a request a turn: a question and its answer, then a follow-up and its answer.

The row is the last turn; the turns before it are its `history`. Follow-ups lean on what was said ("¿y en invierno?"),
which a corpus of single turns never teaches. The answers are the model's own, as in self-instruct.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from semillero.generation.technique import Found, Ground, PlannedItem, Step, Technique
from semillero.generation.techniques.self_instruct import plan_items as plan_topics

TURN = ("pregunta", "respuesta")


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk topics and seeds; `detail` is the number of turns, two and three in alternation."""
    for number, planned in enumerate(plan_topics(ground, "conversation")):
        yield replace(planned, detail=str(2 + number % 2))


def finish(item: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Make the last turn the row, and those before it its history."""
    *before, last = found.values()
    roles = {"pregunta": "user", "respuesta": "assistant"}
    history = [{"role": roles[key], "content": turn[key]} for turn in before for key in TURN]
    return {"instruction": last["pregunta"], "answer": last["respuesta"], "history": history}


CONVERSATION = Technique(
    name="conversation",
    plan=plan_items,
    steps=(
        Step("open", keys=TURN, stop="topic", template="self_instruct"),
        Step("follow", keys=TURN, stop="question"),
        Step("go_on", keys=TURN, stop="question", template="follow", when=lambda item: item["detail"] == "3"),
    ),
    finish=finish,
    task="dialogo",
)
