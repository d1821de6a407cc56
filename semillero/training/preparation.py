"""What makes a loaded base fast, before and after the adapter is put on it. None of it changes what is computed.

Imports torch: for the training child only.
"""

from functools import partial
from typing import Any

import torch

from semillero.models.documents import NAME, attend_within_documents
from semillero.models.kernels import use_card_kernels
from semillero.models.loading import unpack_nf4
from semillero.models.lora import fuse_lora
from semillero.models.norms import fuse_norms
from semillero.training.spec import Layout


def prepare_base(base: Any, layout: Layout) -> None:
    """Unpack NF4 weights where the layout says so, and make attention take packs. Before peft wraps the layers."""
    if layout.unpacked:
        unpack_nf4(base)
    attend_within_documents(base)


def prepare_adapted(model: Any, layout: Layout) -> str:
    """Fuse adapters and norms, and recompute the layout's layers on the way back; return a sentence on the kernels."""
    kernels = use_card_kernels(model.get_base_model())
    fuse_lora(model)
    if next(model.parameters()).device.type == "cpu":
        fuse_norms(model)
    checkpoint_layers(model, layout.recomputed_layers)
    return kernels


def takes_packs(model: Any) -> bool:
    """Tell whether the model was prepared for packs (some attentions cannot be)."""
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    return bool(core.config.get_text_config()._attn_implementation == NAME)


def checkpoint_layers(model: Any, count: int) -> int:
    """Keep only the inputs of the first ``count`` decoder layers, and compute the rest again on the way back.

    The first ones: on the way back they come last, when the other layers' activations are gone already.

    Returns:
        How many layers do so; fewer than asked for where the model has fewer or cannot.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    for number, layer in enumerate(layers):
        layer.gradient_checkpointing = number < count
        layer._gradient_checkpointing_func = partial(torch.utils.checkpoint.checkpoint, use_reentrant=False)
    return min(count, len(layers))
