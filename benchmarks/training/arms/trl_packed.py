"""TRL's SFTTrainer at its best settings: best-fit packing without padding, its own loss in blocks, no fp32 casts."""

from typing import Any

from benchmarks.training.arms.stock import Marker, isolates, load_adapted, training_options
from benchmarks.training.data import ON_CARD, ON_CPU
from benchmarks.training.job import Job, Result
from benchmarks.training.meter import Meter
from benchmarks.training.shapes import load_tokenizer


def train(job: Job, rows: list[Any], result: Result, liger: bool = False) -> tuple[Any, Meter]:
    """Train; return the model and what was counted."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    model, pad_id = load_adapted(job, result, kbit=False)
    meter = Meter(model.get_base_model().base_model, pad_id)
    mean = sum(len(ids) for ids, _ in rows) / len(rows)
    # A pack. On a CPU not wider: its mask costs attention with the square of its width.
    width = ON_CARD.longest if job.gibibytes else 2 * ON_CPU.longest
    packs = max(1, round(job.batch * mean / width))  # as many mean tokens a step as the other arms
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            per_device_train_batch_size=packs, packing=True, packing_strategy="bfd", max_length=width,
            use_liger_kernel=liger, **training_options(job),
        ),
        train_dataset=Dataset.from_list([{"input_ids": ids, "labels": labels} for ids, labels in rows]),
        processing_class=load_tokenizer(job.base),
        callbacks=[Marker(meter)],
    )  # fmt: skip
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()  # TRL casts adapters to bfloat16
    result.notes.append(f"{packs} packs of {width} tokens a step; documents isolated: {isolates(trainer)}")
    trainer.train()
    return model, meter
