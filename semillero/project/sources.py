"""The user's own files: topics, seeds, passages, reserved questions; every bad row named at once."""

import json
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from semillero.errors import InputError
from semillero.project.benchmarks import load_benchmark
from semillero.project.models import Project

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


AnyRow = TypeVar("AnyRow", Topic, Pair, Passage)


class Sources(BaseModel):
    """All files a project names, read and checked."""

    model_config = ConfigDict(frozen=True)

    topics: tuple[Topic, ...]
    seeds: tuple[Pair, ...]
    passages: tuple[Passage, ...]
    reserved: tuple[Pair, ...]
    benchmarks: tuple[str, ...]  # texts the corpus must not contain


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
    known, codes = {t.id for t in topics}, {v.code for v in corpus.varieties}
    strange = sorted(({seed.topic for seed in seeds} | {passage.topic for passage in passages}) - known)
    if strange:
        raise InputError(
            f"topics used by seeds or passages but not listed in {corpus.topics}: {', '.join(strange)}",
            "every topic listed",
            "add them there, or correct the rows",
        )
    for code in sorted(codes):
        for name, rows, share in (
            ("seeds", seeds, corpus.techniques.self_instruct),
            ("passages", passages, corpus.techniques.backtranslation),
        ):
            if share and not any(row.variety == code for row in rows):
                raise InputError(
                    f"no {name} for variety {code}",
                    f'at least one row with "variety": "{code}"',
                    "add some, remove the variety, or set that technique's share to 0",
                )
    columns = corpus.benchmark_columns
    texts = tuple(text for path in corpus.benchmarks for text in load_benchmark(project.resolve(path), columns))
    return Sources(topics=topics, seeds=seeds, passages=passages, reserved=reserved, benchmarks=texts)


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
