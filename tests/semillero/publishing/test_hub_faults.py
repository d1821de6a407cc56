"""Every fault at every endpoint ends with one commit of ours, correct content, and nobody else's file deleted."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.hub_server import Hub as Server
from tests.semillero.publishing.conftest import Publisher, our_commits, plan

# Everything that a first publication asks, as an undisturbed one shows (`test_the_matrix_has_every_endpoint`).
ENDPOINTS = (
    r"GET /api/datasets/semillero/corpus$", r"POST /api/repos/create", r"GET .*/tree/", r"GET .*/commits/",
    r"GET .*/auth-check/write", r"POST .*/preupload/", r"GET .*/xet-write-token/", r"POST /api/validate-yaml",
    r"POST .*/commit/", r"GET .*/refs", r"POST .*/tag/",
)  # fmt: skip
LFS = (r"POST .*/info/lfs/objects/batch", r"PUT /", r"POST /-/lfs/.*/verify")
FAULTS: dict[str, Any] = {
    "503": 503, "429": (429, 100_000), "reset": "reset", "hang": "hang", "lost": "lose-response", "late": "hang-after",
}  # fmt: skip
OTHERS = {"notas.txt": b"de otra persona"}


def publish_beside_others(server: Server, publisher: Publisher) -> None:
    """Publish into a repository that has somebody's file, and again; then all must be as it should."""
    server.create("dataset", "semillero/corpus", private=True)
    server.push("dataset", "semillero/corpus", OTHERS)
    publisher.publish(plan())
    expect_published(server)
    publisher.lose_disk()
    publisher.publish(plan())
    expect_published(server)


def expect_published(server: Server) -> None:
    files = server.files("dataset", "semillero/corpus")
    files.pop(".gitattributes")
    assert files == {file.name: file.read() for file in plan().files} | (OTHERS if "notas.txt" in files else {})
    assert len(our_commits(server)) == 1
    assert server.info("dataset", "semillero/corpus")["private"]
    assert list(server.tags("dataset", "semillero/corpus").values()) == our_commits(server)


def publish_despite(server: Server, publisher: Publisher, endpoint: str, fault: str) -> None:
    """Publish while one request goes wrong, and again; both times all must be as it should."""
    ordered = server.fault(endpoint, FAULTS[fault])
    publisher.publish(plan())
    assert ordered.struck == 1
    expect_published(server)
    publisher.lose_disk()
    publisher.publish(plan())
    expect_published(server)


def list_asked(server: Server) -> list[str]:
    return [f"{r.method} {r.path}" for r in server.requests if "agent-harnesses" not in r.path]


def matches(line: str, patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, line) for pattern in patterns)


def test_the_matrix_has_every_endpoint(server: Server, publisher: Publisher) -> None:
    publisher.publish(plan())
    asked = list_asked(server)
    assert [line for line in asked if not matches(line, ENDPOINTS)] == []
    assert [pattern for pattern in ENDPOINTS if not any(matches(line, [pattern]) for line in asked)] == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_one_fault(server: Server, publisher: Publisher, endpoint: str, fault: str) -> None:
    publish_despite(server, publisher, endpoint, fault)


def test_the_matrix_has_every_endpoint_without_xet(server: Server, publisher: Publisher, without_xet: None) -> None:
    publisher.publish(plan())
    asked = list_asked(server)
    assert [line for line in asked if not matches(line, (*ENDPOINTS, *LFS))] == []
    assert [pattern for pattern in LFS if not any(matches(line, [pattern]) for line in asked)] == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("endpoint", LFS)
def test_one_fault_without_xet(
    server: Server, publisher: Publisher, without_xet: None, endpoint: str, fault: str
) -> None:
    """An older path of the client, taken where hf-xet is not installed."""
    publish_despite(server, publisher, endpoint, fault)
