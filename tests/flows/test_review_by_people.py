"""A run that waits for reviewers in a real Argilla, and goes on when they have answered."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import polars as pl
import pytest

from semillero.project import load_project
from tests.flows.conftest import ROOT, Grown
from tests.flows.prefect_api import newest_flow_run
from tests.reviewing import answer_as, connect_to

if TYPE_CHECKING:
    from semillero.review.server import LocalArgilla

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
REVIEWERS: dict[str, dict[str, Any]] = {
    "ana": {"varieties": ["es-MX", "ca"], "country": "MX", "role": "native speaker"},
    "blai": {"varieties": ["es-AR", "ca"], "country": "ES", "role": "linguist"},
    "caro": {"varieties": ["es-MX", "es-AR"], "country": "AR", "role": "native speaker"},
}


@pytest.fixture
def reviewed(finished: Grown, argilla_server: "LocalArgilla", monkeypatch: pytest.MonkeyPatch) -> Grown:
    """A project with its rows curated, whose review is by people."""
    monkeypatch.setenv("ARGILLA_API_KEY", argilla_server.api_key)
    prefix = f"r{uuid4().hex[:6]}"  # every test of the run shares the server
    reviewers = [{"name": f"{prefix}-{name}", **about} for name, about in REVIEWERS.items()]
    review = {"mode": "argilla", "url": argilla_server.url, "overlap": 0.3, "reviewers": reviewers}
    finished.change(project={"name": f"{prefix}-revisado"}, review=review)
    return finished


def outcomes(printed: str) -> dict[str, str]:
    return {stage["stage"]: stage["outcome"] for stage in json.loads(printed)["stages"]}


def invite(grown: Grown) -> dict[str, str]:
    """Make the accounts; returns user name → password."""
    invited = grown.call("review", "invite", str(grown.file))
    assert invited.returncode == 0, invited.stderr
    return {line.split()[0]: line.split()[2] for line in invited.stdout.splitlines() if " password " in line}


def test_a_run_waits_for_reviewers_and_goes_on(
    reviewed: Grown, argilla_server: "LocalArgilla", prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(reviewed.file)
    first = reviewed.run("--json", check=False)
    assert first.returncode == 75, first.stderr
    assert list(outcomes(first.stdout).items())[-2:] == [("judge", "skipped"), ("review", "awaits people")]
    assert "waiting for reviewers: 0 of" in first.stderr
    assert "semillero review invite" in first.stderr
    state = newest_flow_run(prefect_server)["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "WaitingForPeople")
    status = {s["stage"]: s["outcome"] for s in json.loads(reviewed.call("status", file, "--json").stdout)}
    assert (status["review"], status["dataset"]) == ("awaits people", "waits")

    passwords = invite(reviewed)
    assert sorted(name.partition("-")[2] for name in passwords) == sorted(REVIEWERS)
    assert "password" not in reviewed.call("review", "invite", file).stdout  # shown once

    people = list(passwords)
    answer_as(argilla_server, people[0], passwords[people[0]], lambda record: {"quality": 4, "fits_variety": "yes"})
    half = reviewed.run("--json", check=False)
    assert half.returncode == 75
    progress = json.loads(reviewed.call("review", "status", file, "--json").stdout)
    assert 0 < progress["answered"] < progress["records"]
    done = {person["reviewer"]: person["answered"] for person in progress["people"]}
    assert done[people[0]] > 0
    assert done[people[1]] == done[people[2]] == 0

    def correct(record: dict[str, Any]) -> dict[str, Any]:
        answers: dict[str, Any] = {"quality": 5, "fits_variety": "yes"}
        if record["external_id"] < "8":
            answers["answer"] = f"{record['fields']['answer_text']} Corregido a mano."
        return answers

    for name in people[1:]:
        answer_as(argilla_server, name, passwords[name], correct)
    last = reviewed.run("--json")
    made = outcomes(last.stdout)
    assert {made[stage] for stage in ("generate", "curate")} == {"reused"}
    assert {made[stage] for stage in ("review", "dataset", "train", "submit")} == {"made"}
    check_review(reviewed)

    # Long after: the server is gone, and nothing is asked of it.
    monkeypatch.delenv("ARGILLA_API_KEY")
    assert set(reviewed.outcomes().values()) == {"reused", "skipped"}


def check_review(grown: Grown) -> None:
    store = grown.folder / ".semillero"
    folder = store / json.loads((store / "last" / "review" / "all.json").read_text())["path"]
    agreement = json.loads((folder / "agreement.json").read_text(encoding="utf-8"))
    assert agreement["human_reviewed"] is True
    rows = pl.read_parquet(folder / "reviewed.parquet")
    corrected = rows.filter(pl.col("answer").str.ends_with("Corregido a mano."))
    assert corrected.height > 0
    assert set(corrected["decision"]) == {"kept"}
    pairs = pl.read_parquet(folder / "preferences.parquet")
    assert pairs.height == corrected.height
    project = load_project(grown.file)
    card = grown.folder / "published" / "datasets" / "semillero" / project.project.name / "README.md"
    text = card.read_text(encoding="utf-8")
    assert "Not human-reviewed" not in text
    assert not any(reviewer.name in text for reviewer in project.review.reviewers)  # names are personal data


@pytest.mark.chaos
def test_answers_survive_a_dataset_deleted_by_hand(reviewed: Grown, argilla_server: "LocalArgilla") -> None:
    file = str(reviewed.file)
    reviewed.run(check=False)
    passwords = invite(reviewed)
    for name, password in passwords.items():
        answer_as(argilla_server, name, password, lambda record: {"quality": 3, "fits_variety": "yes"}, limit=5)
    before = json.loads(reviewed.call("review", "collect", file, "--json").stdout)

    client = connect_to(argilla_server.url, argilla_server.api_key)
    name = load_project(reviewed.file).project.name
    victim = next(d for d in client.datasets.list() if d.workspace.name.startswith(name) and len(list(d.records)))
    victim.delete()
    after = reviewed.call("review", "collect", file, "--json")
    assert json.loads(after.stdout)["answered"] == before["answered"]
    assert "not in Argilla any more" in after.stderr
    restored = reviewed.call("review", "restore", file)
    assert restored.returncode == 0, restored.stderr
    assert not restored.stdout.startswith("0 responses restored")
    again = reviewed.call("review", "collect", file, "--json")
    assert json.loads(again.stdout)["answered"] == before["answered"]
    assert "not in Argilla any more" not in again.stderr

    backup = reviewed.folder / "respuestas.parquet"
    assert reviewed.call("review", "backup", file, "--target", str(backup)).returncode == 0
    assert pl.read_parquet(backup).height == 3 * 5


def test_without_a_server_or_a_key_the_run_says_what_to_do(reviewed: Grown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGILLA_API_KEY")
    refused = reviewed.run(check=False)
    assert refused.returncode == 2
    assert "ARGILLA_API_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_argilla_itself_says_when_the_run_can_go_on(reviewed: Grown, argilla_server: "LocalArgilla") -> None:
    reviewed.change(training={"enabled": False})
    file = str(reviewed.file)
    assert reviewed.run(check=False).returncode == 75
    passwords = invite(reviewed)
    # What the deployment NAME-responses does every hour: a backup, and the pipeline only once it is enough.
    hourly = "import sys; from flows.collecting import responses; print(responses(sys.argv[1], return_state=True).name)"
    flow = subprocess.run([sys.executable, "-c", hourly, file], capture_output=True, text=True, cwd=ROOT, check=False)
    assert flow.stdout.strip() == "WaitingForPeople", flow.stderr

    listener = reviewed.start("review", "listen", file)
    assert listener.stdout is not None
    address = listener.stdout.readline().split()[4]
    forged = urllib.request.Request(address, b'{"type": "response.created"}', method="POST")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(forged)

    for name, password in passwords.items():
        answer_as(argilla_server, name, password, lambda record: {"quality": 4, "fits_variety": "yes"})
    out, err = listener.communicate(timeout=300)
    assert listener.returncode == 0, err
    assert "the quorum is reached" in out
    assert outcomes(reviewed.run("--json").stdout)["submit"] == "reused"
    client = connect_to(argilla_server.url, argilla_server.api_key)
    assert [hook.url for hook in client.webhooks if hook.url == address] == []
