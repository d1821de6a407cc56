"""The run store: found by recipe, verified on every hit, never half-written, on a disk or an object store."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from semillero.errors import StoreError
from semillero.store import Artifact, Recipe, RunStore, WouldMake


def recipe(**settings: object) -> Recipe:
    return Recipe("curate", 1, {"shards": ["abc"]}, settings or {"threshold": 0.5})


def make(store: RunStore, made_from: Recipe, text: str = "hello") -> Artifact:
    with store.draft(made_from) as draft:
        (draft.path / "data.txt").write_text(text)
        (draft.path / "sub").mkdir()
        (draft.path / "sub" / "more.txt").write_text(text * 2)
        (draft.path / "ledger.jsonl").write_text(str(time.time_ns()))
        draft.volatile.add("ledger.jsonl")
        draft.counts["rows"] = 3
    return draft.artifact


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path / "store"))


def test_what_was_made_is_found_again(store: RunStore) -> None:
    assert store.find(recipe()) is None
    made = make(store, recipe())
    found = store.find(recipe())
    assert found == made
    assert found is not None
    assert found.reused
    assert not made.reused
    assert found.counts == {"rows": 3}
    assert set(found.files) == {"data.txt", "sub/more.txt"}
    assert (store.folder(found) / "sub" / "more.txt").read_text() == "hellohello"


@pytest.mark.parametrize(
    "other",
    [
        Recipe("curate", 2, {"shards": ["abc"]}, {"threshold": 0.5}),
        Recipe("curate", 1, {"shards": ["abd"]}, {"threshold": 0.5}),
        Recipe("curate", 1, {"shards": ["abc"]}, {"threshold": 0.6}),
        Recipe("curate", 1, {"shards": ["abc"]}, {"threshold": 0.5}, part="one"),
        Recipe("judge", 1, {"shards": ["abc"]}, {"threshold": 0.5}),
    ],
    ids=["version", "input", "setting", "part", "stage"],
)
def test_any_difference_in_the_recipe_is_a_miss(store: RunStore, other: Recipe) -> None:
    make(store, recipe())
    assert store.find(other) is None


def test_content_leaves_out_what_differs_from_run_to_run(tmp_path: Path) -> None:
    one = make(RunStore(str(tmp_path / "a")), recipe())
    two = make(RunStore(str(tmp_path / "b")), recipe())
    assert one.content == two.content
    assert make(RunStore(str(tmp_path / "c")), recipe(), "other").content != one.content


@pytest.mark.chaos
@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "data.txt").write_text("hellO"),
        lambda folder: (folder / "data.txt").unlink(),
        lambda folder: (folder / "data.txt").write_text(""),
        lambda folder: (folder / "ledger.jsonl").write_text("x"),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        shutil.rmtree,
    ],
    ids=["flipped", "deleted", "empty", "ledger", "no-manifest", "torn-manifest", "strange-manifest", "gone"],
)
def test_a_damaged_artifact_is_made_again(store: RunStore, damage: object) -> None:
    made = make(store, recipe())
    damage(store.folder(made))  # type: ignore[operator]
    assert store.find(recipe()) is None
    again = make(store, recipe())
    assert again.content == made.content
    assert store.find(recipe()) == made


def test_lost_run_facts_are_no_reason_to_work_again(store: RunStore) -> None:
    made = make(store, recipe())
    assert store.run_facts(made)["seconds"] >= 0
    (store.folder(made) / "run.json").unlink()
    assert store.find(recipe()) == made
    assert store.run_facts(made) == {}


def test_a_failed_draft_leaves_nothing(store: RunStore, tmp_path: Path) -> None:
    def fail() -> None:
        with store.draft(recipe()) as draft:
            (draft.path / "data.txt").write_text("half")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail()
    assert store.find(recipe()) is None
    assert not list((tmp_path / "store" / "work" / "drafts").iterdir())


def test_a_dry_store_makes_nothing(store: RunStore) -> None:
    dry = RunStore(store.root, dry=True)
    with pytest.raises(WouldMake) as raised, dry.draft(recipe()):
        pass
    assert raised.value.recipe == recipe()
    make(store, recipe())
    assert dry.find(recipe()) is not None


def test_last_remembers_what_each_part_was_made_from(store: RunStore) -> None:
    make(store, recipe())
    make(store, recipe(threshold=0.9))
    assert store.last("curate")[""]["recipe"]["settings"] == {"threshold": 0.9}
    store.find(recipe())
    assert store.last("curate")[""]["recipe"]["settings"] == {"threshold": 0.5}


KILLED = """
import sys, os, signal
from semillero.store import Recipe, RunStore
store = RunStore(sys.argv[1])
with store.draft(Recipe("curate", 1, {"shards": ["abc"]}, {"threshold": 0.5})) as draft:
    (draft.path / "data.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.chaos
def test_a_draft_killed_half_way_is_no_artifact(store: RunStore) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, store.root], check=False)
    assert done.returncode == -9
    assert store.find(recipe()) is None
    make(store, recipe())
    assert store.find(recipe()) is not None


