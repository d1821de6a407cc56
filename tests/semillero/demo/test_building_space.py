import ast
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from semillero.demo import build_space
from semillero.demo.building import GRADIO, HERE
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import RunStore

NewProject = Callable[..., Project]


def test_folder_holds_the_templates_as_they_are_and_the_projects_config(
    store: RunStore, outputs: Outputs, new_project: NewProject
) -> None:
    space = build_space(store, new_project(), outputs)
    assert space is not None
    folder = store.folder(space)
    assert set(space.files) == {"app.py", "style.css", "requirements.txt", "config.json", "README.md"}
    for name in ("app.py", "style.css", "requirements.txt"):
        assert (folder / name).read_bytes() == (HERE / "space" / name).read_bytes()
    config = json.loads((folder / "config.json").read_text())
    assert config["title"] == new_project().project.title
    assert config["adapter"]["id"] == "semillero/voces"
    assert config["base"] == {"id": "google/gemma-3-270m", "revision": None, "on_hub": True, "quantized": True}
    assert str(store.root) not in (folder / "config.json").read_text()


def test_examples_come_from_the_held_out_split_varieties_taking_turns(
    store: RunStore, outputs: Outputs, new_project: NewProject
) -> None:
    space = build_space(store, new_project(), outputs)
    assert space is not None
    # Ordered by id; what is too short or too long for a button is left out.
    assert json.loads((store.folder(space) / "config.json").read_text())["examples"] == [
        "¿Cómo se baila un son jarocho?",
        "¿Qué se come en un asado?",
        "¿Qué es el tejate y cómo se toma?",
    ]
    assert space.counts["examples"] == 3


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
    tree = ast.parse((HERE / "space" / "app.py").read_text())
    imported = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert imported.isdisjoint({"semillero", "tasks", "flows"})


def test_the_pins_are_the_versions_these_tests_run_with() -> None:
    lines = (HERE / "space" / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pins["gradio"] = GRADIO
    different = {name: (pin, version(name)) for name, pin in pins.items() if version(name).split("+")[0] != pin}
    assert not different, "raise the pins in space/requirements.txt and GRADIO, and run the browser test"


@pytest.mark.parametrize("path", ["app.py", "README.md"])
def test_nothing_of_this_machine_is_inside(
    store: RunStore, outputs: Outputs, new_project: NewProject, path: str
) -> None:
    space = build_space(store, new_project(), outputs)
    assert space is not None
    text = (store.folder(space) / path).read_text()
    assert str(HERE) not in text
    assert "hf_" not in text
