"""``semillero publish`` on the command line: the plan, the check, the way back, and what excludes what."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import flows.publishing
from flows.cli import app
from semillero.cards import write_cards
from semillero.publishing import hub as hub_module
from semillero.publishing import loading, publish_project, stage
from semillero.publishing.hub import Patience
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter
from tests.hub_server import Hub as Server
from tests.hub_server import open_hub


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(hub_module, "Patience", lambda: Patience(15.0, 4, 0.01, 0.1))
    # What a cold load is worth has a test of its own; here it would take minutes.
    monkeypatch.setattr(stage, "ColdLoader", lambda hub, project: lambda repository, commit: None)
    for name in ("open_for_space", "deploy_space"):  # tested in publishing/test_spaces.py
        monkeypatch.setattr(stage, name, lambda *_: None)
    monkeypatch.setattr(loading, "ColdLoader", lambda hub, project: None)
    with open_hub(tmp_path / "server") as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", server.token)
        yield server


@pytest.fixture
def file(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project file with ``target: hub`` whose run store is finished, and not published yet."""
    project = fake_project(tmp_path, project={"organization": "semillero"}, publish={"target": "hub"})
    project.file.write_text(yaml.safe_dump(project.model_dump(mode="json"), allow_unicode=True), encoding="utf-8")
    for name in ("topics.yaml", "seeds.jsonl", "passages.jsonl"):
        (tmp_path / name).touch()
    store = RunStore(project.store_root)
    outputs = fake_outputs(store, project, plain_adapter, pairs=3)
    cards = write_cards(store, project, outputs)
    dry = RunStore(project.store_root, dry=True)
    monkeypatch.setattr(flows.publishing, "newest_publication", lambda file: (project, dry, outputs, cards, None))
    monkeypatch.setattr(
        flows.publishing, "publish_now", lambda file, as_json: publish_project(store, project, outputs, cards, None)
    )
    return project.file


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["publish", *map(str, arguments)])
    return result.exit_code, result.output


def test_plan_publish_verify_and_back(file: Path, server: Server) -> None:
    code, text = run(file, "--dry-run", "--json")
    planned = json.loads(text)
    assert code == 0
    assert {line["state"] for line in planned["files"]} == {"new"}
    assert planned["bytes"] == sum(line["bytes"] for line in planned["files"]) > 1000
    assert "ana on " in planned["account"]
    assert not server.exists("dataset", "semillero/prueba")
    assert run(file)[0] == 0
    code, text = run(file, "--verify", "--json")
    # The file also asks for a Space, which this project has not built.
    assert [found["outcome"] for found in json.loads(text[: text.rindex("]") + 1])] == ["ok", "ok", "ok", "fails"]
    assert code == 1
    code, text = run(file, "--dry-run")
    assert "unchanged" in text
    assert "0.0 MB to send" in text

    tag = next(iter(server.tags("dataset", "semillero/prueba")))
    code, text = run(file, "--rollback", "publication-000000000000")
    assert code == 2
    assert tag in text  # told, to choose from
    code, text = run(file, "--rollback", tag)
    assert code == 0
    assert text.count("is there already") == 2
    assert "there is no such repository" in text
    assert run(file, "--rollback", tag, "--repository", "datasets/semillero/otro")[0] == 2
    code, text = run(file, "--rollback", tag, "--repository", "models/semillero/prueba")
    assert text.count("is there already") == 1


def test_a_folder_has_no_way_back_and_flags_exclude_each_other(file: Path) -> None:
    assert run(file, "--dry-run", "--verify")[0] == 2
    assert run(file, "--repository", "datasets/a/b")[0] == 2
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["publish"]["target"] = "local"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    code, text = run(file, "--rollback", "publication-0")
    assert code == 2
    assert "keeps no history" in text
