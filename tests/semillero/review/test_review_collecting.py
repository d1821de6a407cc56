"""What people answered in a real Argilla, as one table; and back into it after it was lost."""

import time
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.review import make_responses, make_rows
from semillero.errors import InputError, SemilleroError
from semillero.project import Project
from semillero.records import RESPONSES
from semillero.review import patience
from semillero.review.aggregation import decide_by_responses
from semillero.review.backup import restore_responses
from semillero.review.collecting import collect_responses, keep_known
from semillero.review.containers import find_datasets
from semillero.review.pushing import push_for_review
from semillero.review.team import NewAccount, prepare_team
from tests.flaky_proxy import LOSE_ANSWER, LOSE_REQUEST, PASS, Fate, open_proxy
from tests.reviewing import GOOD, Answers, Record, answer_as, connect_to, make_accepted, make_project, open_account

pytestmark = pytest.mark.slow
CODES = ("es-MX",)
CORPUS = "0123456789ab"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.0, 0.1))


def prepare(client: Any, name: str, accepted: pl.DataFrame, people: int = 2) -> tuple[Project, list[NewAccount]]:
    project = make_project(name, CODES, people=people, overlap=1.0, overlap_submitted=people)
    accounts = prepare_team(client, project)
    push_for_review(client, project, accepted, None, CORPUS)
    return project, accounts


def wipe(client: Any, project: Project) -> None:
    """Leave nothing of a project: what a Space without storage does at each restart."""
    for _, dataset in find_datasets(client, project):
        dataset.delete()
    for workspace in client.workspaces.list():
        if workspace.name.startswith(f"{project.project.name}-"):
            workspace.delete()
    for user in client.users.list():
        if user.username.startswith(project.project.name):
            user.delete()


def answer_everything(accepted: pl.DataFrame) -> Callable[[Record], Answers]:
    """Answers of every kind, by the record's place: corrected, rejected, drafted, ranked, left as they were."""
    order = {record: number for number, record in enumerate(sorted(accepted["id"]))}
    ranked = sorted(accepted.filter(pl.col("alternative").is_not_null())["id"])

    def decide(record: Record) -> Answers:
        number = order[record["external_id"]]
        answers: Answers = {
            **GOOD,
            "quality": 1 + number % 5,
            # A browser sends the prefilled texts back, with line ends and blanks of its own.
            "instruction": record["fields"]["question_text"] + "\r\n",
            "answer": "¿Qué <b>tal</b>? & adiós" if number % 3 == 0 else record["fields"]["answer_text"],
        }
        if "second_answer" in record["fields"]:
            place = ranked.index(record["external_id"])
            answers["ranking"] = ("first", "second", "both_good")[place % 3]
            answers["reasons"] = ["both_bad", "false"] if place == 3 else ["other", "meaningless"]
        return answers | [{}, {"status": "discarded", "reasons": ["false"]}, {"status": "draft"}][min(2, number % 5)]

    return decide


def test_a_table_has_what_was_answered_and_null_where_nothing_was(client: Any, argilla_server: Any, name: str) -> None:
    accepted = make_accepted(CODES, groups=1)
    project, (ana, _) = prepare(client, name, accepted)
    decisions: list[Answers] = [
        {**GOOD, "answer": " Mejor así. ", "comment": "  revisar ", "reasons": ["other", "false"]},
        {"status": "draft", "quality": 2},
        {"status": "discarded", "quality": 1, "fits_variety": "no", "reasons": ["offensive"]},
    ]
    order = sorted(accepted["id"])
    answer_as(argilla_server, ana.name, ana.password, lambda record: decisions[order.index(record["external_id"])])
    table = collect_responses(client, project)
    assert dict(table.schema) == RESPONSES
    assert table["record"].to_list() == order
    assert table["reviewer"].unique().to_list() == [ana.name]
    first, draft, rejected = table.drop("record", "reviewer", "variety", "updated_at").rows(named=True)
    nothing = {"instruction": None, "answer": None, "reasons": [], "ranking": None, "comment": None}
    said = {"variety_label": "es-MX", **nothing}
    assert first == {
        "status": "submitted", "quality": 4, "fits_variety": "yes", **said,
        "answer": "Mejor así.", "reasons": ["false", "other"], "comment": "revisar",
    }  # fmt: skip
    assert draft == {"status": "draft", "quality": 2, "fits_variety": None, **said}
    assert rejected == {"status": "discarded", "quality": 1, "fits_variety": "no", **said, "reasons": ["offensive"]}
    assert table["updated_at"].str.to_datetime(time_zone="UTC").null_count() == 0


def test_what_was_wiped_comes_back_with_its_authors(client: Any, argilla_server: Any, name: str) -> None:
    accepted = make_accepted(CODES, groups=4, pairs=True)
    project, accounts = prepare(client, name, accepted)
    for account in accounts:
        answer_as(argilla_server, account.name, account.password, answer_everything(accepted))
    before = collect_responses(client, project)
    assert before.height == 2 * accepted.height
    assert set(before["status"]) == {"submitted", "draft", "discarded"}
    assert set(before["ranking"]) == {"first", "second", "both_good", "both_bad", None}
    wipe(client, project)
    assert collect_responses(client, project).height == 0
    report = restore_responses(client, project, before, accepted, corpus=CORPUS)
    assert sorted(account.name for account in report.accounts) == sorted(account.name for account in accounts)
    assert (report.restored, report.already_there, report.without_record) == (before.height, 0, 0)
    after = collect_responses(client, project)
    assert_frame_equal(after.drop("updated_at"), before.drop("updated_at"))
    again = restore_responses(client, project, before, accepted, corpus=CORPUS)
    assert (again.restored, again.already_there, again.accounts) == (0, before.height, ())
    assert_frame_equal(collect_responses(client, project), after)
    reviewer = open_account(argilla_server, accounts[0].name, report.accounts[0].password)
    assert reviewer.me.username == accounts[0].name


