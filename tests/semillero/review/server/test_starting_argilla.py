"""Up starts, mends or leaves alone, whatever a killed predecessor left; down leaves nothing."""

import json
import os
import random
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from semillero.errors import InputError, SemilleroError, StoreError
from semillero.ports import free_port
from semillero.review.server import LocalArgilla, argilla_status, local_argilla, start_argilla, stop_argilla, waiting
from semillero.review.server.keys import load_keys
from semillero.review.server.processes import TOKEN_VARIABLE, start_ticks
from tests.fake_argilla import make_database

Kill = Callable[[int], None]
ALL = {"search", "redis", "argilla", "worker"}


def states(home: Path) -> dict[str, str]:
    return {part.name: part.state for part in argilla_status(home).parts}


def living(found: LocalArgilla) -> set[str]:
    return {name for name, pid in found.pids.items() if start_ticks(pid) is not None}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_up_starts_everything_and_a_second_up_leaves_it_alone(home: Path) -> None:
    first = start_argilla(home, port=0)
    again = start_argilla(home)
    assert (first.outcome, again.outcome) == ("started", "running")
    assert living(first) == ALL
    assert again.pids == first.pids
    assert again.url == first.url
    assert local_argilla(home) == again
    assert set(states(home).values()) == {"up"}
    assert argilla_status(home).running


def test_the_password_is_handed_over_once(home: Path) -> None:
    first = start_argilla(home, port=0)
    assert first.new_owner is not None
    assert first.new_owner.password == load_keys(home / "keys.json").password
    assert start_argilla(home).new_owner is None
    assert first.api_key not in repr(first)


