"""Training: a QLoRA adapter from a dataset's splits, in a child process that can be killed at any moment.

In: the dataset artifact's ``train.parquet`` and ``validation.parquet`` (their ``messages`` column). Out: an artifact
with ``adapter/``, ``training.json`` (facts and curves, no times) and ``figures/loss.png``.

The parent (`finetune_adapter`) writes a specification, starts ``python -m semillero.training SPEC``, shows its progress
and explains its end. The child needs torch, transformers, peft, accelerate, bitsandbytes, pydantic and polars; none of
the flows.
"""

from semillero.training.finetune import finetune_adapter

__all__ = ["finetune_adapter"]
