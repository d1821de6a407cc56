"""The faults of the test server are those that were ordered, and no others."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.hub_server import Hub, open_hub

NAME = "semillero/saberes"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as opened:
        opened.create("dataset", NAME)
        yield opened


def commit(hub: Hub, name: str = "a.txt") -> None:
    operations = [CommitOperationAdd(name, b"a")]
    HfApi(endpoint=hub.url, token=hub.token).create_commit(NAME, operations, commit_message="x", repo_type="dataset")


def ours(hub: Hub) -> int:
    return sum(commit.author == "ana" and commit.title == "x" for commit in hub.commits("dataset", NAME))


@pytest.mark.parametrize("action", [503, 402, "reset", "lose-response"])
def test_a_commit_that_fails_once_is_not_retried_by_the_client(hub: Hub, action: int | str) -> None:
    fault = hub.fault("POST .*/commit/main", action)
    with pytest.raises((HfHubHTTPError, httpx2.HTTPError)) as failed:
        commit(hub)
    assert ours(hub) == (1 if action == "lose-response" else 0)
    if isinstance(action, int):
        assert failed.value.response.status_code == action
    commit(hub, "b.txt")
    assert fault.struck == 1
    assert "b.txt" in hub.files("dataset", NAME)


@pytest.mark.parametrize(("action", "landed"), [("hang", 0), ("hang-after", 1)])
def test_a_hang_lasts_until_the_client_gives_up(hub: Hub, action: str, landed: int) -> None:
    hub.fault("POST .*/commit/", action)
    header = b'{"key": "header", "value": {"summary": "x"}}\n'
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(
            f"{hub.url}/api/datasets/{NAME}/commit/main",
            content=header,
            headers={"Authorization": f"Bearer {hub.token}"},
            timeout=0.3,
        )
    time.sleep(0.05)
    assert ours(hub) == landed


def test_too_many_requests_say_when_to_come_back(hub: Hub) -> None:
    hub.fault("GET /api/whoami-v2", ("429", 86_400), times=None, after=1)
    api = HfApi(endpoint=hub.url, token=hub.token)
    api.whoami()
    for _ in range(2):
        with pytest.raises(HfHubHTTPError) as refused:
            api.whoami()
        assert refused.value.response.headers["Retry-After"] == "86400"
    hub.clear_faults()
    api.whoami()


def test_another_writer_gets_in_between(hub: Hub) -> None:
    head = hub.commits("dataset", NAME)[0].oid
    hub.fault("POST .*/commit/", lambda: hub.push("dataset", NAME, {"theirs.txt": b"t"}) and None)
    api = HfApi(endpoint=hub.url, token=hub.token)
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_commit(
            NAME, [CommitOperationAdd("a.txt", b"a")], commit_message="x", repo_type="dataset", parent_commit=head
        )
    assert refused.value.response.status_code == 412
    assert "theirs.txt" in hub.files("dataset", NAME)


def test_a_token_that_expires(hub: Hub) -> None:
    api = HfApi(endpoint=hub.url, token=hub.token)
    hub.renew()
    with pytest.raises(HfHubHTTPError) as refused:
        api.dataset_info(NAME)
    assert refused.value.response.status_code == 401
    commit(hub)
    assert str(hub.requests[0]) == f"GET /api/datasets/{NAME} 401"
