"""One repository on the Hub: nothing twice, nobody's file lost, the way back, and what is refused."""

import json
from typing import Any

import pytest

from semillero.errors import InputError, PublishError
from semillero.publishing.history import HubReceipt, replay
from semillero.publishing.hub import find_endpoint, find_token
from semillero.publishing.rolling import roll_back
from semillero.publishing.sending import name_publication
from tests.hub_server import Hub as Server
from tests.semillero.publishing.conftest import Publisher, our_commits, plan

WHERE = ("dataset", "semillero/corpus")


def names(server: Server) -> set[str]:
    return set(server.files(*WHERE)) - {".gitattributes"}


def test_again_is_one_question_and_no_commit(server: Server, publisher: Publisher) -> None:
    first = publisher.publish(plan())
    asked = len(server.requests)
    assert publisher.publish(plan()) == first
    assert len(server.requests) == asked + 1
    publisher.lose_disk()
    assert publisher.publish(plan()) == first  # rebuilt from the history
    assert len(our_commits(server)) == 1


def test_only_what_changed_is_sent_and_only_our_own_is_removed(server: Server, publisher: Publisher) -> None:
    publisher.publish(plan())
    server.push(*WHERE, {"notas.txt": b"suyas", "data/extra.parquet": b"PAR1 suyo"})
    publisher.lose_disk()
    uploads = [r for r in server.requests if "xet-write-token" in r.path]
    publisher.publish(plan(statistics_json=None, README_md=b"---\nlicense: mit\n---\n# otro\n"))
    assert names(server) == {"data/train.parquet", "README.md", "notas.txt", "data/extra.parquet"}
    assert len(our_commits(server)) == 2
    assert [r for r in server.requests if "xet-write-token" in r.path] == uploads  # the large file was there


def test_a_change_by_hand_is_refused_by_name_and_untouched(server: Server, publisher: Publisher) -> None:
    publisher.publish(plan())
    server.push(*WHERE, {"README.md": b"# mejor\n"})
    for lose in (False, True):
        if lose:
            publisher.lose_disk()
        with pytest.raises(PublishError, match=r"changed or added by hand") as caught:
            publisher.publish(plan(README_md=b"---\nlicense: mit\n---\n# otro\n"))
        assert f"{server.url}/datasets/semillero/corpus: README.md" in str(caught.value)
    assert server.files(*WHERE)["README.md"] == b"# mejor\n"
    server.push(*WHERE, {}, delete=["README.md"])  # what the message asks for
    publisher.publish(plan())
    assert server.files(*WHERE)["README.md"] == plan().files[-1].read()


def test_a_file_changed_by_hand_and_no_longer_planned_stays(server: Server, publisher: Publisher) -> None:
    publisher.publish(plan())
    server.push(*WHERE, {"statistics.json": b'{"mine": 1}\n'})
    publisher.publish(plan(statistics_json=None))
    assert server.files(*WHERE)["statistics.json"] == b'{"mine": 1}\n'


@pytest.mark.parametrize("writes", [{"otro.txt": b"x"}, {"README.md": b"# suyo\n"}], ids=["elsewhere", "same path"])
def test_a_race_with_another_writer(server: Server, publisher: Publisher, writes: dict[str, bytes]) -> None:
    """Their commit lands between our look and ours (412): ours is made anew, or refused where theirs is in the way."""
    server.create(*WHERE, private=True)
    server.fault(r"POST .*/commit/", lambda: server.push(*WHERE, writes) and None)
    if "README.md" in writes:
        with pytest.raises(PublishError, match="by hand"):
            publisher.publish(plan())
        assert our_commits(server) == []
    else:
        publisher.publish(plan())
        assert len(our_commits(server)) == 1
        assert names(server) == {"data/train.parquet", "statistics.json", "README.md", "otro.txt"}
    assert server.files(*WHERE).items() >= writes.items()


def test_an_answer_that_comes_too_late_is_no_second_commit(server: Server, publisher: Publisher) -> None:
    """The commit lands while we have already given it up and look again: twice in a row."""
    server.fault(r"POST .*/commit/", "hang-after")
    server.fault(r"GET .*/tree/", 503, times=2, after=3)
    publisher.publish(plan())
    assert len(our_commits(server)) == 1


def test_a_token_that_expires_midway(server: Server, publisher: Publisher) -> None:
    server.fault(r"POST .*/commit/", lambda: server.revoke())
    with pytest.raises(PublishError, match="does not accept the token") as caught:
        publisher.publish(plan())
    assert "run the same command again" in str(caught.value)
    assert server.token not in str(caught.value)
    assert our_commits(server) == []
    publisher.hub.api.token = server.renew()
    publisher.publish(plan())
    assert len(our_commits(server)) == 1


def test_a_server_that_stays_down_ends_in_an_error_worth_a_retry(server: Server, publisher: Publisher) -> None:
    server.fault(r"POST .*/commit/", 503, times=None)
    with pytest.raises(PublishError, match="does not answer as it should") as caught:
        publisher.publish(plan())
    assert caught.value.retryable
    server.clear_faults()
    publisher.publish(plan())
    assert len(our_commits(server)) == 1


