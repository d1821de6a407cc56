"""What the arms built on stock trainers share: model, options, collator, callback."""

import tempfile
from typing import Any

from transformers import TrainerCallback

from benchmarks.training.job import ALPHA, RANK, TARGETS, Job, Result
from benchmarks.training.meter import Meter

PAD = 0


class Collator:
    """Pads to the longest row of the batch."""

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return ``input_ids``, ``attention_mask``, ``labels``."""
        from semillero.models.batches import collate

        return collate([(row["input_ids"], row["labels"]) for row in rows], self.pad_id)


class Marker(TrainerCallback):
    """Marks the beginning and each optimizer step."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def on_train_begin(self, *arguments: Any, **named: Any) -> None:
        """Mark the beginning."""
        self.meter.mark()

    def on_step_end(self, *arguments: Any, **named: Any) -> None:
        """Mark a step."""
        self.meter.mark()


def load_adapted(job: Job, result: Result, kbit: bool = True) -> tuple[Any, int]:
    """Return the model with a fresh adapter, and the padding token."""
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    from semillero.models.loading import choose_dtype

    card = torch.cuda.is_available()
    dtype = torch.float16 if card else choose_dtype("cpu", "")
    quantized = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    model = AutoModelForCausalLM.from_pretrained(
        str(job.base), dtype=dtype, attn_implementation="sdpa", device_map={"": "cuda:0" if card else "cpu"},
        **({"quantization_config": quantized} if job.method == "qlora" else {}),
    )  # fmt: skip
    model.config.use_cache = False
    if kbit and job.method == "qlora":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=card)
    torch.manual_seed(job.seed)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(TARGETS), task_type="CAUSAL_LM")
    model = get_peft_model(model.requires_grad_(False), config)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()  # float16 adapters crash in the loss scaler
    result.recomputed = model.config.num_hidden_layers if card else 0
    return model, PAD


def training_options(job: Job) -> dict[str, Any]:
    """Return what all stock trainers are told."""
    import torch

    card = torch.cuda.is_available()
    return {
        "output_dir": tempfile.mkdtemp(prefix="semillero-bench-"),
        "max_steps": job.steps,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "linear",
        "warmup_steps": 1,
        "weight_decay": 0.0,
        "optim": "paged_adamw_8bit" if card else "adamw_torch",
        "fp16": card,
        "bf16": False,
        "use_cpu": not card,
        "gradient_checkpointing": card,
        "save_strategy": "no",
        "report_to": "none",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": card,
        "seed": job.seed,
    }


def isolates(trainer: Any) -> str:
    """Tell whether the last document of a packed batch sees the first: other tokens there, same states here?"""
    import torch

    model = trainer.model
    batch = {name: value for name, value in next(iter(trainer.get_train_dataloader())).items() if name != "labels"}
    ids = batch["input_ids"]
    if "position_ids" not in batch:
        return "unknown (the batch says nothing of where documents begin)"
    starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    if len(starts) < 2:
        return "unknown (one document in the batch)"
    other = ids.clone()
    other[0, : starts[1]] = other[0, : starts[1]].roll(1) // 2 + 3
    model.eval()
    with torch.no_grad(), torch.autocast(ids.device.type, torch.float16, enabled=ids.device.type == "cuda"):
        first, second = (_last_hidden(model, {**batch, "input_ids": x})[0, starts[-1] :] for x in (ids, other))
    model.train()
    moved = ((first - second).abs().max() / first.abs().max()).item()
    return "yes" if moved < 1e-2 else f"NO (the last document's states move by {moved:.0%})"


def _last_hidden(model: Any, batch: dict[str, Any]) -> Any:
    body = model.get_base_model().base_model
    named = {name: value for name, value in batch.items() if name in ("input_ids", "position_ids")}
    return body(**named, use_cache=False).last_hidden_state.float()
