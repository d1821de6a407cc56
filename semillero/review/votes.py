"""Votes of the demo's visitors: read, cleaned, kept in the run store, and offered to reviewers.

A vote decides nothing. The question and the two answers go to the reviewers of that variety, before everything else and
in the order that the visitor saw, without saying which model wrote which; only the ranking of people counts, and what
comes of it are preference pairs: a visitor's question never becomes a row of the corpus.

In: JSON lines as the Space writes them (``semillero/demo/space/votes.py`` has the keys), from its private dataset or a
folder. Personal data is replaced before anything is kept: the Space masks the plainest kinds only.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import AwareDatetime, BaseModel, Field, ValidationError, model_validator

from semillero.curation.language import identify_language, language_of
from semillero.curation.pii import region_of, replace_pii
from semillero.digests import digest_text
from semillero.project.models import Project
from semillero.records import ACCEPTED, Schema, read_records, record_id, write_records
from semillero.store import Artifact, Recipe, RunStore

STAGE = "votes"
VERSION = 1
FILE = "votes.parquet"
TECHNIQUE = "space_vote"
DECIDED = ("first", "second")  # a visitor who found both good, or both bad, has shown reviewers nothing to compare
VOTES: Schema = {
    "id": pl.String(),
    "time": pl.String(),  # ISO 8601, UTC
    "question": pl.String(),
    "variety": pl.String(),  # as chosen, or the only one of the question's language; null when that cannot be told
    "register": pl.String(),
    "first": pl.String(),  # the answers in the order in which they were shown
    "second": pl.String(),
    "vote": pl.String(),  # first, second, both_good, both_bad
    "comment": pl.String(),
    "model": pl.String(),  # repository and revision of the adapter
}

Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Name = Literal["base", "tuned"]


class _Vote(BaseModel):
    """One line of the Space's, as far as it is used here."""

    version: Literal[1] = Field(alias="schema")
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    time: AwareDatetime
    question: Text
    variety: Annotated[str, Field(max_length=40)]
    register_: Annotated[str, Field(alias="register", max_length=40)]
    answers: dict[Name, Text]
    order: tuple[Name, Name]
    vote: Literal["first", "second", "both_good", "both_bad"]
    comment: Annotated[str, Field(max_length=2_000)]
    model: dict[str, str]

    @model_validator(mode="after")
    def _both_are_there(self) -> "_Vote":
        if set(self.answers) != {"base", "tuned"} or set(self.order) != {"base", "tuned"}:
            raise ValueError("one answer of each model, each shown once")
        return self


def read_votes(folders: Sequence[Path], project: Project) -> tuple[pl.DataFrame, Counter[str]]:
    """Read every vote in some folders.

    Args:
        folders: with ``*.jsonl`` files at any depth.
        project: its varieties decide whose question a question without a variety is.

    Returns:
        The votes (VOTES, by id), and how many lines were ``read``, ``unreadable`` and ``doubled``.
    """
    counts: Counter[str] = Counter(read=0, unreadable=0, doubled=0)
    found: dict[str, _Vote] = {}
    for line in _each_line(folders):
        counts["read"] += 1
        try:
            vote = _Vote.model_validate_json(line)
        except ValidationError:  # torn by a crash, or not the Space's
            counts["unreadable"] += 1
            continue
        counts["doubled"] += vote.id in found
        found.setdefault(vote.id, vote)
    votes = [found[name] for name in sorted(found)]
    varieties = _find_varieties(votes, project)
    rows = [_clean(vote, variety) for vote, variety in zip(votes, varieties, strict=True)]
    return pl.DataFrame(rows, schema=VOTES), counts


def keep_votes(store: RunStore, votes: pl.DataFrame) -> Artifact:
    """Keep the votes together with those that were kept before: what a Space has lost stays here.

    Returns:
        The artifact; counts votes, and of them those with a preference (decided).
    """
    known = read_kept_votes(store, newest_votes(store))
    votes = pl.concat([votes, known]).unique("id", keep="first").sort("id")
    recipe = _recipe(digest_text(votes.write_ndjson()))
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        write_records(votes, VOTES, draft.path / FILE)
        draft.counts.update(votes=votes.height, decided=votes.filter(pl.col("vote").is_in(DECIDED)).height)
    return draft.artifact


def newest_votes(store: RunStore) -> Artifact | None:
    """Return the votes that were kept last, or None when there are none or they do not verify."""
    entry = store.last(STAGE).get("")
    return store.find(_recipe(entry["recipe"]["inputs"]["table"])) if entry else None


def read_kept_votes(store: RunStore, kept: Artifact | None) -> pl.DataFrame:
    """Return the kept votes (VOTES); an empty table for None."""
    return read_records(store.folder(kept) / FILE, VOTES) if kept else pl.DataFrame(schema=VOTES)


def rows_to_review(votes: pl.DataFrame, project: Project) -> pl.DataFrame:
    """Return the votes that reviewers are offered as rows with two answers (ACCEPTED), by id.

    Left out are votes without a preference, without a variety of the project, and between two equal answers.
    """
    codes = [variety.code for variety in project.corpus.varieties]
    offered = votes.filter(
        pl.col("vote").is_in(DECIDED) & pl.col("variety").is_in(codes) & (pl.col("first") != pl.col("second"))
    )
    rows = [_as_row(vote) for vote in offered.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=ACCEPTED).sort("id")


def _as_row(vote: dict[str, str]) -> dict[str, object]:
    item = f"votes/{vote['id']}"
    told = {
        "id": record_id(item, vote["question"], vote["first"]), "item": item, "group": item,
        "variety": vote["variety"], "topic": STAGE, "technique": TECHNIQUE, "instruction": vote["question"],
        "answer": vote["first"], "alternative": vote["second"], "register": vote["register"] or "medio",
        "period": "actual", "domain": STAGE, "task": "pregunta_abierta", "prompt": vote["question"],
        "model": vote["model"], "flags": [],
    }  # fmt: skip
    return {name: told.get(name) for name in ACCEPTED}


def _each_line(folders: Sequence[Path]) -> Iterator[bytes]:
    for folder in folders:
        for path in sorted(folder.rglob("*.jsonl")):
            yield from (line for line in path.read_bytes().splitlines() if line.strip())


def _find_varieties(votes: Sequence[_Vote], project: Project) -> list[str | None]:
    """Return each vote's variety: the chosen one, else the project's only variety of the question's language."""
    codes = [variety.code for variety in project.corpus.varieties]
    spoken = identify_language([vote.question for vote in votes], codes)
    only = {language_of(code): code for code in codes if [language_of(c) for c in codes].count(language_of(code)) == 1}
    return [
        (vote.variety if vote.variety in codes else None) or only.get(language)
        for vote, language in zip(votes, spoken, strict=True)
    ]


def _clean(vote: _Vote, variety: str | None) -> dict[str, str | None]:
    region = region_of(variety or "es")
    question, first, second, comment = (
        replace_pii(text, region)[0]
        for text in (vote.question, *(vote.answers[name] for name in vote.order), vote.comment)
    )
    return {
        "id": vote.id, "time": vote.time.isoformat(timespec="seconds"), "question": question, "variety": variety,
        "register": vote.register_, "first": first, "second": second, "vote": vote.vote, "comment": comment,
        "model": f"{vote.model.get('id', '')}@{vote.model.get('revision', '')}",
    }  # fmt: skip


def _recipe(table: str) -> Recipe:
    return Recipe(STAGE, VERSION, inputs={"table": table}, settings={})