def test_what_is_on_disk_is_private(home: Path) -> None:
    start_argilla(home, port=0)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in ("keys.json", "state.json", "redis.conf", "argilla.db"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name


def test_no_secret_is_on_a_command_line(home: Path) -> None:
    found = start_argilla(home, port=0)
    shown = " ".join(word for pid in found.pids.values() for word in psutil.Process(pid).cmdline())
    keys = vars(load_keys(home / "keys.json"))
    assert not [name for name, key in keys.items() if key in shown]


def test_down_stops_everything_and_the_data_stay(home: Path) -> None:
    found = start_argilla(home, port=0)
    assert stop_argilla(home)
    assert living(found) == set()
    assert local_argilla(home) is None
    assert set(states(home).values()) == {"down"}
    assert not stop_argilla(home)
    assert (home / "argilla.db").exists()
    again = start_argilla(home)
    assert (again.outcome, again.url, again.api_key) == ("started", found.url, found.api_key)


def test_status_and_down_of_what_never_was(home: Path) -> None:
    status = argilla_status(home)
    assert not status.running
    assert status.url is None
    assert status.key_file is None
    assert not stop_argilla(home)
    assert not home.exists()
    json.dumps(status.as_json())


@pytest.mark.parametrize(
    ("victim", "begun"),
    [
        ("search", {"search"}),
        ("redis", {"redis", "worker"}),
        ("argilla", {"argilla"}),
        ("worker", {"worker"}),
    ],
)
def test_a_dead_part_is_named_and_up_mends_it_alone(home: Path, kill: Kill, victim: str, begun: set[str]) -> None:
    before = start_argilla(home, port=0)
    kill(before.pids[victim])
    assert states(home) == {name: "down" if name == victim else "up" for name in ALL}
    after = start_argilla(home)
    assert after.outcome == "mended"
    assert {name for name in ALL if after.pids[name] != before.pids[name]} == begun
    assert after.url == before.url
    assert argilla_status(home).running


def test_the_index_of_a_new_search_server_is_rebuilt(home: Path, kill: Kill) -> None:
    before = start_argilla(home, port=0)
    assert not (home / "logs" / "reindex.log").exists()
    kill(before.pids["search"])
    start_argilla(home)
    assert "reindex" in (home / "logs" / "reindex.log").read_text()


def test_an_index_that_was_not_finished_is_rebuilt(home: Path) -> None:
    """A killed `up` leaves a search server that answers and an index that is half there."""
    start_argilla(home, port=0)
    state = json.loads((home / "state.json").read_text())
    (home / "state.json").write_text(json.dumps({**state, "indexed": None}))
    assert states(home)["search"] == "incomplete"
    assert start_argilla(home).outcome == "mended"
    assert (home / "logs" / "reindex.log").exists()
    assert argilla_status(home).running


def test_a_part_that_hangs_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = start_argilla(home, port=0)
    psutil.Process(before.pids["argilla"]).suspend()
    monkeypatch.setattr("semillero.review.server.local.PROBE_SECONDS", 0.2)
    monkeypatch.setattr("semillero.review.server.starting.PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("semillero.review.server.processes.STOP_SECONDS", 0.2)
    assert states(home)["argilla"] == "silent"
    after = start_argilla(home)
    assert after.pids["argilla"] != before.pids["argilla"]
    assert start_ticks(before.pids["argilla"]) is None
    assert argilla_status(home).running


def test_what_a_killed_up_did_not_record_is_replaced(home: Path) -> None:
    before = start_argilla(home, port=0)
    (home / "state.json").unlink()
    after = start_argilla(home, port=0)
    assert after.outcome == "started"
    assert living(before) == set()
    assert living(after) == ALL


def test_down_finds_what_was_not_recorded(home: Path) -> None:
    found = start_argilla(home, port=0)
    (home / "state.json").unlink()
    assert stop_argilla(home)
    assert living(found) == set()


def test_a_stale_state_names_processes_that_are_somebody_elses(home: Path) -> None:
    """After a reboot the pids in the state file belong to other programs."""
    found = start_argilla(home, port=0)
    stop_argilla(home)
    innocent = subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(60)"])
    stale = {"pid": innocent.pid, "ticks": 1, "recipe": "r"}
    ports = {"argilla": int(found.url.rpartition(":")[2]), "search": 1, "redis": 2}
    (home / "state.json").write_text(json.dumps({"ports": ports, "processes": {"argilla": stale}, "indexed": stale}))
    assert local_argilla(home) is None
    assert start_argilla(home).outcome == "started"
    assert innocent.poll() is None
    stop_argilla(home)
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_lost_keys_are_replaced_and_so_is_everything_that_used_them(home: Path) -> None:
    before = start_argilla(home, port=0)
    (home / "keys.json").unlink()
    after = start_argilla(home)
    assert after.new_owner is not None
    assert after.api_key != before.api_key
    assert living(before) == set()


def test_two_ups_at_once_start_one_argilla(home: Path, environment: Path) -> None:
    command = (
        "import sys, pathlib; from semillero.review.server import start_argilla;"
        "a = start_argilla(pathlib.Path(sys.argv[1]), port=0); print(a.outcome, a.pids['argilla'])"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", command, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = sorted(run.communicate()[0].split() for run in runs)
    assert [outcome for outcome, _ in said] == ["running", "started"]
    assert said[0][1] == said[1][1]
    token = load_keys(home / "keys.json").token
    servers = [p for p in psutil.process_iter() if holds(p, token)]
    assert len(servers) == 4


def holds(process: psutil.Process, token: str) -> bool:
    try:
        return process.environ().get(TOKEN_VARIABLE) == token
    except (psutil.Error, OSError):
        return False


@pytest.mark.chaos
def test_an_up_killed_at_any_moment_leaves_nothing_that_the_next_one_cannot_use(home: Path, environment: Path) -> None:
    command = (
        "import sys, pathlib; from semillero.review.server import start_argilla; print('begins', flush=True);"
        "start_argilla(pathlib.Path(sys.argv[1]), port=0)"
    )
    moments = random.Random(7)
    for _ in range(6):
        up = subprocess.Popen((sys.executable, "-c", command, str(home)), stdout=subprocess.PIPE)
        assert up.stdout is not None
        up.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.6))
        up.kill()
        up.wait()
        up.stdout.close()
    found = start_argilla(home)
    assert argilla_status(home).running
    token = load_keys(home / "keys.json").token
    assert {p.pid for p in psutil.process_iter() if holds(p, token)} == set(found.pids.values())


def test_processes_outlive_the_command_that_started_them(home: Path, environment: Path) -> None:
    command = (
        "import sys, pathlib; from semillero.review.server import start_argilla;"
        "start_argilla(pathlib.Path(sys.argv[1]), port=0)"
    )
    subprocess.run([sys.executable, "-c", command, str(home)], check=True)
    found = local_argilla(home)
    assert found is not None
    assert living(found) == ALL
    assert all(os.getsid(pid) == pid for pid in found.pids.values())


def test_a_port_that_is_asked_for_and_taken_is_refused(home: Path, taken: int) -> None:
    with pytest.raises(InputError, match=f"port {taken} .* is taken"):
        start_argilla(home, port=taken)
    assert living_of(home) == {}


def living_of(home: Path) -> dict[str, str]:
    return {name: state for name, state in states(home).items() if state != "down"}


def test_a_port_that_was_taken_meanwhile_is_left_to_who_took_it(home: Path) -> None:
    first = start_argilla(home, port=0)
    stop_argilla(home)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(first.url.rpartition(":")[2])))
        other.listen()
        second = start_argilla(home)
        assert second.url != first.url


