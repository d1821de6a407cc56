"""Self-instruct: the model writes a new question and its answer, in the manner of a few seeds. One request.

After Wang et al., *Self-Instruct: Aligning Language Models with Self-Generated Instructions* (2023). The answers are
the model's own: fluent with a small model, and not to be trusted.
"""

from collections.abc import Iterator

from semillero.generation.technique import Ground, PlannedItem, Step, Technique, take_last_pair
from semillero.generation.walks import walk_topics


def plan_items(ground: Ground, technique: str = "self_instruct") -> Iterator[PlannedItem]:
    """Walk topics and seeds; techniques that begin with a question of the model's own plan as this one does."""
    for number, topic, at, register in walk_topics(ground):
        block = ground.blocks[at]
        yield PlannedItem(
            item=f"{ground.code}/{technique}/seeds-{at}/{number}",
            group=block.name,  # what the model writes can be close to the seeds that it saw
            block=block.name,
            topic=topic.id,
            topic_name=topic.name,
            domain=topic.domain,
            register=register,
            origin=f"semillas:seeds-{at}",
        )


SELF_INSTRUCT = Technique(
    name="self_instruct",
    plan=plan_items,
    steps=(Step("write", keys=("pregunta", "respuesta"), stop="topic", template="self_instruct"),),
    finish=take_last_pair,
)
