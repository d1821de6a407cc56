"""Orders in which techniques walk through what a variety offers: endless, even, and the same in every run."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import TypeVar

from semillero.generation.technique import Block, Ground
from semillero.project.sources import Passage, Topic

Thing = TypeVar("Thing", bound=object)


def shuffle(things: Iterable[Thing], seed: str, name: str = "id") -> list[Thing]:
    """Return things in an order that only ``seed`` and their names decide."""
    # By digest, not by `random`: its shuffle is not promised to be the same in every Python.
    return sorted(things, key=lambda thing: hashlib.sha256(f"{seed}/{getattr(thing, name)}".encode()).digest())


def walk_topics(ground: Ground) -> Iterator[tuple[int, Topic, int, str]]:
    """Yield number, topic, number of the block to show and register, round by round.

    Shifted by one block each round, so that a topic meets every block whatever the two counts have in common.
    """
    topics = shuffle(ground.topics.values(), ground.seed)
    for number, topic in enumerate(cycle(topics)):
        at = (number % len(topics) + number // len(topics)) % len(ground.blocks)
        yield number, topic, at, choose_register(ground.blocks[at], number // len(ground.blocks))


def walk_passages(ground: Ground) -> Iterator[tuple[int, Passage, Block]]:
    """Yield round, passage and the block to show; a topic's second passage comes after every topic's first."""
    passages = _spread(ground.passages, ground.seed)
    sample = 0
    while passages:
        block = ground.blocks[sample % len(ground.blocks)]  # the same for a round: the server's prompt cache hits
        for passage in passages:
            yield sample, passage, block
        sample += 1


def choose_register(block: Block, turn: int) -> str:
    """Return one of the registers of a block's seeds, in turn."""
    registers = [example.register for example in block.examples] or ["medio"]
    return registers[turn % len(registers)]


def _spread(passages: Sequence[Passage], seed: str) -> list[Passage]:
    seen: dict[str, int] = {}
    ranked = []
    for passage in passages:
        rank = seen[passage.topic] = seen.get(passage.topic, 0) + 1
        order = hashlib.sha256(f"{seed}/{passage.topic}".encode()).digest()
        ranked.append((rank, order, passage))
    return [passage for _, _, passage in sorted(ranked, key=lambda entry: entry[:2])]
