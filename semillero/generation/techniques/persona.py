"""Persona × country: a question as a certain person of the variety's country would ask it, and its answer. One request.

Personas (``corpus.personas``) are crossed with the varieties: the same rural teacher asks in Mexico and in Argentina.
They make questions diverse in need and tone, after Ge et al., *Scaling Synthetic Data Creation with 1,000,000,000
Personas* (2024). They are also where stereotypes come in: describe occupations and situations, not character.
"""

from collections.abc import Iterator

from semillero.generation.technique import Ground, PlannedItem, Step, Technique, take_last_pair
from semillero.generation.walks import shuffle, walk_topics


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk topics and seeds, and the personas beside them, shifted by one each round."""
    personas = shuffle(ground.personas, ground.seed)
    if not personas:
        return
    for number, topic, at, register in walk_topics(ground):
        persona = personas[(number + number // len(personas)) % len(personas)]
        block = ground.blocks[at]
        yield PlannedItem(
            item=f"{ground.code}/persona/{persona.id}/{number}",
            group=block.name,
            block=block.name,
            topic=topic.id,
            topic_name=topic.name,
            domain=topic.domain,
            register=register,
            origin=f"persona:{persona.id}",
            detail=persona.text,
        )


PERSONA = Technique(
    name="persona",
    plan=plan_items,
    steps=(Step("write", keys=("pregunta", "respuesta"), stop="topic", template="persona"),),
    finish=take_last_pair,
)
