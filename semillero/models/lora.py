"""One product for a frozen layer and its LoRA adapter, forward and backward.

peft adds the adapter's part as operations of their own: a clone of the layer's output, a scaled copy, a sum, and the
same again on the way back, each a pass over a tensor as large as the layer's output. Here the adapter's two thin
products are accumulated straight into the layer's (``addmm``), in both directions. Same result, fewer passes, nothing
saved that peft would not save. The derivation is the usual one: y = xWᵀ + s·(xAᵀ)Bᵀ.

Imports torch: import this module where it is used, not at the top of a light module.
"""

from types import MethodType
from typing import Any

import torch
from torch.nn.functional import linear


def fuse_lora(model: Any) -> int:
    """Replace the forward of each plain LoRA layer of a peft model; return how many were.

    Layers with dropout, DoRA or several adapters keep peft's. So does any layer while adapters are switched off.
    """
    from peft.tuners.lora.layer import LoraLayer

    layers = [module for module in model.modules() if isinstance(module, LoraLayer) and _is_plain(module)]
    for layer in layers:
        layer.forward = MethodType(_forward, layer)  # type: ignore[method-assign]
    return len(layers)


def _is_plain(layer: Any) -> bool:
    (name, *others) = layer.lora_A.keys() or [""]
    base = layer.get_base_layer()
    return (
        bool(name)
        and not others
        and isinstance(layer.lora_dropout[name], torch.nn.Identity)
        and name not in getattr(layer, "lora_variant", {})
        and isinstance(base, torch.nn.Linear)
        and not base.weight.requires_grad
        and layer.lora_A[name].bias is None
        and layer.lora_B[name].bias is None
        and layer.lora_A[name].weight.dtype == torch.float32
    )


def _forward(self: Any, x: torch.Tensor, *others: Any, **named: Any) -> torch.Tensor:
    if self.disable_adapters or self.merged or others or named:
        unfused: torch.Tensor = type(self).forward(self, x, *others, **named)
        return unfused
    base = self.get_base_layer()
    (name,) = self.lora_A.keys()
    state = getattr(base.weight, "quant_state", None)
    product: torch.Tensor = _LoraProduct.apply(
        x, base.weight, state, base.bias, self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name],
        _compute_dtype(base, x),
    )  # type: ignore[no-untyped-call]  # fmt: skip
    # As bitsandbytes does: a 4-bit layer answers in the type it was asked in.
    return product if state is None else product.to(x.dtype)


def _compute_dtype(base: Any, x: torch.Tensor) -> torch.dtype:
    if torch.is_autocast_enabled(x.device.type):
        return torch.get_autocast_dtype(x.device.type)
    found = getattr(base, "compute_dtype", None) or (x.dtype if hasattr(base.weight, "quant_state") else None)
    dtype: torch.dtype = found or base.weight.dtype
    return dtype


def _weight(weight: torch.Tensor, state: Any, dtype: torch.dtype) -> torch.Tensor:
    if state is not None:
        from bitsandbytes.functional import dequantize_4bit

        weight = dequantize_4bit(weight.data, state)
    return weight.to(dtype)


class _LoraProduct(torch.autograd.Function):
    """``x`` (…, in) to (…, out); gradients for x, A and B. The frozen weight is unpacked anew in each direction."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, state: Any, bias: torch.Tensor | None, a: torch.Tensor,
        b: torch.Tensor, scale: float, dtype: torch.dtype,
    ) -> torch.Tensor:  # fmt: skip
        with torch.autocast(x.device.type, enabled=False):
            flat = x.reshape(-1, x.shape[-1]).to(dtype)
            low = flat @ a.to(dtype).t()  # (tokens, rank)
            out = linear(flat, _weight(weight, state, dtype), None if bias is None else bias.to(dtype))
            out.addmm_(low, b.to(dtype).t(), alpha=scale)
        ctx.save_for_backward(flat, low, weight, a, b)
        ctx.state, ctx.scale, ctx.shape, ctx.dtype = state, scale, x.shape, x.dtype
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[Any, ...]:
        flat, low, weight, a, b = ctx.saved_tensors
        dtype = flat.dtype
        gradient = upstream[0].reshape(-1, upstream[0].shape[-1]).to(dtype)
        back = gradient @ b.to(dtype)  # (tokens, rank), scaled where it is used
        grad_b = (gradient.t() @ low).float().mul_(ctx.scale)
        grad_a = (back.t() @ flat).float().mul_(ctx.scale)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = gradient @ _weight(weight, ctx.state, dtype)
            grad_x.addmm_(back, a.to(dtype), alpha=ctx.scale)
            grad_x = grad_x.view(ctx.shape).to(ctx.dtype)
        return grad_x, None, None, None, grad_a, grad_b, None, None
