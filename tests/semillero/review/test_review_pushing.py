"""Records into a real Argilla: each once, in order, with what belongs to them, whatever happens in between."""

import re
import threading
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semillero.errors import SemilleroError
from semillero.review import patience, pushing
from semillero.review.collecting import collect_responses
from semillero.review.containers import find_datasets
from semillero.review.priority import plan_review
from semillero.review.pushing import push_for_review
from semillero.review.records_endpoint import read_records
from semillero.review.team import prepare_team
from tests.flaky_proxy import LOSE_ANSWER, PASS, Fate, open_proxy
from tests.reviewing import (
    GOOD,
    answer_as,
    connect_to,
    each_pending,
    make_accepted,
    make_project,
    make_scores,
    open_account,
)

pytestmark = pytest.mark.slow
CODES = ("es-MX",)
CORPUS = "0123456789ab"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.0, 0.2, 0.5))


def read_ids(client: Any, project: Any) -> list[str]:
    """The ids of all records that Argilla has of a project, doubles included."""
    return sorted(
        record
        for _, dataset in find_datasets(client, project)
        for record in read_records(client, str(dataset.id), lambda found: str(found["external_id"]))
    )


def test_a_push_sends_each_row_once_with_its_suggestions_in_the_order_of_priority(
    client: Any, argilla_server: Any, name: str
) -> None:
    project = make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)
    accounts = prepare_team(client, project)
    accepted = make_accepted(CODES)
    scores = make_scores(accepted)
    report = push_for_review(client, project, accepted, scores, CORPUS)
    assert (report.pushed, report.already_there, report.refreshed) == (15, 0, 0)
    assert report.varieties == {"es-MX": {"pushed": 15, "already_there": 0}}
    assert list(report.links) == [f"{name}-es-mx/{name}"]
    with open_proxy(argilla_server.url, lambda *_: PASS) as proxy:
        again = push_for_review(connect_to(proxy.url, argilla_server.api_key), project, accepted, scores, CORPUS)
    assert {method for method, path in proxy.seen if not path.endswith("/search?limit=1&offset=0")} == {"GET"}
    assert (again.pushed, again.already_there, again.refreshed) == (0, 15, 0)
    assert read_ids(client, project) == sorted(accepted["id"])

    planned = plan_review(project, accepted, scores)
    reviewer = open_account(argilla_server, accounts[0].name, accounts[0].password)
    (dataset,) = reviewer.api.datasets.list()
    shown = list(each_pending(reviewer, str(dataset.id)))
    assert [record["external_id"] for record in shown] == planned["id"].to_list()
    first = next(iter(client.datasets(name, workspace=f"{name}-es-mx").records(with_suggestions=True)))
    suggested = {suggestion.question_name: suggestion.value for suggestion in first.suggestions}
    row = planned.row(0, named=True)
    assert first.id == row["id"]  # the order of insertion too
    assert suggested == {"variety_label": "es-MX", "instruction": row["instruction"], "answer": row["answer"]}
    guidelines = client.api.datasets.get(dataset.id).guidelines
    assert guidelines.startswith("# Guía para revisar: Saberes de prueba")
    assert f"/dataset/{dataset.id}/annotation-mode?" in guidelines


def test_people_see_the_varieties_they_know_and_no_other(client: Any, argilla_server: Any, name: str) -> None:
    reviewers = [{"name": f"{name}-ana", "varieties": ["es-MX"]}, {"name": f"{name}-eva", "varieties": ["es-AR"]}]
    project = make_project(name, reviewers=reviewers, overlap=0.0, overlap_submitted=1)
    accounts = prepare_team(client, project)
    push_for_review(client, project, make_accepted(groups=1), None, CORPUS)
    ana = open_account(argilla_server, accounts[0].name, accounts[0].password)
    (dataset,) = ana.api.datasets.list()
    assert {record["metadata"]["variety"] for record in each_pending(ana, str(dataset.id))} == {"es-MX"}


