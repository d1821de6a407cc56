"""Candidates: three answers to one question, ranked by the model; the best is the answer, the worst the alternative.
Four requests.

The row says which model ranked. In review people rank the two again, and only their word counts; where nobody
reviews, the pairs are published as the model's. After Lee et al., *RLAIF* (2023). A judge prefers what it reads first
and what is longer; against the former, the order in which it sees the answers differs from item to item.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any

from semillero.generation.technique import Found, Ground, PlannedItem, Step, Technique
from semillero.generation.techniques.self_instruct import plan_items as plan_topics

WRITERS = ("first", "second", "third")  # the steps that write an answer
ORDERS = tuple(" ".join(order) for order in permutations(WRITERS))


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk topics and seeds; `detail` is the order in which the judge sees the answers."""
    for number, planned in enumerate(plan_topics(ground, "candidates")):
        yield replace(planned, detail=ORDERS[number % len(ORDERS)])


def finish(item: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Take the best answer and, where it says something else, the worst."""
    shown = item["detail"].split()
    best, *_, worst = (found[shown[int(place) - 1]]["respuesta"] for place in found["rank"]["orden"].split(", "))
    row = {"instruction": found["first"]["pregunta"], "answer": best}
    return row if worst == best else {**row, "alternative": worst}


CANDIDATES = Technique(
    name="candidates",
    plan=plan_items,
    steps=(
        Step("first", keys=("pregunta", "respuesta"), stop="topic", template="self_instruct"),
        Step("second", keys=("respuesta",), stop="question", template="answer"),
        Step("third", keys=("respuesta",), stop="question", template="answer"),
        Step("rank", keys=("orden",), stop="question"),
    ),
    finish=finish,
    ranks=True,
)
