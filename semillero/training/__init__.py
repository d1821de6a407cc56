"""Training: a QLoRA adapter from a dataset's splits, in a child process that can be killed at any moment.

In: the dataset artifact's ``train.parquet`` and ``validation.parquet`` (their ``messages`` column). Out: an artifact
with ``adapter/``, ``training.json`` (facts and curves, no times) and ``figures/loss.png``.

The parent (`finetune_adapter`) writes a specification, starts ``python -m semillero.training SPEC``, shows its
progress, explains its end, and starts it again where that helps. The child needs torch, transformers, peft, accelerate,
bitsandbytes, datasets, pydantic and what those bring along, so it also runs on a bare GPU machine.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semillero.training.finetune import finetune_adapter

__all__ = ["finetune_adapter"]


def __getattr__(name: str) -> Any:  # the child imports this package too, and must not need what the parent needs
    if name == "finetune_adapter":
        from semillero.training.finetune import finetune_adapter

        return finetune_adapter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
