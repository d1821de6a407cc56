"""An Argilla of these tests' own, which is killed in the middle and brought back."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from semillero.errors import SemilleroError
from semillero.project import Project
from semillero.review import patience, pushing, records_endpoint
from semillero.review.collecting import collect_responses
from semillero.review.containers import find_datasets
from semillero.review.pushing import push_for_review
from semillero.review.records_endpoint import count_indexed, read_records
from semillero.review.server import LocalArgilla, start_argilla, stop_argilla
from semillero.review.team import prepare_team
from tests.flaky_proxy import PASS, Fate, open_proxy
from tests.reviewing import GOOD, answer_as, connect_to, make_accepted, make_project

pytestmark = [pytest.mark.slow, pytest.mark.chaos]
CODES = ("es-MX",)
CORPUS = "0123456789ab"
ACCEPTED = make_accepted(CODES, groups=10)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("argilla")
    yield folder
    stop_argilla(folder)


@pytest.fixture
def own(home: Path, monkeypatch: pytest.MonkeyPatch) -> LocalArgilla:
    """This module's Argilla, mended if the test before left it broken."""
    monkeypatch.setattr(patience, "PAUSES", (0.0, 0.1))
    return start_argilla(home, port=0)


def make_reviewed(name: str) -> Project:
    return make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)


def kill_during(server: LocalArgilla, part: str, nth: int) -> Any:
    """A proxy that kills the server's own process while its ``nth`` request to a path with ``part`` is under way."""
    seen = 0

    def decide(_: str, path: str) -> Fate:
        nonlocal seen
        seen += part in path
        if seen == nth:
            threading.Timer(0.03, os.kill, (server.pids["argilla"], signal.SIGKILL)).start()
        return PASS

    return open_proxy(server.url, decide)


def test_killed_during_a_push_nothing_is_lost_or_doubled(
    own: LocalArgilla, home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "BATCH", 5)
    project = make_reviewed(name)
    with kill_during(own, "/records/bulk", 3) as proxy:
        client = connect_to(proxy.url, own.api_key)
        prepare_team(client, project)
        with pytest.raises(SemilleroError, match="does not answer") as caught:
            push_for_review(client, project, ACCEPTED, None, CORPUS)
        assert caught.value.retryable
    mended = start_argilla(home)
    assert mended.outcome == "mended"
    client = connect_to(mended.url, mended.api_key)
    report = push_for_review(client, project, ACCEPTED, None, CORPUS)
    assert 10 <= report.already_there < ACCEPTED.height
    assert report.pushed + report.already_there == ACCEPTED.height
    ((_, dataset),) = find_datasets(client, project)
    there = read_records(client, str(dataset.id), lambda record: str(record["external_id"]))
    assert sorted(there) == sorted(ACCEPTED["id"])
    assert count_indexed(client, str(dataset.id)) == ACCEPTED.height


def test_killed_while_collecting_every_answer_is_there_afterwards(
    own: LocalArgilla, home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records_endpoint, "PAGE", 3)
    project = make_reviewed(name)
    client = connect_to(own.url, own.api_key)
    (ana,) = prepare_team(client, project)
    push_for_review(client, project, ACCEPTED.head(8), None, CORPUS)
    answer_as(own, ana.name, ana.password, lambda _: GOOD)
    expected = collect_responses(client, project)
    assert expected.height == 8
    with kill_during(own, "/records?", 2) as proxy:
        shaky = connect_to(proxy.url, own.api_key)

        def collect_until_the_kill() -> None:
            for _ in range(50):
                collect_responses(shaky, project)
                time.sleep(0.01)

        with pytest.raises(SemilleroError) as caught:
            collect_until_the_kill()
        assert caught.value.retryable
    mended = start_argilla(home)
    assert_frame_equal(collect_responses(connect_to(mended.url, mended.api_key), project), expected)


def test_a_lost_index_loses_no_answer_and_is_rebuilt(own: LocalArgilla, home: Path, name: str) -> None:
    project = make_reviewed(name)
    client = connect_to(own.url, own.api_key)
    (ana,) = prepare_team(client, project)
    rows = ACCEPTED.head(6)
    push_for_review(client, project, rows, None, CORPUS)
    answer_as(own, ana.name, ana.password, lambda _: GOOD, limit=2)
    expected = collect_responses(client, project)
    os.kill(own.pids["search"], signal.SIGKILL)
    assert_frame_equal(collect_responses(client, project), expected)
    with pytest.raises(SemilleroError, match="lost the search index"):
        push_for_review(client, project, rows, None, CORPUS)
    mended = start_argilla(home)
    client = connect_to(mended.url, mended.api_key)
    assert push_for_review(client, project, rows, None, CORPUS).already_there == rows.height
    assert answer_as(mended, ana.name, ana.password, lambda _: GOOD) == 4
    collected = collect_responses(client, project)
    assert collected.height == rows.height
    assert collected.join(expected, on=["record", "updated_at"], how="inner").height == 2


def test_a_project_that_was_never_pushed_has_no_answers(own: LocalArgilla, name: str) -> None:
    empty = collect_responses(connect_to(own.url, own.api_key), make_reviewed(name))
    assert empty.height == 0
