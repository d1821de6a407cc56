"""Number types by compute capability, on cards that are not here."""

import pytest

from semillero.models.precision import Precision, choose_precision

T4, A100, H100, P100 = (7, 5), (8, 0), (9, 0), (6, 0)


@pytest.mark.parametrize("card", [T4, P100])
def test_below_capability_8_products_are_float16_with_a_scaled_loss(card: tuple[int, int]) -> None:
    found = choose_precision(card, "mistral")
    assert found == Precision("float16", "float16", "fp16", loss_scaled=True, attention="memory-efficient")


@pytest.mark.parametrize("kind", ["gemma3_text", "gemma2", "gemma"])
def test_a_residual_stream_that_overflows_stays_float32_there(kind: str) -> None:
    found = choose_precision(T4, kind)
    assert (found.weights, found.products) == ("float32", "float16")


@pytest.mark.parametrize("card", [A100, H100])
def test_from_capability_8_everything_is_bfloat16(card: tuple[int, int]) -> None:
    assert choose_precision(card, "gemma3_text") == Precision("bfloat16", "bfloat16", "bf16", False, "flash")


def test_after_an_overflow_all_is_float32() -> None:
    found = choose_precision(T4, "mistral", whole=True)
    assert (found.weights, found.products, found.autocast, found.loss_scaled) == ("float32", "float32", "no", False)


@pytest.mark.parametrize(("fast", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_a_processor_uses_bfloat16_where_it_has_instructions_for_it(fast: bool, expected: str) -> None:
    found = choose_precision(None, "gemma3_text", fast_bfloat16=fast)
    assert (found.weights, found.products, found.autocast) == (expected, expected, "no")
    assert choose_precision(None, "x", fast_bfloat16=fast, whole=True).weights == "float32"


def test_an_emulated_bfloat16_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from semillero.models.loading import choose_dtype

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *a, **k: True)  # what a T4 says
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: T4)
    assert choose_dtype("cuda:0", "mistral") is torch.float16
    assert choose_dtype("cuda:0", "gemma3_text") is torch.float32
