"""Which rows to ask for: the plan, worked out before anything is asked.

In: the corpus section and its sources. Out: shards, each a frozen, JSON-able record that holds everything its
prompts are rendered from. A pure function: the same project gives the same plan on any machine, and an item's
name, group, prompts and request seeds do not depend on the size of shards.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from semillero.digests import digest_json
from semillero.generation.technique import Block, Example, Ground, PlannedItem, Technique
from semillero.generation.techniques import TECHNIQUES
from semillero.project import CorpusSettings, Variety
from semillero.project.sources import Pair, Sources, Topic

BLOCK = 4  # seeds shown in one prompt: more hardly helps a small model, and each costs prompt tokens


@dataclass(frozen=True)
class ShardPlan:
    """A slice of one variety's work with one technique.

    Attributes:
        name: such as ``es-MX-backtranslation-000``.
        variety, variety_name, country: BCP-47 code, its name in Spanish, and where it is spoken.
        technique: a name in `TECHNIQUES`.
        blocks: the seeds that the items' prompts show.
        items: one a row; each sends as many requests as the technique has steps, or fewer.
    """

    name: str
    variety: str
    variety_name: str
    country: str
    technique: str
    blocks: tuple[Block, ...]
    items: tuple[PlannedItem, ...]

    @property
    def language(self) -> str:
        """The language of the variety: ``es`` of ``es-MX``."""
        return self.variety.split("-")[0]

    @property
    def requests(self) -> int:
        """How many requests the items send, if each reply is usable."""
        steps = TECHNIQUES[self.technique].steps
        return sum(step.when is None or step.when(vars(item)) for item in self.items for step in steps)

    def as_json(self) -> dict[str, Any]:
        """The plan as a JSON value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ShardPlan":
        """Return the plan that `as_json` gave."""
        blocks = tuple(
            Block(block["name"], tuple(Example(**example) for example in block["examples"]))
            for block in value["blocks"]
        )
        items = tuple(PlannedItem(**item) for item in value["items"])
        return cls(**{**value, "blocks": blocks, "items": items})

    def rows(self) -> list[dict[str, Any]]:
        """What the items' prompts are rendered from, one row an item, in the plan's order."""
        examples = {block.name: [vars(example) for example in block.examples] for block in self.blocks}
        return [{**vars(item), "examples": examples[item.block], "country": self.country} for item in self.items]

    def item_digests(self) -> list[str]:
        """One digest an item, over everything that its prompts are rendered from."""
        shared = {"variety": self.variety, "variety_name": self.variety_name, "technique": self.technique}
        return [digest_json({**shared, **row}) for row in self.rows()]


def plan_shards(corpus: CorpusSettings, sources: Sources) -> tuple[ShardPlan, ...]:
    """Divide every variety's rows over techniques, let each technique plan its own, and cut them into shards.

    Techniques get their share by largest remainder. How one walks topics, passages and seeds, its file says.
    """
    shards: list[ShardPlan] = []
    shares = corpus.techniques.model_dump()
    for variety in corpus.varieties:
        quotas = divide(variety.requests, {name: shares[name] for name in TECHNIQUES})
        for technique in TECHNIQUES.values():
            ground = _survey(variety, technique, sources, corpus.generator.seed)
            items = list(islice(technique.plan(ground), quotas[technique.name]))
            shards += _cut(variety, technique.name, items, ground.blocks, corpus.shard_size)
    return tuple(shards)


def divide(total: int, shares: dict[str, float]) -> dict[str, int]:
    """Divide ``total`` in proportion to ``shares``: largest remainder, earlier names first on a tie."""
    whole = sum(shares.values())
    exact = {name: total * share / whole for name, share in shares.items()}
    parts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(shares, key=lambda name: parts[name] - exact[name])
    for name in by_remainder[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


def _survey(variety: Variety, technique: Technique, sources: Sources, seed: int) -> Ground:
    code = variety.code
    topics = _name_topics(sources.topics, code)
    blocks = _make_blocks([pair for pair in sources.seeds if pair.variety == code], topics, code)
    return Ground(
        code=code,
        seed=f"{seed}/{code}",
        topics=topics,
        blocks=[Block(block.name, block.examples[: technique.shots]) for block in blocks],
        passages=[passage for passage in sources.passages if passage.variety == code],
        personas=sources.personas,
        questions=sources.questions,
    )


def _name_topics(topics: Iterable[Topic], code: str) -> dict[str, Topic]:
    language = code.split("-")[0]  # prompts in Catalan name topics in Catalan, where they have such a name
    return {topic.id: topic.model_copy(update={"name": topic.name_in(language)}) for topic in topics}


def _make_blocks(seeds: Sequence[Pair], topics: dict[str, Topic], code: str) -> list[Block]:
    count = max(1, len(seeds) // BLOCK)  # what is left over goes to the first blocks, one seed each
    examples = [Example(topics[pair.topic].name, pair.speech_register, pair.instruction, pair.answer) for pair in seeds]
    return [Block(f"{code}/seeds/{n}", tuple(examples[n::count])) for n in range(count)]


def _cut(
    variety: Variety, technique: str, items: list[PlannedItem], blocks: Sequence[Block], size: int
) -> Iterator[ShardPlan]:
    for number, start in enumerate(range(0, len(items), size)):
        # Items that show the same seeds side by side: the server has most of their prompt in its cache.
        part = tuple(sorted(items[start : start + size], key=lambda item: item.block))
        used = {item.block for item in part}
        shown = tuple(block for block in blocks if block.name in used)
        name = f"{variety.code}-{technique}-{number:03d}"
        yield ShardPlan(name, variety.code, variety.name, variety.country, technique, shown, part)
