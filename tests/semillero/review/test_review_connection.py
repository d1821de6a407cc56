"""Which Argilla, which key, and what is said when it does not work; against the real one."""

from typing import Any

import pytest

from semillero.errors import InputError, SemilleroError
from semillero.project import ReviewSettings
from semillero.review import patience
from semillero.review.connection import Access, connect, find_access
from semillero.review.team import prepare_team
from tests.flaky_proxy import open_proxy
from tests.reviewing import connect_to, make_project, open_account

SECRET = "clave-que-no-se-muestra"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))  # no local server of whoever runs the tests
    monkeypatch.delenv("ARGILLA_API_URL", raising=False)
    monkeypatch.delenv("ARGILLA_API_KEY", raising=False)
    monkeypatch.setattr(patience, "PAUSES", (0.0,))


def test_without_a_server_it_says_how_to_get_one() -> None:
    with pytest.raises(InputError, match="semillero argilla up"):
        connect(ReviewSettings())


def test_without_a_key_it_names_the_variable() -> None:
    with pytest.raises(InputError, match="MI_CLAVE is not set"):
        connect(ReviewSettings(url="http://argilla.example", api_key_env="MI_CLAVE"))


@pytest.mark.parametrize("url", ["http://ana:secreto@argilla.example", "argilla.example", "ftp://argilla.example"])
def test_an_address_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ARGILLA_API_URL", url)
    monkeypatch.setenv("ARGILLA_API_KEY", SECRET)
    with pytest.raises(InputError) as caught:
        connect(ReviewSettings())
    assert "secreto" not in str(caught.value)


def test_the_file_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGILLA_API_URL", "http://otra.example")
    monkeypatch.setenv("ARGILLA_API_KEY", SECRET)
    access = find_access(ReviewSettings(url="http://esta.example/"))
    assert access == Access("http://esta.example", SECRET)
    assert SECRET not in repr(access)
    assert find_access(ReviewSettings()).url == "http://otra.example"


def test_a_server_that_is_down_is_retryable_and_shows_no_key() -> None:
    with pytest.raises(SemilleroError, match="does not answer") as caught:
        connect_to("http://127.0.0.1:9", SECRET)
    assert caught.value.retryable
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("status", "words"), [(502, "status 502"), (301, "redirect"), (404, "status 404"), (200, "no Argilla at")]
)
def test_what_is_no_argilla_is_explained(status: int, words: str) -> None:
    with open_proxy("http://127.0.0.1:9", lambda *_: status) as proxy, pytest.raises(SemilleroError, match=words):
        connect_to(proxy.url, SECRET)


@pytest.mark.slow
def test_a_wrong_key_is_refused(argilla_server: Any) -> None:
    with pytest.raises(InputError, match="refuses the key") as caught:
        connect_to(argilla_server.url, SECRET)
    assert SECRET not in str(caught.value)


@pytest.mark.slow
def test_a_reviewers_key_is_not_enough(argilla_server: Any, client: Any, name: str) -> None:
    account = prepare_team(client, make_project(name))[0]
    key = open_account(argilla_server, account.name, account.password).api_key
    with pytest.raises(InputError, match="whose role is annotator"):
        connect_to(argilla_server.url, key)


@pytest.mark.slow
def test_the_local_server_is_found_and_gets_its_own_key_only(
    argilla_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import semillero.review.server

    monkeypatch.setattr(semillero.review.server, "local_argilla", lambda: argilla_server)
    monkeypatch.setenv("ARGILLA_API_KEY", SECRET)
    assert find_access(ReviewSettings()) == Access(argilla_server.url, argilla_server.api_key)
    assert connect(ReviewSettings()).me.role == "owner"
    assert find_access(ReviewSettings(url="https://equipo.example")) == Access("https://equipo.example", SECRET)
