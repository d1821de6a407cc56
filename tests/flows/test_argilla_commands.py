"""`semillero argilla up`, `down` and `status`, on fake programs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from semillero.ports import free_port
from semillero.review.server import stop_argilla
from semillero.review.server.environment import VARIABLE
from semillero.review.server.keys import load_keys
from tests.fake_argilla import install_fake_argilla

run = CliRunner()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The default home, in a data folder of the test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "environments"))
    install_fake_argilla()
    home = tmp_path / "data" / "semillero" / "argilla"
    yield home
    stop_argilla(home)


def test_up_shows_the_password_once_and_down_keeps_the_data(home: Path) -> None:
    port = str(free_port())
    first = run.invoke(app, ["argilla", "up", "--port", port])
    assert first.exit_code == 0
    keys = load_keys(home / "keys.json")
    assert f"http://127.0.0.1:{port}" in first.output
    assert keys.password in first.output
    assert keys.api_key not in first.output

    again = run.invoke(app, ["argilla", "up"])
    assert again.exit_code == 0
    assert "was running already" in again.output
    assert keys.password not in again.output

    down = run.invoke(app, ["argilla", "down"])
    assert "its data stay" in down.output
    assert "was not running" in run.invoke(app, ["argilla", "down"]).output
    assert (home / "argilla.db").exists()


def test_status_tells_what_is_up_and_where_the_keys_are_but_no_key(home: Path) -> None:
    run.invoke(app, ["argilla", "up", "--port", str(free_port())])
    keys = vars(load_keys(home / "keys.json")).values()
    people = run.invoke(app, ["argilla", "status"])
    assert str(home / "keys.json") in people.output.replace("\n", "")
    machine = run.invoke(app, ["argilla", "status", "--json"])
    value = json.loads(machine.stdout)
    assert value["running"]
    assert {part["name"]: part["state"] for part in value["parts"]} == dict.fromkeys(
        ("search", "redis", "argilla", "worker"), "up"
    )
    assert value["contents"] == {"users": 0, "datasets": 0, "records": 0, "responses": 0}
    assert not [key for key in keys if key in people.output + machine.output]


def test_status_before_the_first_start() -> None:
    status = run.invoke(app, ["argilla", "status"])
    assert status.exit_code == 0
    assert "semillero argilla up" in status.output


def test_a_taken_port_is_explained(home: Path) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run.invoke(app, ["argilla", "up", "--port", str(other.getsockname()[1])])
    assert done.exit_code == 2
    assert "taken by another program" in done.output
    assert "--port" in done.output
