"""``semillero check`` tries the Hub: whose token it is, what it may do, whether the names are free."""

from pathlib import Path

import pytest

from semillero.errors import PublishError
from semillero.publishing import hub as hub_module
from semillero.publishing.rights import try_publishing
from tests.fake_outputs import fake_project
from tests.hub_server import Hub as Server
from tests.semillero.publishing.conftest import PATIENCE, Publisher


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "Patience", lambda: PATIENCE)


def tried(folder: Path, **project: str) -> dict[str, tuple[str, str]]:
    made = fake_project(
        folder, project={"organization": "semillero", **project}, publish={"target": "hub", "gguf": True}
    )
    return {what: (outcome, found) for what, outcome, found in try_publishing(made)}


def test_everything_is_asked_and_nothing_changed(server: Server, tmp_path: Path) -> None:
    found = tried(tmp_path)
    assert found.pop("token")[0] == "warns"  # it may write everywhere
    assert {outcome for outcome, _ in found.values()} == {"ok"}
    assert "models/semillero/prueba-GGUF" in found
    assert not [r for r in server.requests if r.method != "GET"]


def test_what_would_fail_is_named(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.create("dataset", "otra/prueba", private=False)
    server.create("model", "otra/prueba", private=False)
    found = tried(tmp_path, organization="otra", license="mi-licencia", license_reason="porque sí")
    assert found["organization"] == (
        "fails",
        "the token's user is not in otra; project.organization can be: ana, semillero",
    )
    assert found["licence"][0] == "warns"
    monkeypatch.setenv("HF_TOKEN", server.read_token)
    assert tried(tmp_path)["token"] == (
        "fails",
        f"ana on {server.url}: it may only read; make a fine-grained one that writes",
    )


def test_names_that_are_taken(server: Server, publisher: Publisher, tmp_path: Path) -> None:
    server.create("dataset", "semillero/prueba", private=False)
    server.create("space", "semillero/prueba", private=True)
    found = tried(tmp_path)
    assert found["datasets/semillero/prueba"][0] == "fails"
    assert found["spaces/semillero/prueba"][0] == "warns"


def test_an_expired_token_is_told(server: Server, tmp_path: Path) -> None:
    server.revoke()
    with pytest.raises(PublishError, match="does not accept the token"):
        tried(tmp_path)
