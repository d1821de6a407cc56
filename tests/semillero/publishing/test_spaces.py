"""A Space is deployed to the test server, whose runtime points to a real Gradio page on this machine."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from semillero.cards import write_cards
from semillero.errors import InputError, PublishError
from semillero.project import Project
from semillero.project.models import SpaceSettings
from semillero.publishing import publish_project, space_watching, stage
from semillero.publishing.hub import open_hub
from semillero.publishing.planning import PlannedFile, Repository
from semillero.publishing.sending import name_publication, publish_repository
from semillero.publishing.space_smoke import list_excuses
from semillero.publishing.spaces import deploy_space
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter
from tests.hub_server import Build
from tests.hub_server import Hub as Server
from tests.semillero.publishing.conftest import PATIENCE, Publisher, our_commits
from tests.semillero.publishing.test_publishing import fake_space

NAME = "equipo/prueba"
PAGE: dict[str, Any] = {"answers": ["", "Hola", "Hola, soy una prueba."], "asked": []}


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """The address of a page whose /chat streams PAGE["answers"], or fails."""
    import gradio

    def chat(question: str, which: str = "tuned") -> Iterator[str]:
        PAGE["asked"].append(question)
        if PAGE["answers"] is None:
            raise gradio.Error("no weights")
        yield from PAGE["answers"]

    with gradio.Blocks(analytics_enabled=False) as blocks:
        gradio.api(chat, api_name="chat")
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url
    blocks.close(verbose=False)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_watching, "FIRST_POLL", 0.01)
    monkeypatch.setattr(space_watching, "LONGEST_POLL", 0.02)
    monkeypatch.setattr(space_watching, "NOTICED", 0.5)
    monkeypatch.delenv("SEMILLERO_VOTES_TOKEN", raising=False)
    PAGE.update(answers=["", "Hola", "Hola, soy una prueba."], asked=[])


@pytest.fixture
def publisher(server: Server, tmp_path: Path) -> Iterator[Publisher]:
    """As patient as a page that is asked on a busy machine needs."""
    with open_hub("HF_TOKEN", replace(PATIENCE, timeout=5.0)) as hub:
        yield Publisher(hub, tmp_path)


@pytest.fixture
def spaces(server: Server, page: str) -> Server:
    """The server; what a Space's app.py says decides how it is built."""

    def build(name: str, files: Mapping[str, bytes]) -> Build:
        app = files["app.py"].decode()
        if "broken" in app:
            return Build("BUILD_ERROR", ("--> RUN pip install", "ERROR: No matching distribution: gradoi"), polls=1)
        if "crash" in app:
            return Build("RUNTIME_ERROR", run_log=("Traceback …", f"KeyError: {os.environ.get('SPACE_KEY')}"))
        return Build(host=page, polls=10**9 if "slow" in app else 2)

    server.accounts.tokens[server.token].orgs = ("equipo",)
    server.spaces.build = build
    return server


def plan(app: str = "good", **more: bytes) -> Repository:
    contents = {"app.py": app.encode(), "config.json": json.dumps({"examples": ["¿Qué es el mate?"]}).encode(), **more}
    files = [PlannedFile(name, hashlib.sha256(data).hexdigest(), data) for name, data in contents.items()]
    return Repository("space", NAME, tuple(files))


def project(tmp_path: Path, **space: Any) -> Project:
    hardware = {"hardware": space.pop("hardware")} if "hardware" in space else {}
    return fake_project(tmp_path, demo=hardware, publish={"space": {"build_minutes": 1, "answer_seconds": 20, **space}})


def deploy(publisher: Publisher, repository: Repository, settings: Project) -> None:
    """What the publish stage does with a Space."""

    def load(space: Repository, commit: str) -> None:
        deploy_space(publisher.hub, space, commit, settings, publisher.receipts)

    tag = name_publication([repository])
    receipt = publish_repository(publisher.hub, repository, tag, publisher.receipts, load)
    deploy_space(publisher.hub, repository, receipt.commit, settings, publisher.receipts)


