"""The memory plan: predictions that hold against what autograd keeps, and choices that make sense."""

from pathlib import Path
from typing import Any

import pytest
import torch

from semillero.errors import InputError
from semillero.models.batches import pack
from semillero.models.loading import load_base_model
from semillero.models.loss import answer_loss
from semillero.models.precision import choose_precision
from semillero.models.shape import Shape
from semillero.training.footprint import layer_bytes, weigh
from semillero.training.plan import Device, Need, Plan, plan_training, smaller, weigh_plan
from semillero.training.preparation import checkpoint_layers, prepare_adapted, prepare_base, takes_packs
from semillero.training.spec import Layout
from tests.tiny_model import tiny_base

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
MISTRAL = Shape.of(
    {
        "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "vocab_size": 32768, "model_type": "mistral", "tie_word_embeddings": False,
    }
)  # fmt: skip
T4 = Device("Tesla T4", 14.75, (7, 5))
NEED = Need(rank=16, targets=TARGETS, quantize=True, longest=2048, step_tokens=8192)


def plan_for(shape: Shape, device: Device, need: Need = NEED, budget: int | None = None) -> Plan:
    return plan_training(shape, device, need, choose_precision(device.capability, shape.model_type), budget)


def prepared(folder: Path, plan: Plan) -> Any:
    from peft import LoraConfig, get_peft_model

    base = load_base_model(folder, quantize=True, device="cpu")
    prepare_base(base, plan.layout)
    model = get_peft_model(base, LoraConfig(r=8, target_modules=list(TARGETS), init_lora_weights=False))
    prepare_adapted(model, plan.layout)
    return model.train()


def kept_bytes(model: Any, tokens: int) -> int:
    """Bytes of all distinct tensors that autograd keeps for one pack, weights left out."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    found: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and tensor.numel() >= tokens:
            found[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)  # or another tensor would get its address
        return tensor

    alive: list[torch.Tensor] = []
    ids = [7 + i % 200 for i in range(tokens)]
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        answer_loss(model, pack([(ids, [-100] * (tokens - 4) + ids[-4:])]))
    return sum(found.values())


@pytest.mark.parametrize("kind", ["gemma3", "llama"])
def test_a_layer_keeps_what_the_count_says(tmp_path: Path, kind: str) -> None:
    folder, tokens = tiny_base(tmp_path, kind), 60
    shape = Shape.read(folder)
    device = Device("CPU", 4.0)
    plan = plan_for(shape, device, Need(8, TARGETS, True, tokens, tokens))
    assert (plan.layout.recomputed_layers, plan.layout.unpacked, plan.fits) == (0, True, True)
    model = prepared(folder, plan)
    assert takes_packs(model)
    whole = kept_bytes(model, tokens)
    checkpoint_layers(model, 1)
    less = kept_bytes(model, tokens)
    counted = layer_bytes(shape, plan.precision, 8, TARGETS, fused_norms=True)
    # What recomputing one layer frees: all it kept but its input.
    freed = (whole - less) / tokens
    assert freed == pytest.approx(counted - 4 * shape.hidden, rel=0.15)


def test_recomputed_layers_give_the_same_gradients(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path)
    plan = plan_for(Shape.read(folder), Device("CPU", 4.0), Need(8, TARGETS, True, 60, 60))
    found = []
    for count in (0, 1, 2, 9):
        torch.manual_seed(0)
        model = prepared(folder, plan)
        assert checkpoint_layers(model, count) == min(count, 2)
        value, _ = answer_loss(model, pack([(list(range(10, 50)), list(range(10, 50)))] * 2))
        value.backward()
        found.append({n: p.grad for n, p in model.named_parameters() if p.requires_grad})
    assert all(torch.equal(g, other[n]) for other in found[1:] for n, g in found[0].items())


def test_a_7b_on_a_t4_fits_by_recomputing_no_more_than_it_must() -> None:
    plan = plan_for(MISTRAL, T4)
    assert plan.fits
    assert plan.footprint.peak <= T4.room < 15 * 2**30
    assert plan.layout.batch_tokens >= NEED.longest
    assert plan.layout.recomputed_layers > 0
    one_less = plan.layout.model_copy(update={"recomputed_layers": plan.layout.recomputed_layers - 1})
    fewer = weigh(MISTRAL, plan.precision, one_less, rank=16, targets=TARGETS, quantize=True, on_card=True)
    assert fewer.peak > T4.room


def test_more_memory_never_costs_more_work() -> None:
    works = [
        plan_for(MISTRAL, Device("a card", size, (8, 0))).work(32, NEED.step_tokens) for size in (16, 24, 40, 80, 141)
    ]
    assert works == sorted(works, reverse=True)
    assert works[-1] < 1.05


def test_what_cannot_fit_says_so_with_the_smallest_plan() -> None:
    plan = plan_for(MISTRAL, Device("a small card", 4.0, (7, 5)))
    assert not plan.fits
    assert plan.layout == Layout(batch_tokens=NEED.longest, recomputed_layers=32)


def test_the_ladder_gives_up_recomputing_first_and_ends() -> None:
    first = plan_for(MISTRAL, T4)
    rungs, layout = list[Layout](), first.layout
    while layout is not None:
        rungs.append(layout)
        layout = smaller(layout, MISTRAL, NEED)
    peaks = [weigh_plan(rung, MISTRAL, T4, NEED, first.precision).footprint.peak for rung in rungs]
    assert peaks == sorted(peaks, reverse=True)
    assert rungs[-1] == Layout(batch_tokens=NEED.longest, recomputed_layers=32)
    assert len(rungs) < 12


def test_a_chosen_budget_is_kept_but_holds_the_longest_row() -> None:
    assert plan_for(MISTRAL, T4, budget=4096).layout.batch_tokens == 4096
    assert plan_for(MISTRAL, T4, budget=256).layout.batch_tokens == NEED.longest


def test_shapes_are_read_from_configurations(tmp_path: Path) -> None:
    model = load_base_model(tiny_base(tmp_path), quantize=False, device="cpu")
    shape = Shape.read(tmp_path)
    assert shape.linear_parameters + shape.other_parameters == pytest.approx(model.num_parameters(), rel=0.01)
    assert MISTRAL.linear_parameters == pytest.approx(6.98e9, rel=0.01)
    assert MISTRAL.flops(32) / MISTRAL.flops(0) == pytest.approx(1.5, rel=0.02)
    with pytest.raises(InputError, match="lacks vocab_size"):
        Shape.of({"hidden_size": 1, "intermediate_size": 1, "num_hidden_layers": 1, "num_attention_heads": 1})
