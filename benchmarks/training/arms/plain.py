"""transformers' Trainer as commonly configured: dynamic padding, random batches, full logits.

Set up as tutorials do (``prepare_model_for_kbit_training``), with two favours: on a CPU no gradient checkpointing, and
products in float32 where the processor has no fast bfloat16.
"""

from typing import Any

from benchmarks.training.arms.stock import Collator, Marker, load_adapted, training_options
from benchmarks.training.job import Job, Result
from benchmarks.training.meter import Meter


def train(job: Job, rows: list[Any], result: Result) -> tuple[Any, Meter]:
    """Train; return the model and what was counted."""
    from transformers import Trainer, TrainingArguments

    model, pad_id = load_adapted(job, result)
    meter = Meter(model.get_base_model().base_model, pad_id)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            per_device_train_batch_size=job.micro,
            gradient_accumulation_steps=job.batch // job.micro,
            **training_options(job),
        ),
        train_dataset=[{"input_ids": ids, "labels": labels} for ids, labels in rows],  # type: ignore[arg-type]
        data_collator=Collator(pad_id),
        callbacks=[Marker(meter)],
    )
    trainer.train()
    return model, meter
