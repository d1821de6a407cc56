"""Base and tuned from one set of weights: the adapter on or off."""

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semillero.errors import EvaluationError
from semillero.models.base import resolve_base
from semillero.models.chat import load_tokenizer
from semillero.models.loading import load_base_model
from semillero.project import TrainingSettings

MODELS = ("base", "tuned")
UNPACKED = 1e9  # parameters; up to here float32 weights fit beside everything else


@contextlib.contextmanager
def load_pair(adapter: Path, training: TrainingSettings) -> Iterator[tuple[Any, Any]]:
    """Yield (model, tokenizer), the base loaded as training loaded it (NF4 with qlora); frees the memory afterwards.

    Args:
        adapter: folder with the adapter, its tokenizer and chat template.
        training: the settings that made it.

    Raises:
        EvaluationError: the adapter cannot be loaded on its base.
    """
    import torch
    from peft import PeftModel

    threads = torch.get_num_threads()
    if training.threads:
        torch.set_num_threads(training.threads)
    base = resolve_base(training.base, training.base_revision, training.max_parameters)
    model = load_base_model(base.folder, quantize=training.method == "qlora")
    if training.method == "qlora" and base.parameters <= UNPACKED and model.device.type == "cpu":
        model = model.dequantize()  # the same numbers, unpacked once and not at every step
    try:
        model = PeftModel.from_pretrained(model, str(adapter)).eval()
    except (OSError, ValueError, RuntimeError) as error:
        raise EvaluationError(
            f"the adapter cannot be loaded on {base.name}: {error}", "", "run `semillero run` again: it is made anew"
        ) from None
    try:
        yield model, load_tokenizer(adapter)
    finally:
        del model
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        torch.set_num_threads(threads)


@contextlib.contextmanager
def acting_as(model: Any, which: str) -> Iterator[Any]:
    """Yield the model acting as ``base`` (adapter off) or ``tuned``."""
    if which == "tuned":
        yield model
    else:
        with model.disable_adapter():
            yield model
