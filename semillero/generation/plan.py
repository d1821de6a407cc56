"""Which rows to ask for: the plan, worked out before anything is asked.

In: the corpus section and its sources. Out: shards, each a frozen, JSON-able record that holds everything its
prompts are rendered from. A pure function: the same project gives the same plan on any machine, and an item's
name, group, prompt and request seed do not depend on the size of shards.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any

from semillero.digests import digest_json
from semillero.project import CorpusSettings, Variety
from semillero.project.sources import Pair, Passage, Sources, Topic

BACKTRANSLATION = "backtranslation"
SELF_INSTRUCT = "self_instruct"
SHOTS = 3  # of a block, in back-translation: the passage itself shows the manner, and prompt tokens are what it costs
BLOCK = 4  # seeds shown in one prompt: more hardly helps a small model, and each costs prompt tokens
REGISTER = "medio"  # of a question to a passage: passages are written in a neutral register


@dataclass(frozen=True)
class Example:
    """A seed as a prompt shows it."""

    topic: str
    register: str
    instruction: str
    answer: str


@dataclass(frozen=True)
class Block:
    """Seeds that are shown together; the blocks of a variety share no seed."""

    name: str  # es-MX/seeds/2
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class PlannedItem:
    """One request: a row of the corpus, if its reply is usable."""

    item: str  # es-MX/backtranslation/es-MX-p01/0
    group: str  # the passage's id, or the block's name: rows that share it never straddle splits
    block: str
    topic: str
    topic_name: str
    domain: str
    register: str
    passage: str | None  # the trusted text that becomes the answer


@dataclass(frozen=True)
class ShardPlan:
    """A slice of one variety's work with one technique.

    Attributes:
        name: such as ``es-MX-backtranslation-000``.
        variety, variety_name: BCP-47 code, and its name in Spanish.
        technique: ``backtranslation`` or ``self_instruct``.
        blocks: the seeds that the items' prompts show.
        items: one a request.
    """

    name: str
    variety: str
    variety_name: str
    technique: str
    blocks: tuple[Block, ...]
    items: tuple[PlannedItem, ...]

    @property
    def language(self) -> str:
        """The language of the variety: ``es`` of ``es-MX``."""
        return self.variety.split("-")[0]

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

    def block(self, item: PlannedItem) -> Block:
        """Return the seeds that ``item``'s prompt shows."""
        return next(block for block in self.blocks if block.name == item.block)

    def item_digests(self) -> list[str]:
        """One digest an item, over everything that its prompt is rendered from."""
        shared = {"variety": self.variety, "variety_name": self.variety_name, "technique": self.technique}
        blocks = {block.name: asdict(block) for block in self.blocks}
        return [digest_json({**shared, **asdict(item), "examples": blocks[item.block]}) for item in self.items]


def plan_shards(corpus: CorpusSettings, sources: Sources) -> tuple[ShardPlan, ...]:
    """Divide every variety's requests over techniques, topics, passages and seeds, and cut them into shards.

    Techniques get their share by largest remainder. Back-translation walks the variety's passages, topic by topic,
    again and again, each round showing another block of seeds; self-instruct walks topics and blocks.
    """
    shards: list[ShardPlan] = []
    for variety in corpus.varieties:
        topics = _name_topics(sources.topics, variety.code)
        seed = f"{corpus.generator.seed}/{variety.code}"
        blocks = _make_blocks([pair for pair in sources.seeds if pair.variety == variety.code], topics, variety.code)
        passages = [passage for passage in sources.passages if passage.variety == variety.code]
        quotas = divide(
            variety.requests,
            {BACKTRANSLATION: corpus.techniques.backtranslation, SELF_INSTRUCT: corpus.techniques.self_instruct},
        )
        for technique, count in quotas.items():
            if technique == BACKTRANSLATION:
                shown = [Block(block.name, block.examples[:SHOTS]) for block in blocks]
                items = _walk_passages(variety.code, _spread(passages, seed), shown, topics)
            else:
                shown = blocks
                items = _walk_topics(variety.code, _shuffle(topics.values(), seed), shown)
            shards += _cut(variety, technique, list(islice(items, count)), shown, corpus.shard_size)
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


