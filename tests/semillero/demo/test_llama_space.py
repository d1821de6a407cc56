"""The page on llama.cpp, as a free CPU Space runs it: the embedded base, its adapter switched request by request."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client

from benchmarks.demo.__main__ import write_random_adapter
from semillero.demo import build_space, find_base, serve_space
from semillero.outputs import Outputs
from semillero.project import load_project
from semillero.store import Recipe, RunStore

pytestmark = pytest.mark.slow
QUESTION = "¿Qué es el tejate?"


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the quickstart's Space, whose adapter is random and loud, and whose model never guesses."""
    root = tmp_path_factory.mktemp("llama")
    store, project = RunStore(str(root / "store")), load_project(Path("projects/quickstart.yaml"))
    with store.draft(Recipe("train", 1, {}, {})) as draft:
        write_random_adapter(draft.path / "adapter", project)
        settings = draft.path / "adapter" / "adapter_config.json"
        loud = json.loads(settings.read_text()) | {"lora_alpha": 16 * project.training.lora_alpha}
        settings.write_text(json.dumps(loud))
    trained = draft.artifact
    demo = project.demo.model_copy(update={"hardware": "cpu-basic", "max_new_tokens": 16, "examples": (QUESTION,)})
    outputs = Outputs((trained,), trained, None, trained, trained, trained)
    made = build_space(store, project.model_copy(update={"demo": demo}), outputs)
    assert made is not None
    space = shutil.copytree(store.folder(made), root / "space")
    config = json.loads((space / "config.json").read_text())
    assert config["engine"] == "llama.cpp"
    config["chat"]["temperature"] = 0
    (space / "config.json").write_text(json.dumps(config))
    with serve_space(space, find_base(space, project), store.folder(trained) / "adapter", start_seconds=200) as url:
        yield Client(url, verbose=False)


def test_an_answer_streams_and_the_adapter_is_on_for_its_request_only(llama: Client) -> None:
    job = llama.submit(QUESTION, "tuned", api_name="/chat")
    tuned = job.result(timeout=120)
    parts = job.outputs()
    assert len(parts) > 3
    assert all(tuned.startswith(part) for part in parts)
    base, again = (llama.predict(QUESTION, which, api_name="/chat") for which in ("base", "tuned"))
    assert base
    assert base != tuned
    assert again == tuned


def test_a_visitor_who_leaves_gives_the_model_back(llama: Client) -> None:
    job = llama.submit("Cuéntame del son jarocho.", "base", api_name="/chat")
    while not job.outputs():
        assert not job.done()
    job.cancel()
    assert llama.predict(QUESTION, "base", api_name="/chat")


def test_what_cannot_be_answered_is_explained(llama: Client) -> None:
    assert "Escribe una pregunta" in llama.predict(" ", "tuned", api_name="/chat")
