"""A whole project on the Hub: in order, public last and together, loaded by real libraries, killed at every step."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from semillero.cards import write_cards
from semillero.errors import PublishError
from semillero.project import Project
from semillero.publishing import hub as hub_module
from semillero.publishing import publish_project, stage
from semillero.publishing.hub import open_hub
from semillero.publishing.online import verify_online
from semillero.publishing.outline import outline_online
from semillero.publishing.planning import name_repositories, plan_repositories
from semillero.store import Artifact, RunStore, WouldMake
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter
from tests.hub_server import Hub as Server
from tests.semillero.publishing.conftest import PATIENCE, our_commits
from tests.semillero.publishing.test_loading_published import tiny_adapter, tiny_llama
from tests.semillero.publishing.test_publishing import fake_space

ROOT = Path(__file__).parents[3]
PATIENT = replace(PATIENCE, timeout=15.0)  # of whole projects, on a busy machine
KINDS = ("dataset", "model", "space")
NAME = "semillero/prueba"


def hub_project(folder: Path, **publish: Any) -> Project:
    return fake_project(folder, project={"organization": "semillero"}, publish={"target": "hub", **publish})


class Team:
    """A finished project, published again and again without the cold load (which has tests of its own)."""

    def __init__(self, folder: Path, **publish: Any) -> None:
        self.folder, self.store = folder, RunStore(str(folder / ".semillero"))
        self.project = hub_project(folder, **publish)
        self.outputs = fake_outputs(self.store, self.project, plain_adapter, pairs=3)
        self.space = fake_space(self.store)

    def publish(self, dry: bool = False) -> Artifact:
        cards = write_cards(self.store, self.project, self.outputs)
        store = RunStore(self.store.root, dry=dry)
        return publish_project(store, self.project, self.outputs, cards, self.space)

    def repositories(self) -> Any:
        cards = write_cards(self.store, self.project, self.outputs)
        return plan_repositories(self.store, self.project, self.outputs, cards, self.space)


@pytest.fixture
def team(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setattr(stage, "ColdLoader", lambda hub, project: lambda repository, commit: None)
    for name in ("open_for_space", "deploy_space"):  # test_spaces.py has a page that answers
        monkeypatch.setattr(stage, name, lambda *_: None)
    monkeypatch.setattr(hub_module, "Patience", lambda: PATIENT)
    return Team(tmp_path)


def test_every_repository_once_in_order_and_private(server: Server, team: Team) -> None:
    with pytest.raises(WouldMake):
        team.publish(dry=True)
    assert server.requests == []  # looking asks nobody
    first = team.publish()
    made = [r.path.split("/")[2] for r in server.requests if "/commit/" in r.path]
    assert made == ["datasets", "models", "spaces"]
    assert all(server.info(kind, NAME)["private"] for kind in KINDS)
    online = json.loads((team.store.folder(first) / "receipt.json").read_text())["hub"]
    assert [entry["commit"] for entry in online.values()] == [our_commits(server, kind, NAME)[0] for kind in KINDS]
    assert team.publish().reused
    assert team.publish(dry=True).reused
    assert all(len(our_commits(server, kind, NAME)) == 1 for kind in KINDS)
    for kind in KINDS:
        local = team.folder / "published" / f"{kind}s" / NAME
        files = server.files(kind, NAME)
        files.pop(".gitattributes")
        assert files == {p.relative_to(local).as_posix(): p.read_bytes() for p in local.rglob("*") if p.is_file()}


def test_what_was_changed_online_is_noticed_on_the_next_run(server: Server, team: Team) -> None:
    team.publish()
    server.push("model", NAME, {"NOTICE": b"otro"})
    with pytest.raises(PublishError, match="by hand"):
        team.publish()
    server.push("model", NAME, {}, delete=["NOTICE"])
    team.publish()
    assert len(our_commits(server, "model", NAME)) == 2


def test_nothing_is_written_anywhere_when_a_file_is_in_the_way(server: Server, team: Team) -> None:
    server.create("model", NAME, private=True)
    server.push("model", NAME, {"README.md": b"# de otra\n"})
    with pytest.raises(PublishError, match=rf"{server.url}/{NAME}: README\.md"):
        team.publish()
    assert not server.exists("dataset", NAME)


def test_public_comes_last_and_together(server: Server, team: Team) -> None:
    team.project = hub_project(team.folder, private=False)
    server.fault(r"POST .*spaces/.*/tag/", 403)
    with pytest.raises(PublishError):
        team.publish()
    assert all(server.info(kind, NAME)["private"] for kind in KINDS)  # the last one was not verified
    server.fault(r"PUT .*models/.*/settings", "lose-response")
    server.fault(r"PUT .*spaces/.*/settings", 503)
    team.publish()
    assert not any(server.info(kind, NAME)["private"] for kind in KINDS)
    changed = [r.path.split("/")[2] for r in server.requests if r.method == "PUT" and r.status == 200]
    assert list(dict.fromkeys(changed)) == ["datasets", "models", "spaces"]
    last = max(n for n, r in enumerate(server.requests) if "/tag/" in r.path)
    assert all(n > last for n, r in enumerate(server.requests) if r.method == "PUT" and "settings" in r.path)
    team.publish()
    assert all(len(our_commits(server, kind, NAME)) == 1 for kind in KINDS)


def test_the_plan_and_the_check_of_what_is_online(server: Server, team: Team) -> None:
    names = name_repositories(team.project)
    with open_hub("HF_TOKEN", PATIENT) as hub:
        lines = outline_online(hub, team.store, team.repositories())
        assert {line.state for line in lines} == {"new"}
        assert sum(line.sent for line in lines) == sum(f.size for r in team.repositories() for f in r.files)
        assert not [r for r in server.requests if r.method in ("POST", "PUT", "DELETE")]
        assert {f.outcome for f in verify_online(hub, team.store, team.project, names, None)} == {"fails"}
        team.publish()
    with open_hub("HF_TOKEN", PATIENT) as hub:
        assert {line.state for line in outline_online(hub, team.store, team.repositories())} == {"unchanged"}
        assert [f.outcome for f in verify_online(hub, team.store, team.project, names, None)] == ["ok"] * 3
        lost = RunStore(str(team.folder / "another-disk"))
        found = verify_online(hub, lost, team.project, names, None)
        assert ["rebuilt from the history" in f.found for f in found] == [True] * 3
        server.push("dataset", NAME, {"data/train.parquet": b"PAR1 falso"}, delete=["statistics.json"])
        found = verify_online(hub, team.store, team.project, names, None)
        assert [f.outcome for f in found] == ["fails", "ok", "ok"]
        assert "1 files are gone and 1 changed" in found[0].found
        states = {line.name: line.state for line in outline_online(hub, team.store, team.repositories())[:20]}
        assert states["data/train.parquet"] == "in the way"
        assert states["statistics.json"] == "new"


def test_a_secret_never_reaches_the_hub(server: Server, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.project = fake_project(
        team.folder,
        project={"organization": "semillero", "motivation": f"Escribir a {server.token} y ya está."},
        publish={"target": "hub"},
    )
    with pytest.raises(PublishError, match="reasons not to publish") as caught:
        team.publish()
    assert server.token not in str(caught.value)
    assert server.requests == []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_strangers_load_what_was_published(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`load_dataset`, `PeftModel.from_pretrained` and `snapshot_download` in processes with an empty cache."""
    monkeypatch.setattr(hub_module, "Patience", lambda: replace(PATIENT, attempts=2))
    for name in ("open_for_space", "deploy_space"):  # test_spaces.py has a page that answers
        monkeypatch.setattr(stage, name, lambda *_: None)
    base = tmp_path / "base"
    tiny_llama().save_pretrained(base)
    store = RunStore(str(tmp_path / ".semillero"))
    training = {"base": str(base), "base_license": "apache-2.0"}
    project = fake_project(
        tmp_path, project={"organization": "semillero"}, publish={"target": "hub"}, training=training
    )
    outputs = fake_outputs(store, project, tiny_adapter, pairs=3)
    cards = write_cards(store, project, outputs)
    publish_project(store, project, outputs, cards, None)
    # Large files come from the chunk storage: what is asked of the Hub is a token to read there.
    fetched = [r.path for r in server.requests if "/xet-read-token/" in r.path or "/resolve/" in r.path]
    for kind in ("datasets", "models"):
        assert any(path.startswith(f"/api/{kind}/{NAME}/xet-read-token/") for path in fetched)
    assert any(path.startswith("/datasets/") and path.endswith("statistics.json") for path in fetched)
    assert set(server.tags("model", NAME).values()) == set(our_commits(server, "model", NAME))
    # A damaged download is found out before the tag: other bytes under the same name.
    outputs = fake_outputs(store, project, tiny_adapter)
    server.fault(r"GET /datasets/.*/resolve/.*/statistics\.json", 404, times=None)
    with pytest.raises(PublishError, match="does not load from an empty cache"):
        publish_project(store, project, outputs, write_cards(store, project, outputs), None)
    assert len(server.tags("dataset", NAME)) == 1