FULL = """
import sys, resource, signal
from semillero.errors import StoreError
from semillero.store import Recipe, RunStore
store = RunStore(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    with store.draft(Recipe("curate", 1, {"shards": ["abc"]}, {"threshold": 0.5})) as draft:
        (draft.path / "data.bin").write_bytes(bytes(20_000))
except StoreError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.chaos
def test_a_full_disk_is_explained_and_leaves_nothing(store: RunStore, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, store.root], check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "no space left" in done.stdout
    assert "free some space" in done.stdout
    assert store.find(recipe()) is None
    assert not list((tmp_path / "store" / "work" / "drafts").iterdir())


HOLDER = """
import sys, time
from semillero.store import RunStore
with RunStore(sys.argv[1]).lock():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.chaos
def test_a_second_run_is_told_who_holds_the_store(store: RunStore) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, store.root], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        with pytest.raises(StoreError, match=f"pid {holder.pid} on"), store.lock():
            pass
    finally:
        holder.kill()
        holder.wait()
    with store.lock():  # the kernel freed it with its process
        pass


def test_a_bad_root_is_explained() -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        RunStore("nosuchprotocol://bucket/prefix")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    pytest.importorskip("moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    before = dict(os.environ)
    os.environ.update(
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_ENDPOINT_URL=f"http://{host}:{port}",
        AWS_DEFAULT_REGION="us-east-1",
    )  # fmt: skip
    import s3fs

    s3fs.S3FileSystem().mkdir("semillero-test")
    yield "s3://semillero-test"
    os.environ.clear()
    os.environ.update(before)
    server.stop()


@pytest.mark.slow
def test_an_object_store_keeps_the_same_promises(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store = RunStore(f"{bucket}/project")
    made = make(store, recipe())
    assert store.find(recipe()) == made
    assert (RunStore(store.root).folder(made) / "data.txt").read_text() == "hello"
    assert store.last("curate")[""]["content"] == made.content

    store._fs.pipe_file(f"semillero-test/project/{made.path}/data.txt", b"hellO")
    assert store.find(recipe()) is None
    assert make(store, recipe()).content == made.content
    assert store.find(recipe()) == made


@pytest.mark.slow
def test_a_lease_has_an_owner_and_an_expiry(bucket: str) -> None:
    store = RunStore(f"{bucket}/leases")
    with store.lock(), pytest.raises(StoreError, match="another run"), RunStore(store.root).lock():
        pass
    with store.lock():  # released
        pass
    # A lease whose process died expires and is broken by exactly one successor.
    dead = json.dumps({"host": "gone", "pid": 1, "since": "then", "token": "t", "expires": time.time() - 1})
    store._fs.pipe_file("semillero-test/leases/locks/run.lock", dead.encode())
    with store.lock(), pytest.raises(StoreError, match="another run"), RunStore(store.root).lock():
        pass
