"""Compact cross-entropy: loss on the answers' tokens without a (tokens × vocabulary) tensor of logits.

Only positions with a label pass through the output head, a few hundred at a time, and the gradient of the hidden
states is worked out on the way forward, so that no logits are kept for the way back. With a vocabulary of 262,144 the
plain way would hold 1 MB a token, three times over.

Imports torch: import this module where it is used, not at the top of a light module.
"""

from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear

from semillero.errors import TrainingError
from semillero.models.chat import IGNORED

ROWS = 256  # labelled positions at once
COLUMNS = 4096  # of the vocabulary at once on a CPU: such a block of logits stays in its cache. A GPU takes all
# A token that no row of a block finds likelier than this is left out of the block's gradient (CPU only). That skips 4
# in 5 of Gemma's 262,144 tokens and changes the gradient by 0.3 % of its norm (on Spanish prose); the loss stays exact.
# The idea is gradient filtering from Cut Cross-Entropy (Wijmans et al. 2024), which draws the line at 2.4e-4.
NEGLIGIBLE = 1e-4
FILTERED_FROM = 65_536  # vocabularies below this are cheap enough to leave whole

# Padded: input_ids, attention_mask, labels, (sequences, tokens). Packed: see `semillero.models.batches.pack`.
Batch = dict[str, torch.Tensor]


class _CompactCrossEntropy(torch.autograd.Function):
    """−log p(label) of each row. The head is frozen: it gets no gradient."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, head: torch.nn.Linear, labels: torch.Tensor, cap: float
    ) -> torch.Tensor:
        gradient = torch.empty_like(hidden, dtype=torch.float32) if hidden.requires_grad else None
        losses = torch.empty(len(labels), dtype=torch.float32, device=hidden.device)
        for start in range(0, len(labels), ROWS):
            part = slice(start, start + ROWS)
            losses[part], slopes = _walk_vocabulary(hidden[part], head, labels[part], cap, gradient is not None)
            if gradient is not None:
                gradient[part] = slopes
        ctx.gradient, ctx.dtype = gradient, hidden.dtype
        return losses

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        # Scaled in float32: in float16 a small gradient would vanish before the loss scale reaches it.
        return (ctx.gradient * upstream[0].unsqueeze(1)).to(ctx.dtype), None, None, None


def _walk_vocabulary(
    hidden: torch.Tensor, head: torch.nn.Linear, labels: torch.Tensor, cap: float, with_gradient: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row's −log p(label), and its gradient for the hidden states, in one walk over the vocabulary.

    The softmax is normalised as it goes (running maximum and sum, both rescaled when the maximum grows), as in
    FlashAttention (Dao et al. 2022).
    """
    hidden = hidden.to(head.weight.dtype)
    own = head.weight[labels].float()
    target = torch.zeros(len(labels), 1, dtype=torch.float32, device=hidden.device)
    # The label's own logit is a good first guess at the maximum: from the first block on, little passes the filter.
    top, mass = _cap((hidden.float() * own).sum(1, keepdim=True), cap), torch.zeros_like(target)
    pull = torch.zeros(hidden.shape, dtype=torch.float32, device=hidden.device)
    on_cpu = hidden.device.type == "cpu"
    filtered = on_cpu and head.out_features >= FILTERED_FROM
    step = COLUMNS if on_cpu else head.out_features
    for start in range(0, head.out_features, step):
        weight = head.weight[start : start + step]
        bias = None if head.bias is None else head.bias[start : start + step]
        logits = _cap(linear(hidden, weight, bias).float(), cap)
        here = labels.unsqueeze(1) - start
        inside = (here >= 0) & (here < len(weight))
        target = torch.where(inside, logits.gather(1, here.clamp(0, len(weight) - 1)), target)
        slope = 1 - (logits / cap) ** 2 if cap else None  # of the soft cap
        higher = torch.maximum(top, logits.amax(1, keepdim=True))
        shrink = (top - higher).exp_()
        weights = logits.sub_(higher).exp_()
        mass = mass * shrink + weights.sum(1, keepdim=True)
        top = higher
        if with_gradient:
            if slope is not None:
                weights *= slope
            if filtered:
                kept = (weights.amax(0) > NEGLIGIBLE).nonzero().flatten()
                weights, weight = weights[:, kept], weight[kept]
            pull = pull * shrink + (weights.to(weight.dtype) @ weight).float()
    if cap:
        own = own * (1 - (target / cap) ** 2)
    return (top + mass.log() - target).squeeze(1), pull / mass - own