def changes(server: Server) -> list[str]:
    """Requests that change something."""
    return [str(r) for r in server.requests if r.method != "GET" and "validate-yaml" not in r.path]


def test_a_space_is_configured_runs_and_answers_and_the_second_time_nothing_is_done(
    spaces: Server, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", "hf_votes")
    monkeypatch.setenv("TEAM_KEY", "k-1")
    settings = project(tmp_path, hardware="t4-small", secrets={"KEY": "TEAM_KEY"}, variables={"LANG": "es"})
    deploy(publisher, plan(), settings)
    space = spaces.space(NAME)
    assert (space.stage, space.hardware, space.sleep) == ("RUNNING", "t4-small", 1800)
    assert {name: value.value for name, value in space.secrets.items()} == {"VOTES_TOKEN": "hf_votes", "KEY": "k-1"}
    assert space.variables["LANG"].value == "es"
    assert not any("hf_votes" in (value.description or "") for value in space.secrets.values())
    assert PAGE["asked"] == ["¿Qué es el mate?"]
    spaces.requests.clear()
    publisher.lose_disk()
    deploy(publisher, plan(), settings)
    assert changes(spaces) == []
    assert PAGE["asked"] == ["¿Qué es el mate?"]


def test_only_what_changed_is_set_and_what_others_set_stays(
    spaces: Server, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", "hf_votes")
    deploy(publisher, plan(), project(tmp_path, variables={"A": "1", "B": "2"}))
    publisher.hub.api.add_space_variable(NAME, "THEIRS", "x")
    publisher.hub.api.add_space_secret(NAME, "THEIR_KEY", "x")
    spaces.requests.clear()
    monkeypatch.delenv("SEMILLERO_VOTES_TOKEN")  # a machine without the token keeps what another one set
    deploy(publisher, plan(), project(tmp_path, variables={"B": "3"}))
    space = spaces.space(NAME)
    assert {name: value.value for name, value in space.variables.items()} == {"B": "3", "THEIRS": "x"}
    assert set(space.secrets) == {"VOTES_TOKEN", "THEIR_KEY"}
    assert changes(spaces) == [
        f"POST /api/spaces/{NAME}/variables 200",
        f"DELETE /api/spaces/{NAME}/variables 200",
    ]
    spaces.requests.clear()
    monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", "hf_renewed")
    deploy(publisher, plan(), project(tmp_path, variables={"B": "3"}))
    assert space.secrets["VOTES_TOKEN"].value == "hf_renewed"
    assert changes(spaces) == [f"POST /api/spaces/{NAME}/secrets 200"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("broken", "No matching distribution: gradoi"),
        ("crash", "RUNTIME_ERROR"),
        ("silent", "answers with nothing"),
        ("error", "answers with an error"),
        ("excuse", "says that it cannot answer"),
        ("slow", "still RUNNING_BUILDING"),
    ],
)
def test_what_does_not_work_is_rolled_back_by_one_commit(
    spaces: Server, publisher: Publisher, tmp_path: Path, fault: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_KEY", "k-very-secret")
    settings = project(tmp_path, secrets={"KEY": "SPACE_KEY"})
    deploy(publisher, plan(old=b"1"), settings)
    good, files = spaces.commits("space", NAME)[0].oid, spaces.files("space", NAME)
    broken = {"silent": ["", " "], "error": None, "excuse": ["Hola", list_excuses()[0]]}
    PAGE["answers"] = broken.get(fault, PAGE["answers"])
    if fault == "slow":
        monkeypatch.setattr(type(settings.publish.space), "build_minutes", property(lambda self: 0.005), raising=False)
    with pytest.raises(PublishError) as error:
        deploy(publisher, plan(f"good {fault}", new=b"2", big=b"\0" * 9), settings)
    assert told in str(error.value)
    assert "k-very-secret" not in str(error.value)
    assert spaces.files("space", NAME) == files
    assert [commit.title for commit in spaces.commits("space", NAME)] == [
        "Back to an earlier publication", *["Publish with Semillero"] * 2, "initial commit",
    ]  # fmt: skip
    assert spaces.commits("space", NAME)[2].oid == good
    PAGE["answers"] = ["mejor"]
    if fault != "slow":
        assert "runs again" in str(error.value)
    deploy(publisher, plan("good at last"), settings)  # what was restored is known as ours
    assert spaces.files("space", NAME)["app.py"] == b"good at last"
    assert spaces.space(NAME).stage == "RUNNING"


def test_a_first_version_that_fails_is_paused_where_it_costs_money(
    spaces: Server, publisher: Publisher, tmp_path: Path
) -> None:
    settings = project(tmp_path, hardware="t4-small")
    with pytest.raises(PublishError, match="paused and costs nothing"):
        deploy(publisher, plan("broken"), settings)
    assert spaces.space(NAME).stage == "PAUSED"
    assert len(our_commits(spaces, "space", NAME)) == 1
    deploy(publisher, plan("good"), settings)
    assert spaces.space(NAME).stage == "RUNNING"


def test_a_build_that_failed_for_a_passing_reason_is_started_again(
    spaces: Server, publisher: Publisher, tmp_path: Path
) -> None:
    build = spaces.spaces.build
    spaces.spaces.build = lambda name, files: Build("BUILD_ERROR", ("no network",), polls=1)
    with pytest.raises(PublishError, match="no network"):
        deploy(publisher, plan(), project(tmp_path))
    spaces.spaces.build = build
    deploy(publisher, plan(), project(tmp_path))
    assert len(our_commits(spaces, "space", NAME)) == 1
    assert spaces.tags("space", NAME)


def test_a_commit_that_the_hub_notices_late_is_not_taken_for_running(
    spaces: Server, publisher: Publisher, tmp_path: Path
) -> None:
    deploy(publisher, plan(), project(tmp_path))
    spaces.spaces.lag = 3
    with pytest.raises(PublishError, match="gradoi"):
        deploy(publisher, plan("broken"), project(tmp_path))


def test_somebody_elses_commit_is_never_rolled_back(spaces: Server, publisher: Publisher, tmp_path: Path) -> None:
    deploy(publisher, plan(), project(tmp_path))
    spaces.fault("GET .*/logs/build", lambda: spaces.push("space", NAME, {"theirs.py": b"t"}) and None)
    with pytest.raises(PublishError, match="somebody else has changed it"):
        deploy(publisher, plan("broken"), project(tmp_path))
    assert "theirs.py" in spaces.files("space", NAME)
    assert spaces.commits("space", NAME)[0].author == "somebody-else"


@pytest.mark.parametrize("action", [503, "lose-response", "hang-after"])
def test_faults_while_rolling_back_leave_exactly_one_commit(
    spaces: Server, publisher: Publisher, tmp_path: Path, action: Any
) -> None:
    deploy(publisher, plan(), project(tmp_path))
    files = spaces.files("space", NAME)
    fault = spaces.fault("POST .*/commit/", action, after=1)
    with pytest.raises(PublishError, match="runs again"):
        deploy(publisher, plan("broken"), project(tmp_path))
    assert fault.struck == 1
    assert len(our_commits(spaces, "space", NAME)) == 3
    assert spaces.files("space", NAME) == files


@pytest.mark.parametrize("action", [503, "reset", "lose-response", ("429", 86_400)])
def test_every_request_of_a_deployment_may_fail_once(
    spaces: Server, publisher: Publisher, tmp_path: Path, action: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", "hf_votes")
    settings = project(tmp_path, hardware="t4-small", variables={"A": "1"})
    for endpoint in ("runtime", "hardware", "secrets", "variables"):
        spaces.fault(f"/{endpoint}$", action)
    deploy(publisher, plan(), settings)
    space = spaces.space(NAME)
    assert (space.stage, space.requested, set(space.secrets), set(space.variables)) == (
        "RUNNING", "t4-small", {"VOTES_TOKEN"}, {"A"},
    )  # fmt: skip
    assert len(our_commits(spaces, "space", NAME)) == 1


def test_hardware_that_nobody_has_paid_for(spaces: Server, publisher: Publisher, tmp_path: Path) -> None:
    spaces.fault("POST .*/hardware", 402)
    with pytest.raises(PublishError, match="payment method") as error:
        deploy(publisher, plan(), project(tmp_path, hardware="t4-medium"))
    assert "demo.hardware: cpu-basic" in error.value.remedy


def test_secrets_that_are_missing_or_would_give_everything_away(
    spaces: Server, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="TEAM_KEY, which is not set"):
        deploy(publisher, plan(), project(tmp_path, secrets={"KEY": "TEAM_KEY"}))
    monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", spaces.token)
    with pytest.raises(InputError, match="the token that publishes") as error:
        deploy(publisher, plan(), project(tmp_path))
    assert spaces.token not in str(error.value)
    assert not spaces.space(NAME).secrets


CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.semillero.publishing import test_spaces as t
from tests.semillero.publishing.conftest import PATIENCE, Publisher
from semillero.publishing import publish_project, space_watching, stage
from semillero.publishing.hub import open_hub
space_watching.FIRST_POLL, space_watching.LONGEST_POLL, space_watching.NOTICED = 0.05, 0.05, 0.5
folder = Path(sys.argv[1])
with open_hub("HF_TOKEN", replace(PATIENCE, timeout=5.0)) as hub:
    settings = t.project(folder, hardware="t4-small", variables={"A": "1"})
    t.deploy(Publisher(hub, folder), t.plan(sys.argv[2]), settings)
"""


@pytest.mark.chaos
@pytest.mark.slow
def test_killed_at_step_after_step_the_same_command_ends_the_same(spaces: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path), "good"]
    environment = spaces.environment(tmp_path / "cache")
    for step in ("POST .*/commit/", "POST .*/variables", "POST .*/hardware", "GET .*/runtime", "/tag/"):
        reached = spaces.fault(step, "hang-after", after=2 if "runtime" in step else 0)
        child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not reached.struck and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert reached.struck, step
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    space = spaces.space(NAME)
    assert (space.stage, space.hardware, set(space.variables)) == ("RUNNING", "t4-small", {"A"})
    assert len(our_commits(spaces, "space", NAME)) == 1
    assert len(spaces.tags("space", NAME)) == 1


def test_the_publish_stage_deploys_before_the_space_is_public_and_not_again(
    spaces: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "ColdLoader", lambda hub, project: lambda repository, commit: None)
    store = RunStore(str(tmp_path / "store"))
    settings = fake_project(tmp_path, publish={"target": "hub", "private": False})
    outputs = fake_outputs(store, settings, plain_adapter)
    cards, space = write_cards(store, settings, outputs), fake_space(store)
    spaces.fault(r"POST .*spaces/.*/tag/", 403)  # after the question was answered
    with pytest.raises(PublishError, match=f"spaces/{NAME}"):
        publish_project(store, settings, outputs, cards, space)
    # The Space reads them when it starts; nobody sees it before it is known to work.
    assert [spaces.info(kind, NAME)["private"] for kind in ("dataset", "model", "space")] == [False, False, True]
    publish_project(store, settings, outputs, cards, space)
    assert not spaces.info("space", NAME)["private"]
    asked = len(PAGE["asked"])
    spaces.requests.clear()
    assert publish_project(store, settings, outputs, cards, space).reused
    assert (changes(spaces), len(PAGE["asked"])) == ([], asked)
    other = settings.publish.model_copy(update={"space": SpaceSettings(variables={"A": "1"})})
    assert publish_project(store, settings.model_copy(update={"publish": other}), outputs, cards, space).reused
    assert spaces.space(NAME).variables["A"].value == "1"
    assert len(our_commits(spaces, "space", NAME)) == 1


def test_votes_that_everybody_could_read_are_refused(spaces: Server, publisher: Publisher, tmp_path: Path) -> None:
    spaces.create("dataset", f"{NAME}-votes")
    with pytest.raises(PublishError, match="votes is public"):
        deploy(publisher, plan(), project(tmp_path))
