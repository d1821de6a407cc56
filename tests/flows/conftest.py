"""A whole project that runs in seconds: a scripted LLM, a tiny base model, a real Prefect server."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project_files import change
from tests.scripted_llm import scripted_llm
from tests.tiny_model import tiny_base

ROOT = Path(__file__).parents[2]
VARIETIES = {"es-MX": "MX", "es-AR": "AR", "ca": "ES"}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "tiny"
    tiny_base(folder)
    return folder


@dataclass
class Grown:
    """A project in a folder of its own, and the scripted LLM it asks."""

    file: Path
    llm: Any

    @property
    def folder(self) -> Path:
        return self.file.parent

    def change(self, **sections: dict[str, Any]) -> None:
        change(self.file, **sections)

    def run(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        done = self.start("run", str(self.file), *arguments, **environment)
        out, err = done.communicate(timeout=800)
        if check:
            assert done.returncode == 0, err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )

    def outcomes(self) -> dict[str, str]:
        """How each stage of a run with nothing else changed ends."""
        stages = json.loads(self.run("--json").stdout)["stages"]
        return {stage["stage"]: stage["outcome"] for stage in stages}

    def contents(self) -> dict[str, str]:
        """The content digest of every artifact last used, by stage and part."""
        found = {}
        for path in sorted((self.folder / ".semillero" / "last").glob("*/*.json")):
            found[f"{path.parent.name}/{path.stem}"] = json.loads(path.read_text())["content"]
        return found


@pytest.fixture(scope="session")
def llm() -> Iterator[Any]:
    """One scripted LLM for all: its address is in the project file, and copies of a project share it."""
    with scripted_llm() as server:
        yield server


@pytest.fixture(scope="session")
def first_run(
    tmp_path_factory: pytest.TempPathFactory, base: Path, llm: Any, prefect_server: str
) -> tuple[Grown, dict[str, Any], int]:
    """A project that was run once from nothing; what the run printed, and how many requests it made."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    project = write_project(tmp_path_factory.mktemp("first") / "project", base, llm)
    before = llm.requests
    printed = json.loads(project.run("--json").stdout)
    return project, printed, llm.requests - before


@pytest.fixture
def finished(first_run: tuple[Grown, dict[str, Any], int], tmp_path: Path) -> Grown:
    """A copy of the project that was run: half a minute sooner than another run, and free to be spoilt."""
    shutil.copytree(first_run[0].folder, tmp_path / "finished")
    return Grown(tmp_path / "finished" / "semillero.yaml", first_run[0].llm)


@pytest.fixture
def grown(tmp_path: Path, base: Path, llm: Any, prefect_server: str) -> Grown:
    """A project that was never run."""
    return write_project(tmp_path / "project", base, llm)


def write_project(folder: Path, base: Path, llm: Any) -> Grown:
    folder.mkdir()
    write_sources(folder)
    grown = Grown(folder / "semillero.yaml", llm)
    grown.file.write_text(yaml.safe_dump(project_data(llm.base_url, base), allow_unicode=True), encoding="utf-8")
    return grown


def project_data(base_url: str, base: Path) -> dict[str, Any]:
    return {
        "project": {
            "name": "prueba",
            "title": "Proyecto de prueba",
            "summary": "A tiny corpus that exists to test the whole pipeline.",
            "summary_es": "Un corpus diminuto que existe para probar el proceso entero.",
            "motivation": "Probar que nada se pierde y que nada se hace dos veces.",
            "sdgs": [4],
            "team": [{"name": "Equipo de prueba"}],
            "contact": "equipo at example",
        },
        "corpus": {
            "varieties": [
                {"code": code, "name": f"variedad {code}", "country": country, "requests": 12}
                for code, country in VARIETIES.items()
            ],
            "topics": "topics.yaml",
            "seeds": "seeds.jsonl",
            "passages": "passages.jsonl",
            "reserved": "heldout.jsonl",
            "techniques": {"backtranslation": 0.75, "self_instruct": 0.25},
            "shard_size": 5,
            "generator": {"kind": "openai", "base_url": base_url, "model": "scripted", "concurrency": 4},
            "judge": {"kind": "none"},
            "splits": {"validation": 0.15, "test": 0.25},
        },
        "training": {
            "base": str(base), "base_license": "apache-2.0", "lora_r": 4, "epochs": 2, "batch_size": 4,
            "batch_tokens": 512, "save_steps": 2, "eval_steps": 4, "threads": 1, "learning_rate": 0.02,
        },
        "evaluation": {"generate_rows": 3, "max_new_tokens": 8, "bootstrap": 200},
    }  # fmt: skip


def write_sources(folder: Path) -> None:
    """Copy a slice of the quickstart's texts: three varieties, a dozen passages each."""
    source = ROOT / "projects" / "quickstart"
    (folder / "topics.yaml").write_text((source / "topics.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for name, most in (("seeds", 8), ("passages", 10), ("heldout", 3)):
        rows = [json.loads(line) for line in (source / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        kept = [row for code in VARIETIES for row in [r for r in rows if r["variety"] == code][:most]]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
