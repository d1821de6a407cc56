"""``semillero check`` says what would keep the Space from running, and ``semillero space`` how it is."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import save
from typer.testing import CliRunner

from flows.cli import app
from semillero.project import load_project
from semillero.project.starting import start_project
from semillero.publishing import space_watching
from semillero.publishing.space_checks import check_space
from tests.hub_server import Build
from tests.hub_server import Hub as Server
from tests.project_files import change

BASE = "somebody/base"


@pytest.fixture
def file(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEMILLERO_VOTES_TOKEN", raising=False)
    path = start_project(tmp_path / "p")
    change(path, publish={"target": "hub"}, project={"organization": "semillero"})
    return path


def outcomes(file: Path) -> dict[str, tuple[str, str]]:
    return {check.what: (check.outcome, check.found) for check in check_space(load_project(file))}


def weights(parameters: int) -> bytes:
    """A safetensors file whose header promises that many parameters."""
    import numpy

    data = save({"w": numpy.zeros((1, 1), numpy.float16)})
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    header["w"]["shape"] = [parameters]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


def test_the_votes_token_reaches_the_votes_alone(file: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    votes = f"datasets/{load_project(file).repository}-votes"
    assert outcomes(file)["votes token"][0] == "warns"
    for reach, outcome in (([votes], "ok"), ([votes, "models/semillero/x"], "fails")):
        token = server.add_token(f"hf_{len(reach)}", "ana", "fineGrained", reach)
        monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", token)
        assert outcomes(file)["votes token"][0] == outcome
    monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", server.add_token("hf_all", "ana"))
    assert outcomes(file)["votes token"] == (
        "fails", f"SEMILLERO_VOTES_TOKEN reaches everything (write); make one for {votes} alone",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hardware", "billions", "method", "outcome"),
    [
        ("cpu-basic", 0.6, "qlora", "warns"),  # no GGUF of it is named
        ("cpu-basic", 7.2, "qlora", "fails"),
        ("t4-small", 7.2, "qlora", "ok"),
        ("t4-small", 7.2, "lora", "fails"),
        ("zero-a10g", 7.2, "lora", "ok"),
    ],
)
def test_hardware_is_compared_with_the_size_of_the_base(
    file: Path, server: Server, hardware: str, billions: float, method: str, outcome: str
) -> None:
    server.create("model", BASE)
    server.push("model", BASE, {"model.safetensors": weights(int(billions * 1e9))})
    change(file, training={"base": BASE, "method": method}, demo={"hardware": hardware})
    assert outcomes(file)["Space hardware"][0] == outcome


def test_a_base_that_the_space_cannot_load(file: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    change(file, training={"base": BASE}, demo={"hardware": "t4-small"}, publish={"private": False})
    assert "is not there" in outcomes(file)["base on the Hub"][1]
    server.create("model", BASE, gated="auto")
    assert "you have no access" in outcomes(file)["base on the Hub"][1]
    server.state.find("model", BASE).granted.add("ana")
    assert "the Space needs a token" in outcomes(file)["base on the Hub"][1]
    monkeypatch.setenv("READER", "hf_reads")
    change(file, publish={"space": {"secrets": {"HF_TOKEN": "READER"}}})
    assert outcomes(file)["base on the Hub"] == ("ok", f"the Space can load {BASE}")
    change(file, publish={"private": True, "space": {}})
    assert "the model stays private" in outcomes(file)["Space and model"][1]


def test_what_costs_money(file: Path, server: Server) -> None:
    assert outcomes(file)["Space plan"][0] == "warns"
    server.create("space", load_project(file).repository)
    assert outcomes(file)["Space plan"][0] == "ok"
    change(file, demo={"hardware": "t4-small"})
    assert "costs money" in outcomes(file)["Space plan"][1]
    server.accounts.tokens[server.token].pays = True
    assert outcomes(file)["Space plan"][0] == "ok"


def test_the_embedded_base_needs_nothing_from_the_hub(file: Path) -> None:
    found = outcomes(file)
    assert found["Space hardware"][0] == "ok"
    assert "base on the Hub" not in found


def test_the_commands_show_the_space_and_its_log(file: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMILLERO_VOTES_TOKEN", "hf_votes")
    name, run = load_project(file).repository, CliRunner().invoke
    missing = run(app, ["space", "status", str(file)])
    assert (missing.exit_code, "is not there yet" in missing.output) == (2, True)
    server.create("space", name)
    server.spaces.build = lambda name, files: Build("RUNTIME_ERROR", run_log=("one", "KeyError: hf_votes"), polls=0)
    head = server.push("space", name, {"app.py": b"x"})
    told = json.loads(run(app, ["space", "status", str(file), "--json"]).stdout)
    assert (told["stage"][:13], told["head"], told["last that worked"]) == ("RUNTIME_ERROR", head, "none")
    log = run(app, ["space", "logs", str(file)])
    assert log.stdout.split("\n")[:2] == ["one", "KeyError: [VOTES_TOKEN]"]
    monkeypatch.setattr(space_watching, "NOTICED", 0.1)
    monkeypatch.setattr(space_watching, "FIRST_POLL", 0.1)
    failed = run(app, ["space", "deploy", str(file)])
    assert failed.exit_code == 1
    assert "hf_votes" not in failed.output
    assert server.exists("dataset", f"{name}-votes")
    assert server.info("dataset", f"{name}-votes")["private"]
