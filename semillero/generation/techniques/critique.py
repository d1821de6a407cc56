"""Critique and rewrite: a first answer, what is wrong with it, and a better one. Three requests.

After Madaan et al., *Self-Refine* (2023). Only the question and the rewritten answer become the row; the first answer
and the critique stay in the ledger. A model cannot see all of its own mistakes: what improves is completeness and
clarity rather than truth.
"""

from collections.abc import Iterator

from semillero.generation.technique import Ground, PlannedItem, Step, Technique, take_last_pair
from semillero.generation.techniques.self_instruct import plan_items as plan_topics


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk topics and seeds."""
    return plan_topics(ground, "critique")


CRITIQUE = Technique(
    name="critique",
    plan=plan_items,
    steps=(
        Step("draft", keys=("pregunta", "respuesta"), stop="topic", template="self_instruct"),
        Step("critique", keys=("critica",), stop="question", grammar="respuesta"),
        Step("rewrite", keys=("respuesta",), stop="question"),
    ),
    finish=take_last_pair,
)
