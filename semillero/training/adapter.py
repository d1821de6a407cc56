"""The adapter: put on the base before training, checked and written after it.

Imports torch: for the training child only.
"""

import json
from pathlib import Path
from typing import Any

import torch

from semillero.errors import TrainingError
from semillero.models.loading import load_base_model
from semillero.training.preparation import prepare_adapted, prepare_base
from semillero.training.spec import Layout, TrainingSpec

UNCHANGED = 1e-8  # largest weight of the B matrices below which an adapter adds nothing
SAME_LOSS = 1e-6  # nats a token


def build_model(spec: TrainingSpec, device: str, layout: Layout | None = None) -> Any:
    """Load the base, in NF4 for ``qlora``, and put a fresh LoRA adapter on it (B = 0: it starts as the base).

    Raises:
        TrainingError: ``target_modules`` names no layer of the base.
    """
    from peft import LoraConfig, get_peft_model

    settings = spec.settings
    whole = torch.float32 if spec.attempt.precision == "float32" else None
    base = load_base_model(spec.base_folder, quantize=settings.method == "qlora", device=device, dtype=whole)
    if whole:
        for module in base.modules():
            if hasattr(module, "compute_dtype"):  # of NF4 layers: half precision on the cards that need this fallback
                module.compute_dtype = whole
    if layout:
        prepare_base(base, layout)
    config = LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=sorted(settings.target_modules),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(settings.seed)  # what was drawn while loading must not decide how the adapter begins
    try:
        model = get_peft_model(base, config)
    except ValueError as error:
        linear = {name.rsplit(".", 1)[-1] for name, m in base.named_modules() if isinstance(m, torch.nn.Linear)}
        raise TrainingError(
            f"no adapter fits the base model {spec.base.name}: {error}",
            f"training.target_modules among {', '.join(sorted(linear - {'lm_head'}))}",
        ) from None
    if layout:
        prepare_adapted(model, layout)
    return model


def trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that are trained, by name."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def check_adapter(model: Any, base_loss: float, tuned_loss: float) -> None:
    """Refuse an adapter that is broken or adds nothing.

    Raises:
        TrainingError: it holds NaN, its B matrices are zero, or the validation loss is the base's.
    """
    weights = trainable(model)
    broken = [name for name, p in weights.items() if not torch.isfinite(p).all()]
    if broken:
        raise TrainingError(f"the adapter holds numbers that are not finite ({broken[0]})", "", "lower learning_rate")
    largest = max(p.abs().max().item() for name, p in weights.items() if "lora_B" in name)
    if largest < UNCHANGED or abs(base_loss - tuned_loss) < SAME_LOSS:
        raise TrainingError(
            f"the adapter changed nothing: validation loss {base_loss:.6f} before and {tuned_loss:.6f} after",
            "another loss than the base model's",
            "raise training.learning_rate or train for more steps",
        )


def save_adapter(model: Any, tokenizer: Any, base_name: str, folder: Path) -> None:
    """Write the adapter as peft loads it, with the tokenizer and the chat template.

    Written here and not by ``save_pretrained``, which adds a card with template text, asks the Hub about the base, and
    orders sets differently in every process.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    tensors = {name: weights[name].detach().cpu().contiguous() for name in sorted(weights)}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = model.peft_config["default"].to_dict()
    # Whoever loads the adapter gets the public base, never a path of this machine.
    config |= {"base_model_name_or_path": base_name, "inference_mode": True}
    text = json.dumps(config, indent=2, sort_keys=True, default=_as_json)
    (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")
    tokenizer.save_pretrained(str(folder))


def _as_json(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
