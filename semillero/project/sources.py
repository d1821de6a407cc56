"""The user's own files: topics, seeds, passages, reserved questions; every bad row named at once."""

import json
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from semillero.errors import InputError
from semillero.project.benchmarks import load_benchmark
from semillero.project.models import FROM_PASSAGES, CorpusSettings, Project

Text = Annotated[str, Field(min_length=1)]
SHOWN = 10  # faults listed one by one; the rest are counted


class Row(BaseModel):
    """A frozen row; keys of the user's that we do not know are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


class Topic(Row):
    """A subject; rows are spread over all of them. ``name_ca`` and the like name it in other languages."""

    model_config = ConfigDict(extra="allow")

    id: Text
    name: Text
    domain: Text

    def name_in(self, language: str) -> str:
        """Return the topic's name in a language (``ca``), or its Spanish one."""
        return str((self.model_extra or {}).get(f"name_{language}") or self.name)


class Pair(Row):
    """An instruction and its answer: a seed, or a reserved question."""

    id: Text
    variety: Text
    topic: Text
    instruction: Text
    answer: Text
    # `register` is the corpus guide's name, but also a method of every abstract class.
    speech_register: Text = Field(default="medio", alias="register")
    task: Text = "pregunta_abierta"


class Passage(Row):
    """A short trusted text that can stand as an answer."""

    id: Text
    variety: Text
    topic: Text
    text: Text
    origin: Text | None = None  # a URL or a citation, published as the rows' `origen`

    @property
    def citation(self) -> str:
        """Where rows of this passage say they come from."""
        return self.origin or f"pasaje:{self.id}"


class Persona(Row):
    """Who asks: an occupation or a situation, in one Spanish phrase without a country."""

    id: Text
    text: Text


class Question(Row):
    """A question that is asked in every variety; it names no country."""

    id: Text
    topic: Text
    instruction: Text


AnyRow = TypeVar("AnyRow", Topic, Pair, Passage, Persona, Question)


class Sources(BaseModel):
    """All files a project names, read and checked."""

    model_config = ConfigDict(frozen=True)

    topics: tuple[Topic, ...]
    seeds: tuple[Pair, ...]
    passages: tuple[Passage, ...]
    reserved: tuple[Pair, ...]
    benchmarks: tuple[str, ...]  # texts the corpus must not contain
    personas: tuple[Persona, ...] = ()
    questions: tuple[Question, ...] = ()


def load_sources(project: Project) -> Sources:
    """Read every file that the project file names.

    Raises:
        InputError: a file cannot be read, or rows in it are bad; names file, line and fault.
    """
    corpus = project.corpus
    topics = _load_topics(project.resolve(corpus.topics))
    seeds = load_rows(project.resolve(corpus.seeds), Pair)
    passages = load_rows(project.resolve(corpus.passages), Passage) if corpus.passages else ()
    reserved = load_rows(project.resolve(corpus.reserved), Pair) if corpus.reserved else ()
    personas = load_rows(project.resolve(corpus.personas), Persona) if corpus.personas else ()
    questions = load_rows(project.resolve(corpus.questions), Question) if corpus.questions else ()
    known = {t.id for t in topics}
    used = {seed.topic for seed in seeds} | {passage.topic for passage in passages} | {q.topic for q in questions}
    strange = sorted(used - known)
    if strange:
        raise InputError(
            f"topics used by seeds, passages or questions but not listed in {corpus.topics}: {', '.join(strange)}",
            "every topic listed",
            "add them there, or correct the rows",
        )
    _check_varieties(corpus, {"seeds": {s.variety for s in seeds}, "passages": {p.variety for p in passages}})
    columns = corpus.benchmark_columns
    texts = tuple(text for path in corpus.benchmarks for text in load_benchmark(project.resolve(path), columns))
    return Sources(
        topics=topics,
        seeds=seeds,
        passages=passages,
        reserved=reserved,
        benchmarks=texts,
        personas=personas,
        questions=questions,
    )


def _check_varieties(corpus: CorpusSettings, found: dict[str, set[str]]) -> None:
    used = [name for name, share in corpus.techniques.model_dump().items() if share]
    for code in sorted(variety.code for variety in corpus.varieties):
        for name in used:
            needed = "passages" if name in FROM_PASSAGES else "seeds"
            if code not in found[needed]:
                raise InputError(
                    f"no {needed} for variety {code}",
                    f'at least one row with "variety": "{code}"',
                    f"add some, remove the variety, or set corpus.techniques.{name} to 0",
                )


def load_rows(path: Path, kind: type[AnyRow]) -> tuple[AnyRow, ...]:
    """Read a JSON-lines file of rows.

    Raises:
        InputError: unreadable file, bad rows (the first ten are shown), a repeated id, or no row at all.
    """
    rows: list[AnyRow] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = kind.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            faults.append(f"{path}:{number}: not JSON: {error.msg} at column {error.colno}")
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "row"
            faults.append(f"{path}:{number}: {key}: {first['msg'].lower()}")
        else:
            if row.id in seen:
                faults.append(f"{path}:{number}: id {row.id} is taken by line {seen[row.id]}")
            seen.setdefault(row.id, number)
            rows.append(row)
    if faults:
        more = f"\n… and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise InputError(
            f"{len(faults)} bad rows in {path.name}:\n" + "\n".join(faults[:SHOWN]) + more,
            f"one JSON object a line with {', '.join(kind.model_fields)}",
            "correct those lines; nothing was generated",
        )
    if not rows:
        raise InputError(f"{path} has no rows", "at least one")
    return tuple(rows)


def _load_topics(path: Path) -> tuple[Topic, ...]:
    try:
        topics = TypeAdapter(tuple[Topic, ...]).validate_python(yaml.safe_load(_read(path)))
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: {error}", "a YAML list of topics, each with id, name and domain") from None
    if not topics or len({t.id for t in topics}) < len(topics):
        raise InputError(f"{path}: no topics, or an id twice", "at least one topic, each id once")
    return topics


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", "a UTF-8 text file") from None
