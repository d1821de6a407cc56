"""Fused adapters, fused norms and unpacked NF4 compute what the libraries' own layers compute."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from semillero.models.batches import collate
from semillero.models.loading import load_base_model, unpack_nf4
from semillero.models.lora import fuse_lora
from semillero.models.loss import answer_loss
from semillero.models.norms import fuse_norms
from tests.tiny_model import tiny_base

Answer = tuple[float, dict[str, torch.Tensor]]


@pytest.fixture(scope="module", params=["gemma3", "llama"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"), request.param)


def build(base: Path, quantize: bool = True, unpack: bool = False, **changes: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    model = load_base_model(base, quantize=quantize, device="cpu")
    if unpack:
        assert unpack_nf4(model) == 14
    torch.manual_seed(1)
    chosen = {"r": 4, "target_modules": ["q_proj", "v_proj", "up_proj", "down_proj"], "init_lora_weights": False}
    return get_peft_model(model, LoraConfig(**{**chosen, **changes})).train()


def answer(model: Any) -> Answer:
    torch.manual_seed(2)
    ids = torch.randint(6, 300, (3, 20)).tolist()
    value, _ = answer_loss(model, collate([(row, row) for row in ids], 0))
    value.backward()
    return value.item(), {name: p.grad for name, p in model.named_parameters() if p.requires_grad}


def assert_same(found: Answer, wanted: Answer) -> None:
    assert found[0] == pytest.approx(wanted[0], rel=1e-5)
    for name, gradient in wanted[1].items():
        assert (found[1][name] - gradient).norm() <= 1e-4 * gradient.norm(), name


@pytest.mark.parametrize("quantize", [True, False])
def test_fused_adapters(base: Path, quantize: bool) -> None:
    fused = build(base, quantize)
    assert fuse_lora(fused) == 8
    assert_same(answer(fused), answer(build(base, quantize)))


@pytest.mark.parametrize("fuse", [lambda model: fuse_norms(model), lambda model: fuse_lora(model) + fuse_norms(model)])
def test_fused_norms_on_unpacked_weights(base: Path, fuse: Callable[[Any], int]) -> None:
    fused = build(base, unpack=True)
    assert fuse(fused) >= 5
    assert_same(answer(fused), answer(build(base)))


def test_an_adapter_that_is_switched_off_leaves_the_base(base: Path) -> None:
    model = build(base)
    ids = torch.arange(10, 30).reshape(2, 10)
    with torch.no_grad(), model.disable_adapter():
        alone = model(input_ids=ids).logits
        fuse_lora(model)
        assert torch.equal(model(input_ids=ids).logits, alone)
    with torch.no_grad():
        assert not torch.equal(model(input_ids=ids).logits, alone)


@pytest.mark.parametrize("changes", [{"lora_dropout": 0.1}, {"use_dora": True}])
def test_adapters_that_are_more_than_lora_keep_their_own_forward(base: Path, changes: dict[str, Any]) -> None:
    assert fuse_lora(build(base, quantize=False, **changes)) == 0


def test_a_half_precision_product_answers_in_the_type_it_was_asked_in(base: Path) -> None:
    model = build(base)
    fuse_lora(model)
    layer = next(m for n, m in model.named_modules() if n.endswith("up_proj"))
    x = torch.randn(2, 3, 64, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    wanted = layer(x)
    assert found.dtype == x.dtype
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.05)
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32


def test_a_norm_that_computes_something_else_keeps_its_own() -> None:
    class ShiftedRMSNorm(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.eps = torch.nn.Parameter(torch.ones(8)), 1e-6

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 3.0

    assert fuse_norms(torch.nn.Sequential(ShiftedRMSNorm(), torch.nn.LayerNorm(8))) == 0