def test_a_changed_corpus_adds_what_is_new_and_keeps_every_answer(client: Any, argilla_server: Any, name: str) -> None:
    project = make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)
    accounts = prepare_team(client, project)
    accepted = make_accepted(CODES, groups=3)
    push_for_review(client, project, accepted.head(6), None, "aaaaaaaaaaaa")
    answer_as(argilla_server, accounts[0].name, accounts[0].password, lambda _: GOOD, limit=4)
    before = collect_responses(client, project)
    changed = accepted.tail(6)  # three rows left the corpus, three came
    report = push_for_review(client, project, changed, make_scores(changed), "bbbbbbbbbbbb")
    assert (report.pushed, report.already_there, report.refreshed) == (3, 3, 3)
    assert read_ids(client, project) == sorted(accepted["id"])
    assert_frame_equal(collect_responses(client, project), before)
    (_, dataset), *_ = find_datasets(client, project)
    records = read_records(client, str(dataset.id), lambda found: (found["external_id"], found["metadata"]["corpus"]))
    assert {record for record, version in records if version == "bbbbbbbbbbbb"} == set(changed["id"])


def test_other_settings_of_the_overlap_move_no_record(client: Any, name: str) -> None:
    accepted = make_accepted(CODES)
    few = make_project(name, CODES, people=3, overlap=0.3, overlap_submitted=2)
    prepare_team(client, few)
    push_for_review(client, few, accepted, None, CORPUS)
    many = make_project(name, CODES, people=3, overlap=0.7, overlap_submitted=3)
    assert push_for_review(client, many, accepted, None, CORPUS).pushed == 0
    assert read_ids(client, many) == sorted(accepted["id"])
    overlap = client.datasets(f"{name}-overlap", workspace=f"{name}-es-mx")
    assert overlap.settings.distribution.min_submitted == 3


@pytest.mark.chaos
@pytest.mark.parametrize("fate", [LOSE_ANSWER, 503])
def test_a_push_that_breaks_half_way_is_finished_by_the_next_one(
    client: Any, argilla_server: Any, name: str, monkeypatch: pytest.MonkeyPatch, fate: Fate
) -> None:
    monkeypatch.setattr(pushing, "BATCH", 4)
    project = make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)
    prepare_team(client, project)
    accepted = make_accepted(CODES)
    batches = 0

    def fail_from_the_second_batch(method: str, path: str) -> Fate:
        nonlocal batches
        batches += path.endswith("/records/bulk")
        return PASS if batches < 2 else fate

    with open_proxy(argilla_server.url, fail_from_the_second_batch) as proxy:
        broken = connect_to(proxy.url, argilla_server.api_key)
        with pytest.raises(SemilleroError) as caught:
            push_for_review(broken, project, accepted, None, CORPUS)
        assert caught.value.retryable
        assert "run the same command again" in str(caught.value)
    there = len(read_ids(client, project))
    assert 4 <= there < accepted.height
    report = push_for_review(client, project, accepted, None, CORPUS)
    assert (report.pushed, report.already_there) == (accepted.height - there, there)
    assert read_ids(client, project) == sorted(accepted["id"])


@pytest.mark.chaos
def test_two_pushes_at_once_double_nothing(
    client: Any, argilla_server: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "BATCH", 3)
    project = make_project(name, CODES, people=2, overlap=0.5, overlap_submitted=2)
    accepted = make_accepted(CODES)
    failed: list[BaseException] = []
    start = threading.Barrier(2)

    def run() -> None:
        try:
            own = connect_to(argilla_server.url, argilla_server.api_key)
            start.wait()
            prepare_team(own, project)
            push_for_review(own, project, accepted, None, CORPUS)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    assert read_ids(client, project) == sorted(accepted["id"])
    assert len(find_datasets(client, project)) == 2
    assert push_for_review(client, project, accepted, None, CORPUS).pushed == 0


