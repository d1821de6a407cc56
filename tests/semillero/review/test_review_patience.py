"""Requests to Argilla: to one host only, again when that is safe, and never forever."""

from collections.abc import Callable, Iterator
from itertools import chain, repeat

import httpx
import pytest

from semillero.review.patience import PatientTransport
from tests.flaky_proxy import LOSE_ANSWER, LOSE_REQUEST, Fate, FlakyProxy, open_proxy

Flaky = Callable[..., tuple[FlakyProxy, httpx.Client]]
PAUSES = (0.0, 0.0, 0.0)


@pytest.fixture
def flaky() -> Iterator[Flaky]:
    """Open a proxy with the fates of its first requests; behind it a server that answers 200 with what it saw."""
    with open_proxy("http://127.0.0.1:9", lambda *_: 200) as proxy:

        def open_flaky(*fates: Fate) -> tuple[FlakyProxy, httpx.Client]:
            coming = chain(fates, repeat(200))
            proxy.decide = lambda *_: next(coming)
            return proxy, httpx.Client(base_url=proxy.url, mounts={"all://": PatientTransport(proxy.url, PAUSES)})

        yield open_flaky


@pytest.mark.parametrize("fates", [(503,), (429, 502), (LOSE_REQUEST, 500, LOSE_REQUEST)])
def test_what_names_what_it_writes_is_sent_again(flaky: Flaky, fates: tuple[Fate, ...]) -> None:
    proxy, client = flaky(*fates)
    assert client.put("/records").status_code == 200
    assert len(proxy.seen) == len(fates) + 1


@pytest.mark.parametrize("fate", [LOSE_REQUEST, LOSE_ANSWER, 500, 502, 504])
def test_making_something_is_not_repeated_blindly(flaky: Flaky, fate: Fate) -> None:
    proxy, client = flaky(fate)
    if isinstance(fate, int):
        assert client.post("/users").status_code == fate
    else:
        with pytest.raises(httpx.TransportError):
            client.post("/users")
    assert len(proxy.seen) == 1


def test_patience_ends(flaky: Flaky) -> None:
    proxy, client = flaky(*[LOSE_REQUEST] * 9)
    with pytest.raises(httpx.TransportError):
        client.get("/records")
    assert len(proxy.seen) == len(PAUSES) + 1


def test_a_lost_search_index_is_not_waited_for(flaky: Flaky) -> None:
    proxy, client = flaky(500)
    assert client.post("/api/v1/datasets/1/records/search").status_code == 500
    assert len(proxy.seen) == 1


def test_the_key_goes_to_no_other_host(flaky: Flaky) -> None:
    proxy, client = flaky()
    client.headers["X-Argilla-Api-Key"] = "secreto"
    with pytest.raises(httpx.UnsupportedProtocol):
        client.get("http://127.0.0.2:1/api")
    with pytest.raises(httpx.UnsupportedProtocol):
        client.get(proxy.url.replace("http://", "https://"))
    assert proxy.seen == []


def test_a_refused_connection_is_tried_again_whatever_it_was() -> None:
    client = httpx.Client(mounts={"all://": PatientTransport("http://127.0.0.1:9", PAUSES)})
    with pytest.raises(httpx.ConnectError):
        client.post("http://127.0.0.1:9/users")
