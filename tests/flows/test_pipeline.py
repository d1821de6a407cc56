"""The promise, on a whole project: nothing is lost, nothing is redone."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.steps import STAGES
from tests.flows.conftest import Grown
from tests.flows.prefect_api import list_flow_runs, newest_flow_run, task_states

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a whole run takes minutes on a busy machine


def test_a_project_grows_and_a_second_run_redoes_nothing(
    first_run: tuple[Grown, dict[str, Any], int], prefect_server: str
) -> None:
    grown, printed, _ = first_run
    stages = {stage["stage"]: stage for stage in printed["stages"]}
    assert list(stages) == list(STAGES)
    outcomes = {name: stage["outcome"] for name, stage in stages.items()}
    assert outcomes == {**dict.fromkeys(STAGES, "made"), "judge": "skipped"}
    asked = grown.llm.requests

    published = grown.folder / "published"
    for kind in ("datasets", "models", "spaces"):
        assert (published / kind / "semillero" / "prueba" / "README.md").is_file()
    assert_counts_agree(grown, published)

    before = len(list_flow_runs(prefect_server))
    contents = grown.contents()
    assert grown.outcomes() == {**dict.fromkeys(STAGES, "reused"), "judge": "skipped"}
    assert grown.llm.requests == asked
    assert grown.contents() == contents
    runs = list_flow_runs(prefect_server)
    assert len(runs) == before + 1  # still one visible Prefect run
    states = task_states(prefect_server, runs[0]["id"])
    assert states.pop("judge") == "Skipped"
    assert set(states.values()) == {"Cached"}


def assert_counts_agree(grown: Grown, published: Path) -> None:
    """The card, the manifests and the published files tell the same numbers."""
    store = grown.folder / ".semillero"

    def manifest(stage: str) -> dict[str, Any]:
        entry = json.loads((store / "last" / stage / "all.json").read_text())
        return dict(json.loads((store / entry["path"] / "manifest.json").read_text()))

    curated, reviewed, built = (manifest(stage)["counts"] for stage in ("curate", "review", "dataset"))
    assert curated["requested"] == curated["answered"] + curated["failed"] == 36
    assert curated["answered"] == curated["accepted"] + curated["rejected"]
    assert curated["accepted"] == reviewed["kept"] + reviewed["discarded"] + reviewed["pending"]
    assert reviewed["kept"] == built["train"] + built["validation"] + built["test"]
    data = published / "datasets" / "semillero" / "prueba" / "data"
    for split in ("train", "validation", "test"):
        assert pl.read_parquet(data / f"{split}.parquet").height == built[split]
    card = (data.parent / "README.md").read_text(encoding="utf-8")
    for count in (curated["requested"], curated["accepted"], built["train"], built["test"]):
        assert str(count) in card


def test_only_what_depends_on_a_change_is_made_again(finished: Grown) -> None:
    grown = finished
    asked = grown.llm.requests

    grown.change(demo={"title": "Otro título"})
    outcomes = grown.outcomes()
    assert {s for s, o in outcomes.items() if o == "made"} <= {"cards", "demo", "publish", "submit"}
    assert outcomes["demo"] == "made"
    space = grown.folder / "published" / "spaces" / "semillero" / "prueba"
    assert any("Otro título" in path.read_text("utf-8") for path in space.glob("*.json"))

    grown.change(training={"learning_rate": 0.01})
    outcomes = grown.outcomes()
    assert [s for s in STAGES[:5] if outcomes[s] == "made"] == []
    assert outcomes["train"] == outcomes["evaluate"] == "made"

    grown.change(training={"threads": 2, "keep_checkpoints": 3})  # how, not what
    assert set(grown.outcomes().values()) == {"reused", "skipped"}
    assert grown.llm.requests == asked


@pytest.mark.chaos
def test_a_damaged_artifact_is_made_again_and_it_alone(finished: Grown) -> None:
    contents = finished.contents()
    asked = finished.llm.requests
    # None of a row depends on another of its row but through contents, which stay the same.
    for spoilt in (("generate", "dataset", "evaluate"), ("curate", "train", "demo"), ("review", "cards", "submit")):
        for stage, spoil in zip(spoilt, (shutil.rmtree, damage, shutil.rmtree), strict=True):
            entry = sorted((finished.folder / ".semillero" / "last" / stage).glob("*.json"))[0]
            spoil(finished.folder / ".semillero" / json.loads(entry.read_text())["path"])
        outcomes = finished.outcomes()
        assert {name for name, outcome in outcomes.items() if outcome == "made"} == set(spoilt)
        assert finished.contents() == contents
    assert finished.llm.requests == asked  # a lost shard is written again from its ledger


def damage(artifact: Path) -> None:
    """Change the last byte of an artifact's first data file."""
    names = json.loads((artifact / "manifest.json").read_text())["files"]
    victim = artifact / next(name for name, entry in sorted(names.items()) if not entry["volatile"])
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")


