"""What a technique is: how its items are planned, which requests each item sends, and what row comes of the replies.

A technique is one file in `semillero/generation/techniques/`, with its templates in ``prompts/``. Nothing here loads a
heavy library: the plan is worked out in every run, also in one that generates nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from semillero.project.sources import Passage, Persona, Question, Topic

Fields = Mapping[str, str]  # what a reply held, by key: {"pregunta": …, "respuesta": …}
Found = Mapping[str, Fields]  # by the name of the step that asked for it


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
    """One row of the corpus to be, if its replies are usable.

    Attributes:
        item: its name, ``variety/technique/what it comes from/number``; the same whatever else is planned.
        group: rows that share it never straddle splits.
        block: the seeds that its prompts show.
        topic, topic_name, domain, register: what it is about, and how it is spoken.
        origin: where the content comes from, as the published corpus cites it.
        passage: the trusted text it is written from.
        given: a question it starts from.
        detail: what else varies from item to item; each technique says what.
        parallel: names the rows that answer the same question in other varieties.
    """

    item: str
    group: str
    block: str
    topic: str
    topic_name: str
    domain: str
    register: str
    origin: str
    passage: str | None = None
    given: str | None = None
    detail: str = ""
    parallel: str | None = None


@dataclass(frozen=True)
class Ground:
    """What one variety offers to plan from.

    Attributes:
        code: of the variety.
        seed: of everything that is chosen by chance.
        topics: by id, in the file's order; their names are in the variety's language where they have one.
        blocks: the variety's seeds; never empty, but a block may be.
        passages: the variety's.
        personas, questions: the project's; every variety has the same.
    """

    code: str
    seed: str
    topics: Mapping[str, Topic]
    blocks: Sequence[Block]
    passages: Sequence[Passage]
    personas: Sequence[Persona]
    questions: Sequence[Question]


@dataclass(frozen=True)
class Step:
    """One request of an item.

    Attributes:
        name: ends the request's name in the ledger, ``es-MX/evolved/seeds-0/3#answer``.
        keys: what its reply must hold, in this order (`semillero.generation.replies` knows what each key demands).
        stop: label of the prompt's line that begins a new example; there a reply in lines has gone on too far.
        template: its file in ``prompts/``; by default the step's name.
        grammar: its grammar's in ``prompts/grammars/``; by default the keys'.
        reworks: the question may keep the words of one in the prompt, as long as it is not the same.
        when: says of an item whether the request is made; always, by default.
    """

    name: str
    keys: tuple[str, ...]
    stop: str
    template: str = ""
    grammar: str = ""
    reworks: bool = False
    when: Callable[[Mapping[str, Any]], bool] | None = None

    @property
    def file(self) -> str:
        """The template's name, without suffix."""
        return self.template or self.name

    @property
    def grammar_file(self) -> str:
        """The grammar's name, without suffix."""
        return self.grammar or "_".join(self.keys)


@dataclass(frozen=True)
class Technique:
    """A way of making rows.

    Attributes:
        name: its key in ``corpus.techniques``.
        plan: yields items without end (or none, where the variety has nothing to make them from), the same each time.
        steps: its requests, each made when the one before had a usable reply.
        finish: from an item's fields and all replies to the row's columns: ``instruction``, ``answer`` and, where the
            technique has them, ``alternative`` and ``history``.
        shots: how many seeds of a block its prompts show; None: all.
        task: kind of task, for the published `tarea`.
        ranks: whether a model ranked the two answers.
    """

    name: str
    plan: Callable[[Ground], Iterator[PlannedItem]]
    steps: tuple[Step, ...]
    finish: Callable[[Mapping[str, Any], Found], dict[str, Any]]
    shots: int | None = None
    task: str = "pregunta_abierta"
    ranks: bool = False

    def step(self, name: str) -> Step:
        """Return the step of this name."""
        return next(step for step in self.steps if step.name == name)

    def request(self, item: str, step: str) -> str:
        """Return a request's name in the ledger: the item's own, where it is the item's only request."""
        return item if len(self.steps) == 1 else f"{item}#{step}"


def take_last_pair(item: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Finish a row with the newest question and the newest answer among the replies."""
    texts: dict[str, str] = {}
    for fields in found.values():  # in the order of the steps
        texts.update(fields)
    return {"instruction": texts["pregunta"], "answer": texts["respuesta"]}
