"""Evolved instructions: a seed's question is made harder in one of four ways, then answered. Two requests.

The idea is Evol-Instruct's (Xu et al., *WizardLM*, 2023): seeds written by people are simple, and a model trained on
simple requests learns to fail at others. The ways are ours: deepen, constrain, make concrete, broaden.
"""

from collections.abc import Iterator

from semillero.generation.technique import Ground, PlannedItem, Step, Technique, take_last_pair

WAYS = ("deepen", "constrain", "concrete", "broaden")  # `detail`; each language's file words them


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk the seeds again and again, each round evolving a seed in another way."""
    topics = {topic.name: topic for topic in ground.topics.values()}
    seeds = [(at, block, seed) for at, block in enumerate(ground.blocks) for seed in block.examples]
    number = 0
    while seeds:
        for place, (at, block, seed) in enumerate(seeds):
            topic = topics[seed.topic]
            yield PlannedItem(
                item=f"{ground.code}/evolved/seeds-{at}/{number}",
                group=block.name,
                block=block.name,
                topic=topic.id,
                topic_name=topic.name,
                domain=topic.domain,
                register=seed.register,
                origin=f"semillas:seeds-{at}",
                given=seed.instruction,
                detail=WAYS[(place + number // len(seeds)) % len(WAYS)],
            )
            number += 1


EVOLVED = Technique(
    name="evolved",
    plan=plan_items,
    steps=(
        Step("evolve", keys=("pregunta",), stop="original", grammar="peticion", reworks=True),
        Step("answer", keys=("respuesta",), stop="question"),
    ),
    finish=take_last_pair,
)
