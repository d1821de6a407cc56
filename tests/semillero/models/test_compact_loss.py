"""The compact loss is the plain loss: same value, same gradients, whatever the blocks."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM

from semillero.errors import TrainingError
from semillero.models import loss
from tests.tiny_model import tiny_base


@pytest.fixture(scope="module", params=["gemma3", "llama"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tiny_base(tmp_path_factory.mktemp("base"), request.param)
    return AutoModelForCausalLM.from_pretrained(folder).requires_grad_(False).train()


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    ids = torch.randint(6, 300, (3, 17))
    mask, labels = torch.ones_like(ids), ids.clone()
    mask[2, 12:], labels[2, 12:], labels[:, :5] = 0, -100, -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def adapted(model: Any) -> torch.nn.Parameter:
    """One trainable tensor deep in the model, as an adapter's would be."""
    weight: torch.nn.Parameter = model.model.layers[0].mlp.up_proj.weight
    weight.requires_grad_(True)
    weight.grad = None
    return weight


def plain(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), batch["labels"][:, 1:].flatten(), reduction="sum")


def test_value_and_gradient_are_those_of_the_plain_loss(
    model: Any, batch: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "COLUMNS", 50)  # several blocks, the last one shorter
    monkeypatch.setattr(loss, "ROWS", 7)
    assert_equal_to_plain(model, batch)


def test_capped_logits_too(tmp_path: Path, batch: dict[str, torch.Tensor]) -> None:
    gemma = AutoModelForCausalLM.from_pretrained(tiny_base(tmp_path), final_logit_softcapping=2.0)
    assert_equal_to_plain(gemma.requires_grad_(False), batch)


def assert_equal_to_plain(model: Any, batch: dict[str, torch.Tensor]) -> None:
    weight = adapted(model)
    expected = plain(model, batch)
    expected.backward()
    wanted = weight.grad.clone()
    weight.grad = None
    found, count = loss.answer_loss(model, batch)
    found.backward()
    assert count == int((batch["labels"][:, 1:] != -100).sum())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(weight.grad, wanted, rtol=1e-3, atol=1e-5)


def test_an_adapter_of_peft_gets_the_same_gradients(model: Any, batch: dict[str, torch.Tensor]) -> None:
    from peft import LoraConfig, get_peft_model

    lora = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    try:
        gradients = []
        for value in (plain(lora, batch), loss.answer_loss(lora, batch)[0]):
            lora.zero_grad()
            value.backward()
            gradients.append({n: p.grad.clone() for n, p in lora.named_parameters() if "lora" in n})
        assert gradients[0]
        for name, wanted in gradients[0].items():
            torch.testing.assert_close(gradients[1][name], wanted, rtol=1e-3, atol=1e-6)
    finally:
        lora.unload()


def test_sequences_add_up_and_match_each_alone(model: Any, batch: dict[str, torch.Tensor]) -> None:
    sums, counts = loss.sequence_losses(model, batch)
    total, count = loss.answer_loss(model, batch)
    assert counts.tolist() == [12, 12, 7]
    assert int(counts.sum()) == count
    torch.testing.assert_close(sums.sum(), total, rtol=1e-5, atol=1e-4)
    short = {name: tensor[2:, :12] for name, tensor in batch.items()}  # without its padding
    torch.testing.assert_close(loss.sequence_losses(model, short)[0][0], sums[2], rtol=1e-4, atol=1e-4)


def test_a_filtered_gradient_is_close_and_its_loss_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    head = torch.nn.Linear(32, 5000, bias=True).requires_grad_(False)
    head.weight.mul_(8)  # peaked, as a language model's predictions are
    labels = torch.randint(0, 5000, (40,))
    hidden = torch.randn(40, 32)
    results = []
    for filtered_from in (10_000, 100):
        monkeypatch.setattr(loss, "FILTERED_FROM", filtered_from)
        results.append(loss._walk_vocabulary(hidden, head, labels, 0.0, with_gradient=True))
    (exact, slopes), (value, filtered) = results
    assert torch.equal(exact, value)
    assert not torch.equal(slopes, filtered)
    assert (slopes - filtered).norm() / slopes.norm() < 0.01


def test_a_logit_far_out_does_not_overflow() -> None:
    head = torch.nn.Linear(2, 9000, bias=False).requires_grad_(False)
    hidden = torch.tensor([[3e4, -3e4]], requires_grad=True)
    value = loss._CompactCrossEntropy.apply(hidden, head, torch.tensor([8999]), 0.0)
    value.backward()
    torch.testing.assert_close(value.squeeze(), cross_entropy(head(hidden), torch.tensor([8999])))
    assert torch.isfinite(hidden.grad).all()


def test_a_trained_or_adapted_head_is_refused(model: Any, batch: dict[str, torch.Tensor]) -> None:
    head = model.get_output_embeddings()
    head.weight.requires_grad_(True)
    try:
        with pytest.raises(TrainingError, match="output head is trained"):
            loss.answer_loss(model, batch)
    finally:
        head.weight.requires_grad_(False)


def test_a_model_that_scales_its_logits_its_own_way_is_refused(model: Any, batch: dict[str, torch.Tensor]) -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.config, self.base_model = model, model.config, model.base_model
            self.get_output_embeddings = model.get_output_embeddings

        def forward(self, input_ids: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(logits=self.inner(input_ids=input_ids).logits * 9)

    loss.check_compact_loss(model, batch["input_ids"][0])
    with pytest.raises(TrainingError, match="not its head's output"):
        loss.check_compact_loss(Scaled(), batch["input_ids"][0])


def test_the_logits_of_all_tokens_never_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    widest = 0
    original = loss.linear

    def watched(*arguments: Any) -> torch.Tensor:
        nonlocal widest
        result = original(*arguments)
        widest = max(widest, result.numel())
        return result

    monkeypatch.setattr(loss, "linear", watched)
    head = torch.nn.Linear(8, 70_000, bias=False).requires_grad_(False)
    loss._CompactCrossEntropy.apply(torch.randn(600, 8), head, torch.zeros(600, dtype=torch.long), 0.0)
    assert 0 < widest <= loss.ROWS * loss.COLUMNS


def test_quantised_layers_keep_their_gradients_after_an_evaluation(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    from semillero.models.loading import load_base_model

    base = load_base_model(tiny_base(tmp_path / "base"), quantize=True, device="cpu")
    layers = [m for m in base.modules() if hasattr(m, "support_avx512bf16_for_cpu")]
    assert layers
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)
    lora = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "up_proj"], init_lora_weights=False))
    ids = torch.arange(10, 30).reshape(2, 10)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    gradients = []
    for _ in range(2):
        lora.train()
        lora.zero_grad()
        loss.answer_loss(lora, batch)[0].backward()
        gradients.append({n: p.grad.clone() for n, p in lora.named_parameters() if p.grad is not None})
        lora.eval()
        loss.sequence_losses(lora, batch)
    assert gradients[0]
    assert all(torch.equal(g, gradients[1][n]) and g.abs().sum() > 0 for n, g in gradients[0].items())