def test_another_port_moves_the_page(home: Path) -> None:
    first = start_argilla(home, port=0)
    second = start_argilla(home, port=free_port())
    assert second.outcome == "mended"
    assert second.url != first.url
    assert second.pids["redis"] == first.pids["redis"]
    assert argilla_status(home).running


def test_a_start_that_fails_says_why_and_leaves_nothing_behind(home: Path, environment: Path) -> None:
    (environment / "bin" / "fault").write_text("argilla fails")
    with pytest.raises(SemilleroError, match="no such table: users"):
        start_argilla(home, port=0)
    assert living_of(home) == {}
    (environment / "bin" / "fault").unlink()
    assert start_argilla(home).outcome == "started"


def test_a_worker_that_the_server_did_not_bring_is_started(home: Path, environment: Path) -> None:
    (environment / "bin" / "fault").write_text("no worker")
    assert living(start_argilla(home, port=0)) == ALL
    assert argilla_status(home).running


def test_a_start_without_end_is_given_up(home: Path, environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (environment / "bin" / "fault").write_text("argilla never answers")
    monkeypatch.setattr(waiting, "START_SECONDS", 0.5)
    with pytest.raises(SemilleroError, match="does not answer"):
        start_argilla(home, port=0)
    assert living_of(home) == {}


def test_a_database_that_was_half_copied_is_made_again(home: Path) -> None:
    home.mkdir()
    (home / "argilla.new").write_text("half a data")
    (home / "argilla.db").touch()
    (home / "argilla.db-wal").write_text("of a database that is gone")
    start_argilla(home, port=0)
    assert argilla_status(home).contents == {"users": 0, "datasets": 0, "records": 0, "responses": 0}


def test_a_database_of_somebody_elses_is_never_replaced(home: Path) -> None:
    home.mkdir()
    (home / "argilla.db").write_text("five days of reviewers' work, damaged")
    with pytest.raises(StoreError, match="no Argilla database"):
        start_argilla(home, port=0)
    assert (home / "argilla.db").read_text() == "five days of reviewers' work, damaged"


def test_an_older_database_is_upgraded_on_a_copy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    make_database(home / "argilla.db", "r1", users=3)
    migrated: list[Path] = []

    def migrate(_made: object, database: Path) -> None:
        migrated.append(database)
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'r2'")

    monkeypatch.setattr("semillero.review.server.database.migrate", migrate)
    start_argilla(home, port=0)
    assert migrated == [home / "argilla.new"]
    assert argilla_status(home).contents["users"] == 3
    with sqlite3.connect(home / "argilla-r1.db") as kept:
        assert kept.execute("SELECT version_num FROM alembic_version").fetchone() == ("r1",)


def test_a_failed_upgrade_leaves_the_database_as_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    make_database(home / "argilla.db", "r9", users=3)

    def fail(_made: object, _database: Path) -> None:
        raise SemilleroError("Can't locate revision identified by 'r9'")

    monkeypatch.setattr("semillero.review.server.database.migrate", fail)
    with pytest.raises(SemilleroError, match="r9"):
        start_argilla(home, port=0)
    with sqlite3.connect(home / "argilla.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("r9",)


def test_up_and_down_at_once_take_turns(home: Path) -> None:
    start_argilla(home, port=0)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(stop_argilla(home)))
    thread.start()
    start_argilla(home)
    thread.join()
    assert ended == [True]
    assert set(states(home).values()) in ({"up"}, {"down"})
