"""Argilla's records, read from its database and written by their own ids.

The SDK's record objects leave out when a response was given and how many records there are, so the documented
endpoints are called as they are, through the SDK's client. Reading never goes through the search index: the index may
be lost or behind, the database is what counts. Writing is an upsert by ``external_id``, which the database holds unique
within a dataset: however often, and by however many at once, a record is sent, it is there once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from semillero.errors import SemilleroError

if TYPE_CHECKING:
    import argilla

PAGE = 500  # records a page; Argilla gives 1,000 at most
READINGS = 3  # of a dataset that grows or shrinks while it is read

Json = dict[str, Any]
Kept = TypeVar("Kept")


def read_records(client: "argilla.Argilla", dataset: str, keep: Callable[[Json], Kept]) -> list[Kept]:
    """Read every record of a dataset with all people's responses, each record once.

    Args:
        client: an owner's.
        dataset: its id.
        keep: record → what is wanted of it; the rest of it need not stay in memory.

    Raises:
        SemilleroError: records were added or removed during every reading (retryable).
        httpx.HTTPStatusError, httpx.TransportError: the server refuses or is down.
    """
    for _ in range(READINGS):
        found: dict[str, Kept] = {}
        total = 0
        for page in _each_page(client, dataset):
            found.update((record["id"], keep(record)) for record in page["items"])
            total = page["total"]
        # Pages are cut by time of insertion, which several records may share: a count proves that none slipped through.
        if len(found) == total:
            return list(found.values())
    raise SemilleroError(
        f"{len(found)} of {total} records of an Argilla dataset were read: it changes while it is read",
        "a dataset that stays still for some seconds",
        "wait until nobody pushes to it, then run the same command again",
        retryable=True,
    )


def send_records(client: "argilla.Argilla", dataset: str, payloads: Sequence[Json]) -> None:
    """Make or complete the records of one batch (at most 500).

    Raises:
        httpx.HTTPStatusError, httpx.TransportError: the server refuses or is down; nothing of the batch is there then.
    """
    response = client.http_client.put(f"/api/v1/datasets/{dataset}/records/bulk", json={"items": list(payloads)})
    response.raise_for_status()


def count_indexed(client: "argilla.Argilla", dataset: str) -> int | None:
    """Return how many records the search index knows, which is what reviewers see; None: there is no index."""
    response = client.http_client.post(
        f"/api/v1/datasets/{dataset}/records/search", json={}, params={"limit": 1, "offset": 0}
    )
    if response.status_code >= 500:
        return None
    response.raise_for_status()
    return int(response.json()["total"])


def _each_page(client: "argilla.Argilla", dataset: str) -> Iterator[Json]:
    offset = 0
    while True:
        params: dict[str, str | int] = {"include": "responses", "offset": offset, "limit": PAGE}
        response = client.http_client.get(f"/api/v1/datasets/{dataset}/records", params=params)
        response.raise_for_status()
        page: Json = response.json()
        yield page
        offset += len(page["items"])
        if len(page["items"]) < PAGE:
            return