@pytest.mark.parametrize("token", ["read", "scoped"])
def test_a_token_that_may_not_write(server: Server, publisher: Publisher, token: str) -> None:
    scoped = server.add_token("hf_" + "s" * 34, server.user, "fineGrained", ["datasets/semillero/otro"])
    publisher.hub.api.token = server.read_token if token == "read" else scoped
    with pytest.raises(PublishError, match="may not write"):
        publisher.publish(plan())
    assert not server.exists(*WHERE) or our_commits(server) == []


def test_somebody_elses_public_repository_is_not_taken_over(server: Server, publisher: Publisher) -> None:
    server.create(*WHERE, private=False)
    with pytest.raises(PublishError, match="is public, and nothing in it was published by this project"):
        publisher.publish(plan())
    assert our_commits(server) == []


def test_a_server_that_leaves_a_file_out_is_found_out(
    server: Server, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = server.state.commit
    without = lambda repo, branch, changed, *rest: commit(  # noqa: E731
        repo, branch, {path: blob for path, blob in changed.items() if "train" not in path}, *rest
    )
    monkeypatch.setattr(server.state, "commit", without)
    with pytest.raises(PublishError, match=r"do not verify after the commit: data/train\.parquet"):
        publisher.publish(plan())


def test_what_does_not_load_is_neither_tagged_nor_done(server: Server, publisher: Publisher) -> None:
    def refuse(*_: Any) -> None:
        raise PublishError("does not load", retryable=True)

    with pytest.raises(PublishError, match="does not load"):
        publisher.publish(plan(), refuse)
    assert server.tags(*WHERE) == {}
    loaded: list[str] = []
    publisher.publish(plan(), lambda repository, commit: loaded.append(commit))
    assert loaded == our_commits(server) == list(server.tags(*WHERE).values())
    publisher.publish(plan(), refuse)  # once is enough


def test_the_way_back_is_a_new_commit_and_idempotent(server: Server, publisher: Publisher) -> None:
    first, second = plan(), plan(statistics_json=None, data__new_parquet=b"PAR1" + b"y" * 2000, README_md=b"# dos\n")
    publisher.publish(first)
    server.push(*WHERE, {"notas.txt": b"suyas"})
    publisher.publish(second)
    tag = name_publication([first])
    before = our_commits(server)
    assert roll_back(publisher.hub, first, tag, publisher.receipts) == "2 files restored, 1 removed"
    assert len(our_commits(server)) == len(before) + 1
    assert our_commits(server)[1:] == before  # nothing is rewritten
    files = server.files(*WHERE)
    files.pop(".gitattributes")
    assert files == {file.name: file.read() for file in first.files} | {"notas.txt": b"suyas"}
    publisher.lose_disk()
    assert roll_back(publisher.hub, first, tag, publisher.receipts) == "is there already"
    assert len(our_commits(server)) == len(before) + 1
    assert roll_back(publisher.hub, first, "publication-none", publisher.receipts).startswith("has no tag")
    publisher.publish(second)  # and forth
    assert names(server) == {"data/train.parquet", "data/new.parquet", "README.md", "notas.txt"}


@pytest.mark.parametrize("fault", [503, "reset", "lose-response", "hang-after"])
def test_the_way_back_with_a_fault(server: Server, publisher: Publisher, fault: Any) -> None:
    first, second = plan(), plan(README_md=b"# dos\n")
    publisher.publish(first)
    publisher.publish(second)
    server.fault(r"POST .*/commit/", fault)
    roll_back(publisher.hub, first, name_publication([first]), publisher.receipts)
    assert len(our_commits(server)) == 3
    assert server.files(*WHERE)["README.md"] == first.files[-1].read()


def test_the_way_back_spares_a_change_by_hand(server: Server, publisher: Publisher) -> None:
    first = plan()
    publisher.publish(first)
    publisher.publish(plan(README_md=b"# dos\n"))
    server.push(*WHERE, {"README.md": b"# a mano\n"})
    with pytest.raises(PublishError, match="by hand"):
        roll_back(publisher.hub, first, name_publication([first]), publisher.receipts)
    assert server.files(*WHERE)["README.md"] == b"# a mano\n"


def test_a_damaged_receipt_is_rebuilt(server: Server, publisher: Publisher) -> None:
    receipt = publisher.publish(plan())
    for path in (publisher.folder / "store" / "notes").rglob("*.json"):
        path.write_text(json.dumps({"commit": 3}))
    assert publisher.publish(plan()) == receipt
    assert replay(publisher.hub, plan(), HubReceipt()).files == receipt.files


@pytest.mark.parametrize(
    ("endpoint", "wrong"),
    [("http://example.org", True), ("https://hub.example.org/", False), ("http://127.0.0.1:1", False)],
)
def test_a_token_is_never_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch, endpoint: str, wrong: bool) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    if wrong:
        with pytest.raises(InputError, match="in the clear"):
            find_endpoint()
    else:
        assert find_endpoint() == endpoint.rstrip("/")


def test_no_token_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQUIPO_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(InputError, match="EQUIPO_TOKEN is not set"):
        find_token("EQUIPO_TOKEN")