CHILD = """
import os, signal, sys
from pathlib import Path
import httpx2, huggingface_hub.hf_api
from semillero.publishing import hub as hub_module, stage
from tests.semillero.publishing.test_hub_project import PATIENT, Team

send, left, after = httpx2.Client.send, 0, False

def die(client, request, **options):
    global left
    left -= 1
    if left < 0 and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    response = send(client, request, **options)
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return response

hub_module.Patience = lambda: PATIENT
stage.ColdLoader = lambda hub, project: lambda repository, commit: None
stage.open_for_space = stage.deploy_space = lambda *_: None
httpx2.Client.send = die
for step, left in enumerate(range(0, int(sys.argv[2]), 2)):
    after = step % 2 == 0
    if not (pid := os.fork()):  # a process a step, without importing everything anew
        Team(Path(sys.argv[1]), private=False).publish()
        os._exit(0)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_again_and_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL before or after ever later requests, in ever later runs; the last run ends what they began."""
    monkeypatch.setattr(stage, "ColdLoader", lambda hub, project: lambda repository, commit: None)
    for name in ("open_for_space", "deploy_space"):  # test_spaces.py has a page that answers
        monkeypatch.setattr(stage, name, lambda *_: None)
    monkeypatch.setattr(hub_module, "Patience", lambda: PATIENT)
    for kind in KINDS:
        server.create(kind, NAME, private=True)
        server.push(kind, NAME, {"notas.txt": b"de otra"})
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), "30"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    killed = [int(line) for line in done.stdout.split()].count(signal.SIGKILL)
    assert killed >= 10
    Team(tmp_path, private=False).publish()
    for kind in KINDS:
        assert len(our_commits(server, kind, NAME)) == 1
        assert len(server.tags(kind, NAME)) == 1
        assert server.files(kind, NAME)["notas.txt"] == b"de otra"
        assert not server.info(kind, NAME)["private"]