def _cap(logits: torch.Tensor, cap: float) -> torch.Tensor:
    return torch.tanh(logits / cap) * cap if cap else logits


def answer_loss(model: Any, batch: Batch) -> tuple[torch.Tensor, int]:
    """Return the summed negative log-likelihood (nats) of a batch's labelled tokens, and how many they are.

    Args:
        model: a causal language model of transformers, plain or with a LoRA adapter.
        batch: see `Batch`; labels are −100 where nothing is learned.

    Raises:
        TrainingError: the output head is trained or adapted, which the compact loss does not support.
    """
    losses, _ = _label_losses(model, batch)
    return losses.double().sum().float(), len(losses)


def answer_losses(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return, for each sequence, the summed negative log-likelihood (nats) and the count of its labelled tokens.

    Args and Raises: see `answer_loss`.
    """
    losses, rows = _label_losses(model, batch)
    size = len(batch.get("documents", batch["input_ids"]))
    sums = torch.zeros(size, dtype=torch.float64, device=losses.device).index_add(0, rows, losses.double())
    return sums.float(), torch.bincount(rows, minlength=size)


@torch.no_grad()
def sequence_losses(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what `answer_losses` returns, without gradients. Set the model to ``eval()`` first if it has dropout."""
    return answer_losses(model, batch)


def _label_losses(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return −log p of each labelled token, and the number of its sequence."""
    hidden, head, labels, rows, cap = _supervised(model, batch)
    if head.weight.requires_grad:
        raise TrainingError("the output head is trained", "a frozen head", "leave lm_head out of target_modules")
    return _CompactCrossEntropy.apply(hidden, head, labels, cap), rows  # type: ignore[no-untyped-call]


def check_compact_loss(model: Any, input_ids: torch.Tensor) -> None:
    """Compare the compact loss with the model's own logits on a few tokens: some models scale theirs in other ways.

    Raises:
        TrainingError: they differ.
    """
    ids = input_ids.reshape(1, -1)[:, :16]
    training = model.training
    model.eval()
    with torch.no_grad():
        ours, count = answer_loss(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids})
        logits = model(input_ids=ids).logits[:, :-1].float()
    model.train(training)
    plain = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="sum")
    if not torch.isfinite(plain):
        raise TrainingError("the base model's loss is not a number before any training", "", "name another base model")
    if abs(ours - plain) > 0.02 * count * max(1.0, plain.item() / count):
        raise TrainingError(
            f"the base model's output is not its head's output (loss {ours / count:.3f} against {plain / count:.3f})",
            "a model whose logits are head(hidden), soft-capped or not",
            "name another base model",
        )


def _supervised(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.nn.Linear, torch.Tensor, torch.Tensor, float]:
    """Run the model below its head; return hidden states, head, labels and sequence numbers of labelled positions."""
    core = model.get_base_model() if hasattr(model, "get_base_model") else model  # LoRA sits inside the layers
    head = core.get_output_embeddings()
    if type(head) is not torch.nn.Linear:
        raise TrainingError(
            f"the output head is a {type(head).__name__}", "a plain Linear", "leave lm_head out of target_modules"
        )
    states = core.base_model(**_inputs(batch), use_cache=False).last_hidden_state
    labels = batch["labels"][:, 1:]
    rows, columns = (labels != IGNORED).nonzero(as_tuple=True)
    states, labels = states[rows, columns], labels[rows, columns]
    if "documents" in batch:
        numbers = torch.arange(len(batch["documents"])).repeat_interleave(batch["documents"])
        rows = numbers.to(columns.device)[columns]
    cap = getattr(core.config.get_text_config(), "final_logit_softcapping", None)
    return states, head, labels, rows, float(cap or 0.0)


def _inputs(batch: Batch) -> dict[str, Any]:
    if "documents" not in batch:
        return {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    # Without a mask, or transformers would take the row for one sequence.
    places = {"input_ids": batch["input_ids"], "position_ids": batch["position_ids"]}
    return {**places, "documents": tuple(batch["documents"].tolist())}
