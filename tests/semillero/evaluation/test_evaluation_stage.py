import json
from collections.abc import Callable

import pytest
from safetensors.torch import load_file, save_file

from semillero.errors import EvaluationError
from semillero.evaluation import evaluate_adapter
from semillero.project import EvaluationSettings, TrainingSettings
from semillero.project.sources import Sources
from semillero.store import Artifact, Recipe, RunStore

Put = Callable[..., Artifact]


@pytest.fixture
def evaluate(
    store: RunStore, put_dataset: Put, training: TrainingSettings, evaluation: EvaluationSettings, sources: Sources
) -> Callable[..., Artifact]:
    def run(adapter: Artifact, dataset: Artifact | None = None, where: RunStore | None = None) -> Artifact:
        return evaluate_adapter(where or store, dataset or put_dataset(), adapter, training, evaluation, sources)

    return run


def test_report_has_every_section_and_says_plainly_which_is_better(
    store: RunStore, put_adapter: Put, evaluate: Callable[..., Artifact]
) -> None:
    artifact = evaluate(put_adapter())
    assert set(artifact.files) == {"evaluation.json", "evaluation.md", "samples.jsonl", "figures/evaluation.png"}
    assert dict(artifact.counts) == {"rows": 8, "answered": 5, "reserved": 3}
    report = json.loads((store.folder(artifact) / "evaluation.json").read_text())
    assert set(report["varieties"]) == {"ca", "es-AR", "es-MX"}
    assert report["overall"]["rows"] == 8
    assert report["overall"]["groups"] == 7
    assert report["reserved"]["rows"] == 3
    loss = report["overall"]["loss"]
    # A random adapter on a random base: better or worse by chance, but told as measured.
    assert report["better"] is (loss["difference"]["value"] < 0)
    assert loss["difference"]["value"] == pytest.approx(loss["tuned"]["value"] - loss["base"]["value"], abs=2e-6)
    assert loss["difference"]["low"] <= loss["difference"]["value"] <= loss["difference"]["high"]
    assert loss["rows"] == 8
    assert report["overall"]["chrf"]["rows"] == 5
    samples = [json.loads(line) for line in (store.folder(artifact) / "samples.jsonl").read_text().splitlines()]
    assert {sample["variety"] for sample in samples} == {"ca", "es-AR", "es-MX"}
    assert set(samples[0]) == {"id", "variety", "question", "reference", "base", "tuned"}
    text = (store.folder(artifact) / "evaluation.md").read_text()
    assert "## Por variedad · By variety" in text
    assert "{{" not in text
    facts = store.run_facts(artifact)
    assert facts["tokens_written_per_second"]["base"] > 0


def test_same_recipe_gives_the_same_bytes_and_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, put_adapter: Put, evaluate: Callable[..., Artifact], store: RunStore
) -> None:
    adapter = put_adapter()
    first = evaluate(adapter)
    assert evaluate(adapter).reused
    (store.folder(first) / "evaluation.md").unlink()  # damaged: made again, from nothing
    again = evaluate(adapter)
    assert not again.reused
    assert again.content == first.content


def test_an_adapter_that_changes_nothing_is_refused(put_adapter: Put, evaluate: Callable[..., Artifact]) -> None:
    with pytest.raises(EvaluationError, match="changes nothing"):
        evaluate(put_adapter(moved=False))


def test_an_adapter_of_nan_is_refused(store: RunStore, put_adapter: Put, evaluate: Callable[..., Artifact]) -> None:
    weights = store.folder(put_adapter()) / "adapter"
    with store.draft(Recipe("train", 1, {}, {"nan": True})) as draft:
        (draft.path / "adapter").mkdir()
        for path in weights.iterdir():
            (draft.path / "adapter" / path.name).write_bytes(path.read_bytes())
        tensors = load_file(weights / "adapter_model.safetensors")
        broken = {name: tensor * float("nan") for name, tensor in tensors.items()}
        save_file(broken, draft.path / "adapter" / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EvaluationError, match="tuned model's loss is not a number on 11 of 11"):
        evaluate(draft.artifact)


def test_an_empty_split_is_refused_before_a_model_is_loaded(
    put_adapter: Put, put_dataset: Put, evaluate: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semillero.evaluation.stage.load_pair", None)
    with pytest.raises(EvaluationError, match="no rows"):
        evaluate(put_adapter(), put_dataset(()))


def test_an_adapter_of_another_base_is_told(
    store: RunStore, put_adapter: Put, evaluate: Callable[..., Artifact]
) -> None:
    weights = store.folder(put_adapter()) / "adapter"
    with store.draft(Recipe("train", 1, {}, {"other": True})) as draft:
        (draft.path / "adapter").mkdir()
        for path in weights.iterdir():
            (draft.path / "adapter" / path.name).write_bytes(path.read_bytes())
        config = json.loads((weights / "adapter_config.json").read_text())
        config["r"] = 8
        (draft.path / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(EvaluationError, match="cannot be loaded"):
        evaluate(draft.artifact)


def test_loss_only_when_no_rows_are_to_be_answered(
    store: RunStore,
    put_adapter: Put,
    put_dataset: Put,
    training: TrainingSettings,
    evaluation: EvaluationSettings,
    sources: Sources,
) -> None:
    only_loss = evaluation.model_copy(update={"generate_rows": 0})
    none_reserved = sources.model_copy(update={"reserved": ()})
    artifact = evaluate_adapter(store, put_dataset(), put_adapter(), training, only_loss, none_reserved)
    report = json.loads((store.folder(artifact) / "evaluation.json").read_text())
    assert "loss" in report["overall"]
    assert "chrf" not in report["overall"]
    assert report["reserved"]["rows"] == 0


@pytest.mark.slow
def test_a_quantised_base_is_evaluated_as_it_was_trained(
    store: RunStore,
    put_adapter: Put,
    put_dataset: Put,
    training: TrainingSettings,
    evaluation: EvaluationSettings,
    sources: Sources,
) -> None:
    plain = evaluate_adapter(store, put_dataset(), put_adapter(), training, evaluation, sources)
    nf4 = training.model_copy(update={"method": "qlora"})
    quantised = evaluate_adapter(store, put_dataset(), put_adapter(), nf4, evaluation, sources)
    losses = [
        json.loads((store.folder(a) / "evaluation.json").read_text())["overall"]["loss"]["base"]["value"]
        for a in (plain, quantised)
    ]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], abs=0.2)