def test_a_corpus_only_project_ends_with_a_submission(finished: Grown) -> None:
    grown = finished
    shutil.rmtree(grown.folder / "published")
    grown.change(training={"enabled": False})
    outcomes = grown.outcomes()
    assert "train" not in outcomes
    assert outcomes["demo"] == "skipped"
    assert outcomes["submit"] == "made"
    published = grown.folder / "published"
    assert (published / "datasets" / "semillero" / "prueba" / "README_ES.md").is_file()
    assert not (published / "models").exists()
    score = json.loads(grown.call("score", str(grown.file), "--json").stdout)
    assert score["points"] <= 7.0


def test_until_and_only(grown: Grown) -> None:
    until = json.loads(grown.run("--until", "curate", "--json").stdout)["stages"]
    assert [stage["stage"] for stage in until] == ["generate", "curate"]
    refused = grown.run("--only", "dataset", check=False)
    assert refused.returncode == 2
    assert "review before it is not up to date" in refused.stderr
    only = json.loads(grown.run("--only", "review", "--json").stdout)["stages"]
    assert {s["stage"]: s["outcome"] for s in only}["review"] == "made"


def test_status_and_explain_say_what_a_run_would_do(grown: Grown, finished: Grown) -> None:
    def status() -> dict[str, str]:
        return {s["stage"]: s["outcome"] for s in json.loads(grown.call("status", str(grown.file), "--json").stdout)}

    assert status()["generate"] == "to make"
    assert status()["train"] == "waits"
    shutil.copytree(finished.folder / ".semillero", grown.folder / ".semillero")
    shutil.rmtree(grown.folder / ".semillero" / "artifacts" / "train")
    shutil.rmtree(grown.folder / ".semillero" / "last" / "train")
    assert status()["dataset"] == "reused"
    assert status()["train"] == "to make"
    assert "was never made" in grown.call("explain", "train", str(grown.file)).stdout

    grown.change(review={"discard": 0.0})
    assert "would be reused" in grown.call("explain", "curate", str(grown.file)).stdout
    explained = grown.call("explain", "review", str(grown.file)).stdout
    assert "would be made again" in explained
    assert "discard: 0.1 → 0.0" in explained
    assert "depends on review" in grown.call("explain", "dataset", str(grown.file)).stdout

    seeds = grown.folder / "passages.jsonl"
    seeds.write_text(seeds.read_text(encoding="utf-8").replace(" es ", " fue ", 1), encoding="utf-8")
    assert "parts would be reused" in grown.call("explain", "generate", str(grown.file)).stdout


def test_smoke_runs_apart(grown: Grown) -> None:
    stages = json.loads(grown.run("--smoke", "--json").stdout)["stages"]
    assert stages[-1]["stage"] == "submit"
    assert (grown.folder / ".semillero" / "smoke" / "artifacts").is_dir()
    assert not (grown.folder / ".semillero" / "artifacts").exists()
    assert (grown.folder / "published-smoke").is_dir()


@pytest.mark.chaos
def test_a_second_run_started_by_mistake_is_told(grown: Grown) -> None:
    grown.llm.latency = 0.5
    first = grown.start("run", str(grown.file), "--until", "generate")
    try:
        lock = grown.folder / ".semillero" / "locks" / "run.owner.json"
        while not lock.exists():
            assert first.poll() is None
        second = grown.run(check=False)
        assert second.returncode == 1
        assert f"pid {first.pid} on" in second.stderr
    finally:
        grown.llm.latency = 0.0
        first.communicate(timeout=120)
    assert first.returncode == 0


def test_an_unreachable_endpoint_fails_clearly_and_loses_nothing(finished: Grown) -> None:
    grown = finished
    contents = grown.contents()
    url = grown.llm.base_url
    grown.change(corpus={"shard_size": 6, "generator": {
        "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "scripted", "attempts": 1,
    }})  # fmt: skip
    failed = grown.run(check=False)
    assert failed.returncode == 1
    assert "127.0.0.1:9" in failed.stderr
    assert "Traceback" not in failed.stderr
    grown.change(corpus={"shard_size": 5, "generator": {
        "kind": "openai", "base_url": url, "model": "scripted", "concurrency": 4,
    }})  # fmt: skip
    assert set(json.loads(grown.run("--until", "curate", "--json").stdout)["stages"][1]["paths"]) != set()
    assert grown.contents() == contents


def test_training_whose_time_is_up_pauses_the_run_and_the_next_one_goes_on(
    finished: Grown, prefect_server: str
) -> None:
    train = {"epochs": 8, "save_steps": 100, "budget_minutes": 1e-6}
    finished.change(training=train)
    paused = finished.run("--json", check=False)
    assert paused.returncode == 75, paused.stderr
    stages = {stage["stage"]: stage["outcome"] for stage in json.loads(paused.stdout)["stages"]}
    assert list(stages.items())[-1] == ("train", "paused")
    assert "run the same command again" in paused.stderr or "raise training.budget_minutes" in paused.stderr
    run = newest_flow_run(prefect_server)
    assert (run["state"]["type"], run["state"]["name"]) == ("COMPLETED", "TrainingPaused")
    checkpoints = list((finished.folder / ".semillero" / "work" / "train").glob("*/checkpoints/step-*"))
    assert checkpoints  # nothing of it is lost
    finished.change(training={**train, "budget_minutes": None})
    assert finished.outcomes()["train"] == "made"
