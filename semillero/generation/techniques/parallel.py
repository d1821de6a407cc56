"""Parallel: the same question in every variety, worded and answered as people there would. One request.

The questions (``corpus.questions``) are the project's and name no country. Rows that come of one question share
`parallel`, across varieties, so that a corpus can show how far its varieties differ in more than spelling: people in
Spain and Mexico give the same top answer to a question about everyday culture about one time in four (Myung et al.,
*BLEnD*, 2024).
"""

from collections.abc import Iterator
from itertools import count

from semillero.generation.technique import Ground, PlannedItem, Step, Technique, take_last_pair
from semillero.generation.walks import choose_register


def plan_items(ground: Ground) -> Iterator[PlannedItem]:
    """Walk the questions in the file's order, the same in every variety: equal quotas make whole groups."""
    for sample in count() if ground.questions else ():
        block = ground.blocks[sample % len(ground.blocks)]
        for number, question in enumerate(ground.questions):
            topic = ground.topics[question.topic]
            name = f"pregunta:{question.id}"
            yield PlannedItem(
                item=f"{ground.code}/parallel/{question.id}/{sample}",
                group=name,  # of all varieties: a test question must not be a training question elsewhere
                block=block.name,
                topic=topic.id,
                topic_name=topic.name,
                domain=topic.domain,
                register=choose_register(block, number),
                origin=name,
                given=question.instruction,
                parallel=question.id,
            )


PARALLEL = Technique(
    name="parallel",
    plan=plan_items,
    steps=(Step("write", keys=("pregunta", "respuesta"), stop="original", template="parallel", reworks=True),),
    finish=take_last_pair,
)
