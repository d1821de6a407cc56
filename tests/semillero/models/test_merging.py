"""Merging: the merged model is the adapter's, and gradients after an evaluation are those without one."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from semillero.errors import TrainingError
from semillero.models import merging
from semillero.models.batches import collate
from semillero.models.chat import load_tokenizer
from semillero.models.loading import load_base_model
from semillero.models.loss import answer_loss, sequence_losses
from semillero.training.adapter import build_model, trainable
from semillero.training.rows import encode_split
from semillero.training.spec import TrainingSpec
from tests.tiny_model import tiny_base
from tests.training_child import tiny_spec, train_here


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base: Path) -> TrainingSpec:
    spec = tiny_spec(tmp_path_factory.mktemp("run"), base, lora_r=16, learning_rate=0.05)
    train_here(spec)
    return spec


def held_out(spec: TrainingSpec) -> list[Any]:
    return encode_split(spec.validation, load_tokenizer(spec.base_folder), 512).examples


def test_the_merged_model_is_the_adapters(tmp_path: Path, base: Path, trained: TrainingSpec) -> None:
    examples = held_out(trained)
    distance = merging.merge_adapter(base, trained.output / "adapter", True, tmp_path / "merged", examples)
    assert distance <= 0.001
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert "quantization_config" not in config
    report = json.loads((trained.output / "training.json").read_text())
    loaded = load_base_model(tmp_path / "merged", quantize=False, device="cpu")
    loss = merging.held_out_loss(loaded, examples, load_tokenizer(tmp_path / "merged").pad_token_id)
    assert loss == pytest.approx(report["validation_loss"], abs=0.001)
    assert abs(report["validation_loss"] - report["base_validation_loss"]) > 0.1  # so this proves something


def test_a_merge_that_is_another_model_is_refused(
    tmp_path: Path, base: Path, trained: TrainingSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.788, 3.47])
    monkeypatch.setattr(merging, "held_out_loss", lambda *_: next(losses))
    with pytest.raises(TrainingError, match=r"its held-out loss is 2\.6820"):
        merging.merge_adapter(base, trained.output / "adapter", True, tmp_path / "merged", held_out(trained))
    assert not (tmp_path / "merged").exists()


def test_gradients_after_an_evaluation_are_those_without_one(base: Path, trained: TrainingSpec) -> None:
    """On AVX512-BF16 processors bitsandbytes repacks NF4 weights in ``eval()`` and gradients below vanish silently."""

    def gradients(evaluated: bool) -> dict[str, torch.Tensor]:
        model = build_model(trained, "cpu")
        layers = [module for module in model.modules() if hasattr(module, "support_avx512bf16_for_cpu")]
        assert layers
        assert not any(layer.support_avx512bf16_for_cpu for layer in layers)
        batch = collate(held_out(trained), 0)
        torch.manual_seed(5)
        with torch.no_grad():
            for name, parameter in trainable(model).items():
                if "lora_B" in name:  # zero at the start, and then A would have no gradient
                    parameter.normal_(std=0.02)
        if evaluated:
            model.eval()
            sequence_losses(model, batch)
        model.train()
        torch.manual_seed(6)
        answer_loss(model, batch)[0].backward()
        return {name: p.grad for name, p in trainable(model).items() if p.grad is not None}

    without, after = gradients(evaluated=False), gradients(evaluated=True)
    assert len(without) == len(after) == len(trainable(build_model(trained, "cpu")))
    for name, gradient in without.items():
        assert torch.equal(gradient, after[name]), name
        assert gradient.abs().max() > 0, name