@pytest.mark.chaos
@pytest.mark.parametrize("contested", [r"/v1/users$", r"/workspaces$", r"/workspaces/[^/]+/users$", r"/datasets$"])
def test_another_run_that_is_faster_by_a_moment_is_no_fault(
    client: Any, argilla_server: Any, name: str, contested: str
) -> None:
    """Argilla answers the slower of two equal writes with an internal error when both pass its own check."""
    project = make_project(name, CODES, people=2, overlap=0.0, overlap_submitted=1)
    accepted = make_accepted(CODES, groups=1)
    overtaken: list[str] = []

    def overtake(method: str, path: str) -> Fate:
        if method != "POST" or not re.search(contested, path) or overtaken:
            return PASS
        overtaken.append(path)
        prepare_team(client, project)
        push_for_review(client, project, accepted, None, CORPUS)
        return 500

    with open_proxy(argilla_server.url, overtake) as proxy:
        slower = connect_to(proxy.url, argilla_server.api_key)
        prepare_team(slower, project)
        push_for_review(slower, project, accepted, None, CORPUS)
    assert overtaken
    assert read_ids(client, project) == sorted(accepted["id"])
    workspace = client.workspaces(f"{name}-es-mx")
    assert {f"{name}-p1", f"{name}-p2"} <= {str(user.username) for user in workspace.users}


@pytest.mark.chaos
def test_a_dataset_that_was_never_finished_is_made_again(
    client: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semillero.review import containers

    monkeypatch.setattr(containers, "DRAFT_PATIENCE", 0.0)
    project = make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)
    prepare_team(client, project)
    workspace = client.workspaces(f"{name}-es-mx")
    body = {"name": name, "workspace_id": str(workspace.id), "guidelines": "a medias"}
    client.http_client.post("/api/v1/datasets", json=body).raise_for_status()
    assert push_for_review(client, project, make_accepted(CODES, groups=1), None, CORPUS).pushed == 3


@pytest.mark.chaos
def test_what_nobody_would_be_shown_any_more_is_offered_again(client: Any, argilla_server: Any, name: str) -> None:
    project = make_project(name, CODES, people=2, overlap=0.0, overlap_submitted=1)
    ana, eva = prepare_team(client, project)
    accepted = make_accepted(CODES, groups=1)
    push_for_review(client, project, accepted, None, CORPUS)
    assert answer_as(argilla_server, ana.name, ana.password, lambda _: GOOD) == 3
    client.users(ana.name).delete()  # their answers go with them, but Argilla keeps the records as completed
    assert answer_as(argilla_server, eva.name, eva.password, lambda _: GOOD) == 0
    report = push_for_review(client, project, accepted, None, CORPUS)
    assert (report.pushed, report.refreshed) == (0, 3)
    assert answer_as(argilla_server, eva.name, eva.password, lambda _: GOOD) == 3


@pytest.mark.chaos
def test_records_that_the_index_does_not_know_are_sent_again(
    client: Any, argilla_server: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)
    prepare_team(client, project)
    accepted = make_accepted(CODES, groups=1)
    push_for_review(client, project, accepted, None, CORPUS)
    monkeypatch.setattr(pushing, "count_indexed", lambda *_: 2)  # a kill between database and index leaves this
    assert push_for_review(client, project, accepted, None, CORPUS).refreshed == 3
    monkeypatch.setattr(pushing, "count_indexed", lambda *_: None)
    with pytest.raises(SemilleroError, match="lost the search index"):
        push_for_review(client, project, accepted, None, CORPUS)


def test_without_workspaces_it_says_so(client: Any, name: str) -> None:
    project = make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)
    with pytest.raises(SemilleroError, match="is not in Argilla"):
        push_for_review(client, project, make_accepted(CODES, groups=1), None, CORPUS)


def test_nothing_to_push_is_no_error(client: Any, name: str) -> None:
    project = make_project(name, CODES, people=1, overlap=0.0, overlap_submitted=1)
    assert push_for_review(client, project, pl.DataFrame(schema=make_accepted().schema), None, CORPUS).pushed == 0
