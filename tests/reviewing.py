"""Reviewers who answer in a real Argilla, and the project and rows that they review."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import polars as pl
import pytest

from semillero.project import Project, ReviewSettings
from semillero.records import ACCEPTED, SCORES
from semillero.review.connection import connect
from tests.reviewed_rows import make_rows

Record = dict[str, Any]
Answers = dict[str, Any]
Decide = Callable[[Record], Answers | None]
PAGE = 100  # records a request, and the most responses that Argilla takes in one
RANKS = {"first": (1, 2), "second": (2, 1), "both_good": (1, 1)}
GOOD: Answers = {"quality": 4, "fits_variety": "yes"}


def make_project(name: str, codes: tuple[str, ...] = ("es-MX", "es-AR"), people: int = 3, **review: Any) -> Project:
    """A project whose reviewers p1, p2, … of its own know every variety; ``review`` overrides the section."""
    reviewers = [{"name": f"{name}-p{n}", "varieties": codes, "country": "MX"} for n in range(1, people + 1)]
    text = "Una descripción bastante larga para la ficha."
    return Project.model_validate(
        {
            "project": {
                "name": name, "title": "Saberes de prueba", "summary": text, "summary_es": text, "motivation": text,
                "sdgs": [4], "team": [{"name": "Equipo"}], "contact": "equipo@example.org",
            },
            "corpus": {
                "varieties": [
                    {"code": c, "name": f"variedad {c}", "country": c[-2:].upper(), "requests": 100} for c in codes
                ],
                "topics": "t.yaml", "seeds": "s.jsonl", "passages": "p.jsonl",
            },
            "review": {"mode": "argilla", "reviewers": reviewers, **review},
        }
    )  # fmt: skip


def make_accepted(codes: tuple[str, ...] = ("es-MX", "es-AR"), groups: int = 5, pairs: bool = False) -> pl.DataFrame:
    """Three rows a group and variety (ACCEPTED); with ``pairs`` every third row has a second answer."""
    rows = make_rows(codes, groups=groups)
    for number, row in enumerate(rows):
        row["source"] = f"Pasaje de {row['group']}." if number % 2 else row["answer"]
        row["alternative"] = f"Otra respuesta, la {number}." if pairs and number % 3 == 0 else None
    return pl.DataFrame([{name: row.get(name) for name in ACCEPTED} for row in rows], schema=ACCEPTED)


def make_scores(accepted: pl.DataFrame) -> pl.DataFrame:
    """Scores from -1 to 1 in the order of the rows, the last one unscored."""
    count = accepted.height
    values = [None if n == count - 1 else 2 * n / count - 1 for n in range(count)]
    return pl.DataFrame({"id": accepted["id"], "score": values, "detail": [""] * count}, schema=SCORES)


def connect_to(url: str, key: str) -> Any:
    """Connect as the pipeline does, with the key in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARGILLA_API_KEY", key)
        return connect(ReviewSettings(url=url))


def open_account(server: Any, name: str, password: str) -> Any:
    """Log in as a person does, by password; returns their client of the SDK."""
    import argilla

    token = httpx.post(f"{server.url}/api/v1/token", data={"username": name, "password": password}).raise_for_status()
    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    me = httpx.get(f"{server.url}/api/v1/me", headers=bearer).raise_for_status().json()
    return argilla.Argilla(api_url=server.url, api_key=me["api_key"])


def answer_as(
    server: Any, name: str, password: str, decide: Decide, status: str = "submitted", limit: int | None = None
) -> int:
    """Answer what is pending for a person, in every dataset they can see.

    Args:
        server: has ``url``.
        name: user name.
        password: theirs.
        decide: record → question → value (``ranking`` as in RESPONSES; ``status`` overrides), or None to leave it.
        status: submitted, draft or discarded.
        limit: most records to answer.

    Returns:
        How many records were answered.
    """
    client = open_account(server, name, password)
    done = 0
    for dataset in client.api.datasets.list():
        pending = list(each_pending(client, str(dataset.id)))
        items = [make_item(record, answers, status) for record in pending if (answers := decide(record)) is not None]
        items = items[: None if limit is None else limit - done]
        for start in range(0, len(items), PAGE):
            sent = client.http_client.post("/api/v1/me/responses/bulk", json={"items": items[start : start + PAGE]})
            failed = [item["error"] for item in sent.raise_for_status().json()["items"] if item["error"]]
            assert not failed, failed
        done += len(items)
    return done


def each_pending(client: Any, dataset: str) -> Iterator[Record]:
    """Yield the records that Argilla's page would offer this person, in the order of the link they are given."""
    filters = [
        {"type": "terms", "scope": {"entity": "response", "property": "status"}, "values": ["pending"]},
        {"type": "terms", "scope": {"entity": "record", "property": "status"}, "values": ["pending"]},
    ]
    sort = [{"scope": {"entity": "metadata", "metadata_property": "priority"}, "order": "asc"}]
    body = {"query": {}, "filters": {"and": filters}, "sort": sort}
    offset = 0
    while True:
        params = {"include": "responses", "offset": offset, "limit": PAGE}
        found = client.http_client.post(f"/api/v1/me/datasets/{dataset}/records/search", json=body, params=params)
        items = found.raise_for_status().json()["items"]
        yield from (item["record"] for item in items)
        if len(items) < PAGE:
            return
        offset += PAGE


def make_item(record: Record, answers: Answers, status: str) -> dict[str, Any]:
    """One response as Argilla's page sends it."""
    answers = dict(answers)
    status = answers.pop("status", status)
    answers.setdefault("variety_label", record["metadata"]["variety"])
    if isinstance(answers.get("ranking"), str):
        first, second = RANKS[answers["ranking"]]
        answers["ranking"] = [{"value": "first", "rank": first}, {"value": "second", "rank": second}]
    return {"record_id": record["id"], "status": status, "values": {q: {"value": v} for q, v in answers.items()}}
