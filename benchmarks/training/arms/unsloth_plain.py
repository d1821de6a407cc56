"""Unsloth as its notebooks run it: its own checkpointing, 8-bit AdamW, padded batches."""

from typing import Any

from benchmarks.training.arms.stock import PAD, Collator, Marker, isolates, training_options
from benchmarks.training.job import ALPHA, RANK, TARGETS, Job, Result
from benchmarks.training.meter import Meter
from benchmarks.training.shapes import load_tokenizer


def prepare() -> None:
    """Import Unsloth first: it patches transformers while that is imported."""
    import unsloth  # noqa: F401


def train(job: Job, rows: list[Any], result: Result, packed: bool = False) -> tuple[Any, Meter]:
    """Train; return the model and what was counted."""
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from unsloth import FastLanguageModel

    width = 2048
    model, _ = FastLanguageModel.from_pretrained(
        str(job.base), max_seq_length=width, dtype=torch.float16, load_in_4bit=True, local_files_only=True
    )
    model = FastLanguageModel.get_peft_model(
        model, r=RANK, lora_alpha=ALPHA, target_modules=list(TARGETS), lora_dropout=0, bias="none",
        use_gradient_checkpointing="unsloth", random_state=job.seed,
    )  # fmt: skip
    meter = Meter(model.get_base_model().base_model, PAD)
    mean = sum(len(ids) for ids, _ in rows) / len(rows)
    size = max(1, round(job.batch * mean / width)) if packed else job.micro
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            per_device_train_batch_size=size,
            gradient_accumulation_steps=1 if packed else job.batch // job.micro,
            packing=packed, max_length=width, **training_options(job),
        ),
        train_dataset=Dataset.from_list([{"input_ids": ids, "labels": labels} for ids, labels in rows]),
        data_collator=None if packed else Collator(PAD),
        processing_class=load_tokenizer(job.base),
        callbacks=[Marker(meter)],
    )  # fmt: skip
    result.recomputed = model.config.num_hidden_layers
    if packed:
        result.notes.append(f"{size} packs of {width} tokens a step; documents isolated: {isolates(trainer)}")
    trainer.train()
    return model, meter
