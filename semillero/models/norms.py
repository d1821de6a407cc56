"""RMS normalisation with one saved number a token, for processors.

As written in transformers the norm is seven passes over its input, each with a tensor kept for the way back; small
models with many norms (Gemma 3 has six a layer) spend a tenth of a step there. On a card Liger's kernel does the same.

Imports torch: import this module where it is used, not at the top of a light module.
"""

from types import MethodType
from typing import Any

import torch


def fuse_norms(model: Any) -> int:
    """Replace the forward of each RMS norm that computes what we compute; return how many were.

    Known by what they answer, not by their names: a norm whose answer differs on random input keeps its own.
    """
    found = 0
    for module in model.modules():
        weight, eps = getattr(module, "weight", None), _epsilon(module)
        if weight is None or eps is None or weight.dim() != 1 or weight.dtype != torch.float32:
            continue
        offset = next((o for o in (0.0, 1.0) if _agrees(module, weight, eps, o)), None)
        if offset is None:
            continue
        module.norm_offset, module.norm_eps = offset, eps
        module.forward = MethodType(_forward, module)
        found += 1
    return found


def _epsilon(module: Any) -> float | None:
    found = getattr(module, "eps", getattr(module, "variance_epsilon", None))
    return found if isinstance(found, float) and "rms" in type(module).__name__.lower() else None


@torch.no_grad()
def _agrees(module: Any, weight: torch.Tensor, eps: float, offset: float) -> bool:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(3, len(weight), generator=draw).to(weight.device)
    return torch.allclose(module(x), _RmsNorm.apply(x, weight, eps, offset), rtol=1e-5, atol=1e-6)  # type: ignore[no-untyped-call]


def _forward(self: Any, x: torch.Tensor) -> torch.Tensor:
    normed: torch.Tensor = _RmsNorm.apply(x, self.weight, self.norm_eps, self.norm_offset)  # type: ignore[no-untyped-call]
    return normed


class _RmsNorm(torch.autograd.Function):
    """x · rsqrt(mean(x²) + eps) · (weight + offset); the weight is frozen."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float, offset: float) -> torch.Tensor:
        scale = (torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_() / x.shape[-1]).add_(eps).rsqrt_()
        gain = weight + offset
        ctx.save_for_backward(x, scale, gain)
        return (x * scale).mul_(gain)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[Any, ...]:
        x, scale, gain = ctx.saved_tensors
        pull = upstream[0] * gain
        along = (pull * x).sum(-1, keepdim=True).mul_(scale.pow(3) / x.shape[-1])
        return pull.mul_(scale).addcmul_(x, along, value=-1.0), None, None, None
