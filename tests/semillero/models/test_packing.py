"""Packs: every row once, no padding, and the loss and gradients of the same rows apart."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semillero.errors import TrainingError
from semillero.models import documents
from semillero.models.batches import collate, pack, plan_epoch, plan_packs
from semillero.models.loading import load_base_model
from semillero.models.loss import answer_loss, sequence_losses
from tests.tiny_model import tiny_base

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 20), st.integers(64, 600), st.integers(0, 5))
def test_packs_hold_every_row_once_within_the_budget(lengths: list[int], size: int, budget: int, seed: int) -> None:
    steps = plan_packs(lengths, size, budget, seed, 0)
    assert sorted(row for step in steps for pack in step for row in pack) == list(range(len(lengths)))
    assert all(len(p) == 1 or sum(lengths[i] for i in p) <= budget for step in steps for p in step)
    assert all(p for step in steps for p in step)
    apart = plan_epoch(lengths, size, budget, seed, 0)
    of_step = [[sorted(row for batch in step for row in batch) for step in plan] for plan in (steps, apart)]
    assert of_step[0] == of_step[1]  # the same rows learn together, packed or not


def test_a_step_is_cut_into_few_and_even_packs() -> None:
    (step,) = plan_packs([100, 90, 60, 50, 40, 30, 20, 10], 8, 256, 1, 0)
    assert len(step) == 2
    assert sorted(sum([100, 90, 60, 50, 40, 30, 20, 10][i] for i in p) for p in step) == [200, 200]


@pytest.fixture(scope="module", params=["gemma3", "llama"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from peft import LoraConfig, get_peft_model

    base = load_base_model(tiny_base(tmp_path_factory.mktemp("base"), request.param), quantize=False, device="cpu")
    assert documents.attend_within_documents(base)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False)
    return get_peft_model(base, config)


@pytest.fixture
def examples() -> list[Any]:
    draw = random.Random(5)
    rows = [[draw.randrange(6, 300) for _ in range(n)] for n in (100, 30, 7, 70, 65, 2)]  # 100 > the sliding window, 64
    return [(ids, [-100] * (len(ids) // 3) + ids[len(ids) // 3 :]) for ids in rows]


def test_loss_and_gradients_are_those_of_the_rows_apart(model: Any, examples: list[Any]) -> None:
    found = []
    model.train()
    for batch in (collate(examples, 0), pack(examples)):
        model.zero_grad()
        value, count = answer_loss(model, batch)
        value.backward()
        found.append((value.item(), count, {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}))
    (apart, counted, wanted), (packed, count, gradients) = found
    assert count == counted == sum(label != -100 for _, labels in examples for label in labels[1:])
    assert packed == pytest.approx(apart, rel=1e-6)
    for name, gradient in wanted.items():
        assert (gradients[name] - gradient).norm() <= 1e-5 * gradient.norm(), name


def test_each_document_has_the_loss_it_has_alone(model: Any, examples: list[Any]) -> None:
    model.eval()
    sums, counts = sequence_losses(model, pack(examples))
    alone = [sequence_losses(model, collate([example], 0)) for example in examples]
    torch.testing.assert_close(sums, torch.cat([s for s, _ in alone]), rtol=1e-5, atol=1e-4)
    assert counts.tolist() == [int(c) for _, c in alone]


def test_no_document_sees_another(model: Any, examples: list[Any]) -> None:
    model.eval()
    before, _ = sequence_losses(model, pack(examples))
    changed = [([9] * len(examples[0][0]), examples[0][1]), *examples[1:]]
    after, _ = sequence_losses(model, pack(changed))
    assert not torch.equal(before[:1], after[:1])
    assert torch.equal(before[1:], after[1:])


def test_a_model_that_mixes_documents_is_refused(
    model: Any, examples: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    documents.check_packing(model, examples, 0, "cpu")

    def one_document(*arguments: Any, documents: Any = None, **others: Any) -> Any:
        return original(*arguments, **others)

    original = documents._attend
    from transformers import AttentionInterface

    AttentionInterface.register(documents.NAME, one_document)
    try:
        with pytest.raises(TrainingError, match="packed sequences have another loss"):
            documents.check_packing(model, examples, 0, "cpu")
    finally:
        AttentionInterface.register(documents.NAME, original)


def test_attention_that_cannot_be_packed_keeps_its_own(tmp_path: Path) -> None:
    base = load_base_model(tiny_base(tmp_path), quantize=False, device="cpu")
    base.config.attn_logit_softcapping = 50.0
    assert not documents.attend_within_documents(base)
    assert base.config._attn_implementation == "sdpa"
