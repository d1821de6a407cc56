"""Grounded answers: question and answer are both written from a passage, which the row keeps. One request.

Unlike in back-translation the answer is short and the model's own wording, so that one passage gives several
different pairs; whether the passage bears it out can be checked by whoever reviews, because it stands beside it.
"""

from collections.abc import Iterator
from dataclasses import replace

from semillero.generation.technique import Ground, PlannedItem, Step, Technique, take_last_pair
from semillero.generation.techniques.backtranslation import plan_items as plan_passages


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk the passages as back-translation does: rows of one passage share its group, whoever made them."""
    for planned in plan_passages(ground):
        yield replace(planned, item=planned.item.replace("/backtranslation/", "/grounded/", 1))


GROUNDED = Technique(
    name="grounded",
    plan=plan_items,
    steps=(Step("write", keys=("pregunta", "respuesta"), stop="text", template="grounded"),),
    finish=take_last_pair,
    shots=3,
)
