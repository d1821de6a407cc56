"""Held-out loss of base and tuned, row by row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from semillero.errors import EvaluationError
from semillero.evaluation.pair import MODELS, acting_as
from semillero.models.batches import each_batch, plan_batches
from semillero.models.chat import Message, render_example
from semillero.progress import track

if TYPE_CHECKING:
    import numpy as np

UNCHANGED = 1e-5  # nats a token; an adapter that learned anything moves the loss by far more


def measure_losses(
    model: Any, tokenizer: Any, conversations: Sequence[Sequence[Message]], batch_tokens: int
) -> "tuple[dict[str, np.ndarray[Any, Any]], np.ndarray[Any, Any]]":
    """Return each row's summed negative log-likelihood (nats) by model, and its count of answer tokens.

    Args:
        model: from `semillero.evaluation.pair.load_pair`.
        tokenizer: likewise.
        conversations: messages of each row; the last one is the answer that is scored.
        batch_tokens: most tokens a batch holds, padding included.

    Raises:
        EvaluationError: a loss is not a number, or the adapter changes none of them.
    """
    import numpy as np

    from semillero.models.loss import sequence_losses

    examples = [render_example(tokenizer, messages) for messages in conversations]
    batches = plan_batches([len(ids) for ids, _ in examples], batch_tokens)
    nats = {which: np.zeros(len(examples)) for which in MODELS}
    tokens = np.zeros(len(examples))
    with track("held-out loss", total=2 * len(examples)) as advance:
        for rows, batch in each_batch(examples, batches, tokenizer.pad_token_id, str(model.device)):
            for which in MODELS:
                with acting_as(model, which):
                    sums, counts = sequence_losses(model, batch)
                nats[which][list(rows)] = sums.double().cpu().numpy()
                tokens[list(rows)] = counts.cpu().numpy()
                advance(len(rows))
    _check(nats, tokens)
    return nats, tokens


def _check(nats: "dict[str, np.ndarray[Any, Any]]", tokens: "np.ndarray[Any, Any]") -> None:
    import numpy as np

    for which, values in nats.items():
        bad = int((~np.isfinite(values)).sum())
        if bad:
            raise EvaluationError(
                f"the {which} model's loss is not a number on {bad} of {len(values)} rows",
                "finite losses",
                "train again with a lower learning_rate" if which == "tuned" else "name another training.base",
            )
    if float(np.abs(nats["tuned"] - nats["base"]).max()) <= UNCHANGED * float(tokens.max()):
        raise EvaluationError(
            "the adapter changes nothing: base and tuned have the same loss on every held-out row",
            "a tuned model that differs from its base",
            "look at training.json; train longer, or with a higher learning_rate",
        )
