"""Write the Space's folder."""

import json
import shutil
import textwrap
from pathlib import Path
from typing import Any

from semillero.demo.examples import choose_examples
from semillero.demo.texts import DATA_NOTICE, write_limitations
from semillero.digests import digest_file, digest_json
from semillero.models.base import name_base
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.project.models import settings_json
from semillero.store import Artifact, Recipe, RunStore

VERSION = 1  # raised by hand when the stage's meaning changes

HERE = Path(__file__).resolve().parent
COPIED = ("app.py", "style.css", "requirements.txt")  # as they are: the Space holds no generated Python
README = HERE / "README.md.j2"
GRADIO = "6.31.0"
PYTHON = "3.11"
HUB = "https://huggingface.co"
SHORT = 60  # the Hub cuts longer short descriptions
# Sampled, because a small model that always takes the likeliest word repeats itself; the reply can be asked for again.
SAMPLING = {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.1, "max_seconds": 180}


def build_space(store: RunStore, project: Project, outputs: Outputs) -> Artifact | None:
    """Write the Space's folder; None in a corpus-only project, which has nothing to talk to.

    Returns:
        Stage ``demo``: `app.py`, `style.css`, `requirements.txt`, `config.json`, `README.md`; counts `examples`.
    """
    if outputs.adapter is None:
        return None
    inputs: dict[str, str | list[str]] = {"adapter": outputs.adapter.content, "template": _digest_template()}
    if not project.demo.examples:
        inputs["test"] = outputs.dataset.files["test.parquet"]
    recipe = Recipe("demo", VERSION, inputs, _settings(project))
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        codes = [variety.code for variety in project.corpus.varieties]
        examples = list(project.demo.examples)
        if not examples:
            examples = choose_examples(store.folder(outputs.dataset) / "test.parquet", codes)
        config = _write_config(project, examples)
        for name in COPIED:
            shutil.copyfile(HERE / "space" / name, draft.path / name)
        text = json.dumps(config, ensure_ascii=False, indent=2)
        (draft.path / "config.json").write_text(text + "\n", encoding="utf-8")
        (draft.path / "README.md").write_text(_write_readme(config), encoding="utf-8")
        draft.counts["examples"] = len(examples)
    return draft.artifact


def _digest_template() -> str:
    paths = [*(HERE / "space" / name for name in COPIED), README]
    return digest_json({path.name: digest_file(path) for path in paths})


def _settings(project: Project) -> dict[str, Any]:
    about = project.project
    return {
        "demo": settings_json(project.demo),
        "title": about.title,
        "summary": about.summary,
        "summary_es": about.summary_es,
        "repository": project.repository,
        "base": _describe_base(project),
        "varieties": [[variety.code, variety.name] for variety in project.corpus.varieties],
        "review": project.review.mode,
    }


def _write_config(project: Project, examples: list[str]) -> dict[str, Any]:
    """Return everything in which one project's Space differs from another's."""
    demo, repository, base = project.demo, project.repository, _describe_base(project)
    return {
        "title": demo.title or project.project.title,
        "description": demo.description or project.project.summary_es,
        "description_en": project.project.summary,
        "examples": examples,
        "base": base,
        "adapter": {"id": repository},
        "chat": {"max_new_tokens": demo.max_new_tokens, "max_input_chars": demo.max_input_chars, **SAMPLING},
        "links": {
            "model": {"id": repository, "url": f"{HUB}/{repository}"},
            "dataset": {"id": repository, "url": f"{HUB}/datasets/{repository}"},
            "base": {"id": base["id"], "url": f"{HUB}/{base['id']}" if base["on_hub"] else None},
        },
        "limitations": write_limitations(project),
        "data_notice": DATA_NOTICE,
    }


def _describe_base(project: Project) -> dict[str, Any]:
    """Return what the Space must know to load the base as training loaded it."""
    training = project.training
    name = name_base(training.base)
    return {
        "id": name,
        "revision": training.base_revision if name == training.base else None,
        "on_hub": "/" in name,
        "quantized": training.method == "qlora",
    }


def _write_readme(config: dict[str, Any]) -> str:
    from huggingface_hub import SpaceCardData
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    repository = config["adapter"]["id"]
    front = SpaceCardData(
        title=config["title"],
        emoji="🌱",
        colorFrom="green",
        colorTo="yellow",
        sdk="gradio",
        sdk_version=GRADIO,
        python_version=PYTHON,
        app_file="app.py",
        license="apache-2.0",
        short_description=textwrap.shorten(config["title"], SHORT, placeholder="…"),
        models=[config["base"]["id"], repository] if config["base"]["on_hub"] else [repository],
        datasets=[repository],
        tags=["spanish", "lora", "semillero"],
    )
    template = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(
        README.read_text(encoding="utf-8")
    )
    names = {"model": repository, "dataset": repository, "base": config["base"]["id"]}
    return f"---\n{front.to_yaml().strip()}\n---\n\n{template.render({**config, **names})}"
