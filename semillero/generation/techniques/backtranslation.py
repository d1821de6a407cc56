"""Back-translation: a trusted passage becomes the answer, the model writes the question to it. One request.

The answers are as true as the passages; what the model can get wrong is only the question. After Li et al.,
*Self-Alignment with Instruction Backtranslation* (2023).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from semillero.generation.technique import Found, Ground, PlannedItem, Step, Technique
from semillero.generation.walks import walk_passages

REGISTER = "medio"  # of a question to a passage: passages are written in a neutral register


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk the passages again and again, each round showing other seeds."""
    for sample, passage, block in walk_passages(ground):
        topic = ground.topics[passage.topic]
        yield PlannedItem(
            item=f"{ground.code}/backtranslation/{passage.id}/{sample}",
            group=passage.id,
            block=block.name,
            topic=topic.id,
            topic_name=topic.name,
            domain=topic.domain,
            register=REGISTER,
            origin=passage.citation,
            passage=passage.text,
        )


def finish(item: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Take the question from the reply, and the passage as its answer."""
    return {"instruction": found["write"]["pregunta"], "answer": item["passage"]}


BACKTRANSLATION = Technique(
    name="backtranslation",
    plan=plan_items,
    steps=(Step("write", keys=("pregunta",), stop="text", template="backtranslation"),),
    finish=finish,
    shots=3,  # the passage itself shows the manner, and prompt tokens are what it costs
)