def test_a_restore_touches_no_newer_answer_and_keeps_unknown_rows_apart(
    client: Any, argilla_server: Any, name: str
) -> None:
    accepted = make_accepted(CODES, groups=1)
    project, (ana, eva) = prepare(client, name, accepted)
    answer_as(argilla_server, ana.name, ana.password, lambda _: {**GOOD, "quality": 2})
    snapshot = collect_responses(client, project)
    client.users(ana.name).delete()
    answer_as(argilla_server, eva.name, eva.password, lambda _: {**GOOD, "quality": 5}, limit=1)
    now = collect_responses(client, project)
    assert now["reviewer"].unique().to_list() == [eva.name]
    known = keep_known(now, snapshot)
    assert known.height == now.height + 3
    foreign = snapshot.head(1).with_columns(record=pl.lit("ffffffffffffffff"))
    older = now.with_columns(quality=pl.lit(1, pl.Int64))
    mixed = pl.concat([snapshot, foreign, older])
    report = restore_responses(client, project, mixed, accepted, corpus=CORPUS)
    assert (report.restored, report.already_there, report.without_record) == (3, 1, 1)
    assert_frame_equal(collect_responses(client, project).drop("updated_at"), known.drop("updated_at"))
    with pytest.raises(InputError, match="two responses of one person"):
        restore_responses(client, project, pl.concat([snapshot, snapshot]), accepted)


@pytest.mark.chaos
def test_a_dataset_deleted_by_hand_is_made_again_with_its_answers(client: Any, argilla_server: Any, name: str) -> None:
    accepted = make_accepted(CODES, groups=1)
    project, (ana, _) = prepare(client, name, accepted)
    answer_as(argilla_server, ana.name, ana.password, lambda _: GOOD)
    snapshot = collect_responses(client, project)
    for _, dataset in find_datasets(client, project):
        dataset.delete()
    assert_frame_equal(keep_known(collect_responses(client, project), snapshot), snapshot)
    assert push_for_review(client, project, accepted, None, CORPUS).pushed == accepted.height
    restore_responses(client, project, snapshot, accepted, corpus=CORPUS)
    assert_frame_equal(collect_responses(client, project).drop("updated_at"), snapshot.drop("updated_at"))


@pytest.mark.chaos
def test_faults_of_the_network_lose_no_answer(client: Any, argilla_server: Any, name: str) -> None:
    accepted = make_accepted(CODES, groups=1)
    project, (ana, _) = prepare(client, name, accepted)
    answer_as(argilla_server, ana.name, ana.password, lambda _: GOOD)
    expected = collect_responses(client, project)
    fates: dict[str, list[Fate]] = {}

    def decide(_: str, path: str) -> Fate:
        coming = fates.setdefault(path, [LOSE_REQUEST, LOSE_ANSWER])
        return coming.pop() if "/records?" in path and coming else PASS

    with open_proxy(argilla_server.url, decide) as proxy:
        shaky = connect_to(proxy.url, argilla_server.api_key)
        assert_frame_equal(collect_responses(shaky, project), expected)
        proxy.decide = lambda _, path: LOSE_ANSWER if "/records?" in path else PASS
        with pytest.raises(SemilleroError, match="does not answer") as caught:
            collect_responses(shaky, project)
        assert caught.value.retryable
        assert argilla_server.api_key not in str(caught.value)


def test_pages_put_together_hold_each_answer_once(
    client: Any, argilla_server: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semillero.review import records_endpoint

    accepted = make_accepted(CODES, groups=4)
    project, (ana, _) = prepare(client, name, accepted)
    answer_as(argilla_server, ana.name, ana.password, lambda _: GOOD)
    expected = collect_responses(client, project)
    monkeypatch.setattr(records_endpoint, "PAGE", 5)
    assert_frame_equal(collect_responses(client, project), expected)
    assert expected["record"].to_list() == sorted(accepted["id"])


def test_what_three_people_answered_is_collected_and_aggregated_in_seconds(client: Any, name: str) -> None:
    project = make_project(name, CODES, people=3, overlap=1.0, overlap_submitted=3)
    accepted = make_rows(100)
    snapshot = make_responses(accepted, project)
    assert restore_responses(client, project, snapshot, accepted).restored == 300
    start = time.perf_counter()
    collected = collect_responses(client, project)
    review = decide_by_responses(accepted, None, collected, project.review)
    assert time.perf_counter() - start < 6  # its share of two minutes for 2,000 records; benchmarks/review.py has those
    assert_frame_equal(collected.drop("updated_at"), snapshot.drop("updated_at"))
    assert review.reviewed.height == accepted.height
