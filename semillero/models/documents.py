"""Attention inside documents: many sequences behind one another in a single row, with no padding and no mask.

Every product with weights runs over the real tokens alone; only attention looks at where documents begin, and works on
one document after the other. No token can see another document, because it is never given one; and nothing is
quadratic in the length of a pack. The masks that packing needs otherwise weigh and cost with its square.

Imports torch: import this module where it is used, not at the top of a light module.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from semillero.errors import TrainingError

NAME = "semillero_documents"  # of the attention, as transformers knows it
SAME_LOSS = 1e-3  # relative; in float16 the order of sums shows in the fourth digit


def attend_within_documents(model: Any) -> bool:
    """Make a model of transformers accept packs (`semillero.models.batches.pack`); False if it cannot.

    Padded batches with an ``attention_mask`` work as before. `check_packing` proves the result.

    Args:
        model: a causal language model without an adapter.
    """
    from transformers import AttentionInterface, AttentionMaskInterface

    config = model.config.get_text_config()
    if getattr(config, "attn_logit_softcapping", None) or getattr(config, "use_bidirectional_attention", False):
        return False
    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _mask)
    model.set_attn_implementation(NAME)
    return bool(config._attn_implementation == NAME)


@torch.no_grad()
def check_packing(model: Any, examples: Any, pad_id: int, device: str) -> None:
    """Compare the losses of a pack with those of its sequences padded.

    Raises:
        TrainingError: they differ: the model passes on something between documents.
    """
    from semillero.models.batches import collate, pack
    from semillero.models.loss import sequence_losses

    training = model.training
    model.eval()
    apart, _ = sequence_losses(model, collate(examples, pad_id, device))
    packed, _ = sequence_losses(model, pack(examples, device))
    model.train(training)
    worst = ((packed - apart).abs() / apart.abs().clamp(min=1.0)).max().item()
    if not worst < SAME_LOSS * 10 ** (packed.dtype != apart.dtype):
        raise TrainingError(
            f"packed sequences have another loss than the same ones apart (by {worst:.1e} of it)",
            f"at most {SAME_LOSS:g}",
            "name another training.base, and report this one: its attention passes something on between sequences",
        )


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    documents: tuple[int, ...] | None = None,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention, (rows, heads, tokens, width) in, (rows, tokens, heads, width) out."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is not None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    lengths = list(documents or (query.shape[2],))
    grouped = query.shape[1] != key.shape[1]
    found = [
        scaled_dot_product_attention(
            q, k, v, _window(q, sliding_window), dropout_p=dropout, scale=scaling, enable_gqa=grouped,
            is_causal=not sliding_window or q.shape[2] <= sliding_window,
        )
        for q, k, v in zip(*(x.split(lengths, dim=2) for x in (query, key, value)), strict=True)
    ]  # fmt: skip
    return torch.cat(found, dim=2).transpose(1, 2).contiguous(), None


def _window(query: torch.Tensor, width: int | None) -> torch.Tensor | None:
    """Return the mask of a document longer than the sliding window, else None (plain causal)."""
    length = query.shape[2]
    if not width or length <= width:
        return None
    ones = torch.ones(length, length, dtype=torch.bool, device=query.device)
    return ones.tril() & ones.triu(1 - width)


def _mask(*arguments: Any, attention_mask: torch.Tensor | None = None, **others: Any) -> torch.Tensor | None:
    from transformers.masking_utils import sdpa_mask

    return None if attention_mask is None else sdpa_mask(*arguments, attention_mask=attention_mask, **others)