def request_seed(item: str, seed: int) -> int:
    """Return the sampling seed of an item's request: 31 bits, the same in every run."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{item}".encode()).digest()[:4], "big") >> 1


def _name_topics(topics: Iterable[Topic], code: str) -> dict[str, Topic]:
    language = code.split("-")[0]  # prompts in Catalan name topics in Catalan, where they have such a name
    return {topic.id: topic.model_copy(update={"name": topic.name_in(language)}) for topic in topics}


def _make_blocks(seeds: Sequence[Pair], topics: dict[str, Topic], code: str) -> list[Block]:
    count = max(1, len(seeds) // BLOCK)  # what is left over goes to the first blocks, one seed each
    examples = [Example(topics[pair.topic].name, pair.speech_register, pair.instruction, pair.answer) for pair in seeds]
    return [Block(f"{code}/seeds/{n}", tuple(examples[n::count])) for n in range(count)]


def _walk_passages(
    code: str, passages: Sequence[Passage], blocks: Sequence[Block], topics: dict[str, Topic]
) -> Iterator[PlannedItem]:
    sample = 0
    while passages:
        block = blocks[sample % len(blocks)]  # the same examples for a whole round: the server's prompt cache hits
        for passage in passages:
            topic = topics[passage.topic]
            name = f"{code}/{BACKTRANSLATION}/{passage.id}/{sample}"
            yield PlannedItem(name, passage.id, block.name, topic.id, topic.name, topic.domain, REGISTER, passage.text)
        sample += 1


def _walk_topics(code: str, topics: Sequence[Topic], blocks: Sequence[Block]) -> Iterator[PlannedItem]:
    for number, topic in enumerate(cycle(topics)):
        # Shifted by one each round, so that a topic meets every block whatever the two counts have in common.
        at = (number % len(topics) + number // len(topics)) % len(blocks)
        block = blocks[at]
        registers = [example.register for example in block.examples]
        name = f"{code}/{SELF_INSTRUCT}/seeds-{at}/{number}"
        register = registers[number // len(blocks) % len(registers)]
        yield PlannedItem(name, block.name, block.name, topic.id, topic.name, topic.domain, register, None)


def _shuffle(topics: Iterable[Topic], seed: str) -> list[Topic]:
    # By digest, not by `random`: its shuffle is not promised to be the same in every Python.
    return sorted(topics, key=lambda topic: hashlib.sha256(f"{seed}/{topic.id}".encode()).digest())


def _spread(passages: Sequence[Passage], seed: str) -> list[Passage]:
    """Return the passages in an order that takes one of each topic before any topic's second."""
    seen: dict[str, int] = {}
    ranked = []
    for passage in passages:
        rank = seen[passage.topic] = seen.get(passage.topic, 0) + 1
        order = hashlib.sha256(f"{seed}/{passage.topic}".encode()).digest()
        ranked.append((rank, order, passage))
    return [passage for _, _, passage in sorted(ranked, key=lambda entry: entry[:2])]


def _cut(
    variety: Variety, technique: str, items: list[PlannedItem], blocks: Sequence[Block], size: int
) -> Iterator[ShardPlan]:
    for number, start in enumerate(range(0, len(items), size)):
        # Items that show the same seeds side by side: the server has most of their prompt in its cache.
        part = tuple(sorted(items[start : start + size], key=lambda item: item.block))
        used = {item.block for item in part}
        shown = tuple(block for block in blocks if block.name in used)
        name = f"{variety.code}-{technique}-{number:03d}"
        yield ShardPlan(name, variety.code, variety.name, technique, shown, part)
