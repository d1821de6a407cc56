"""Which number types suit a card or processor: decided by its capability, never by asking whether it "supports" one.

``torch.cuda.is_bf16_supported()`` is true on a T4, through emulation that is many times slower. Compute capability 8.0
(A100, RTX 30) brings bfloat16 in hardware; below it products are float16, adapters float32 and the loss is scaled.
"""

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["float32", "bfloat16", "float16"]
BFLOAT16_FROM = (8, 0)  # compute capability; the same one brings FlashAttention
OVERFLOWS_FLOAT16 = ("gemma",)  # model types, by prefix, whose residual stream leaves float16's range (65,504)


@dataclass(frozen=True)
class Precision:
    """Number types of a training run; adapters are float32 everywhere.

    Attributes:
        weights: of what is not quantised: embedding, norms, head, and with them the residual stream.
        products: what NF4 weights are unpacked to and multiplied in.
        autocast: accelerate's name for it; ``no`` where weights and products are the same type.
        loss_scaled: whether gradients would vanish without a scaled loss.
        attention: the kernel that attention can expect at best.
    """

    weights: Dtype
    products: Dtype
    autocast: Literal["no", "bf16", "fp16"]
    loss_scaled: bool
    attention: Literal["flash", "memory-efficient", "processor"]


def choose_precision(
    capability: tuple[int, int] | None, model_type: str, fast_bfloat16: bool = False, whole: bool = False
) -> Precision:
    """Return the number types for a card, or for a CPU when ``capability`` is None.

    Args:
        capability: compute capability of the card, such as (7, 5).
        model_type: as in the model's configuration.
        fast_bfloat16: whether the CPU has bfloat16 instructions (AVX512-BF16, AMX).
        whole: float32 throughout, after a model left float16's range.
    """
    if capability is None:
        chosen: Dtype = "bfloat16" if fast_bfloat16 and not whole else "float32"
        return Precision(chosen, chosen, "no", False, "processor")
    attention: Literal["flash", "memory-efficient"] = "flash" if capability >= BFLOAT16_FROM else "memory-efficient"
    if whole:
        return Precision("float32", "float32", "no", False, "memory-efficient")
    if capability >= BFLOAT16_FROM:
        return Precision("bfloat16", "bfloat16", "bf16", False, attention)
    weights: Dtype = "float32" if model_type.startswith(OVERFLOWS_FLOAT16) else "float16"
    return Precision(weights, "float16", "fp16", True, attention)


def precision_here(capability: tuple[int, int] | None, model_type: str = "", whole: bool = False) -> Precision:
    """Return what `choose_precision` says, having looked at this machine's processor."""
    import torch

    fast = torch.cpu.get_capabilities() if capability is None else {}
    return choose_precision(capability, model_type, bool(fast.get("avx512_bf16") or fast.get("amx_bf16")), whole)
