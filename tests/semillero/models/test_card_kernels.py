"""Liger where it is, a sentence where it is not: a model that says it is on a card, and a Liger that listens."""

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from semillero.models.kernels import use_card_kernels


class OnCard:
    def __init__(self, kind: str, device: str = "cuda") -> None:
        self.config, self.device = SimpleNamespace(model_type=kind), SimpleNamespace(type=device)

    def parameters(self) -> Iterator[Any]:
        yield SimpleNamespace(device=self.device)


@pytest.fixture
def liger(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    patch = SimpleNamespace(
        MODEL_TYPE_TO_APPLY_LIGER_FN={"mistral": None},
        _apply_liger_kernel_to_instance=lambda **named: calls.append(named),
    )
    package, transformers = ModuleType("liger_kernel"), ModuleType("liger_kernel.transformers")
    transformers.monkey_patch = patch  # type: ignore[attr-defined]
    package.__spec__ = importlib.util.spec_from_loader("liger_kernel", None)
    monkeypatch.setitem(sys.modules, "liger_kernel", package)
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers", transformers)
    return calls


def test_a_known_model_gets_the_kernels_but_not_the_loss(liger: list[dict[str, Any]]) -> None:
    model = OnCard("mistral")
    assert use_card_kernels(model) == "Liger's kernels for mistral"
    assert liger == [{"model": model, "cross_entropy": False, "fused_linear_cross_entropy": False}]


def test_what_cannot_be_is_said(liger: list[dict[str, Any]]) -> None:
    assert "no kernels for mamba" in use_card_kernels(OnCard("mamba"))
    assert "no card" in use_card_kernels(OnCard("mistral", device="cpu"))
    assert liger == []


def test_without_liger_the_model_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "not installed" in use_card_kernels(OnCard("mistral"))
