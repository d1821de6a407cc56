"""From a base's folder to a model in memory, in the precision that suits the processor or card.

Measured, and why the choices below are what they are:

- CPU without bfloat16 instructions: a bfloat16 matrix product runs at 0.5 to 10 GFLOP/s a core where float32 reaches 55
  to 80 (AVX2); float16 is as slow. With AVX512-BF16 or AMX, bfloat16 is the fast one.
- A card below compute capability 8.0 has no bfloat16, and Gemma 3's residual stream exceeds what float16 holds
  (`semillero.models.precision`).
- Frozen weights are never upcast: ``prepare_model_for_kbit_training`` would make embedding and norms float32, slower
  and larger.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semillero.errors import InputError
from semillero.models.precision import Precision, precision_here

if TYPE_CHECKING:
    import torch


def load_base_model(folder: Path, quantize: bool, device: str | None = None, dtype: "torch.dtype | None" = None) -> Any:
    """Load a causal language model, frozen and in ``eval()`` mode.

    Args:
        folder: from `semillero.models.base.resolve_base`.
        quantize: linear layers (without the head) in 4-bit NF4, twice quantised; needs bitsandbytes.
        device: ``cpu``, ``cuda:0`` …; the card if there is one by default.
        dtype: of the weights that are not quantised; by `choose_dtype` by default.

    Raises:
        InputError: the folder holds no model that can be loaded.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    device = device or default_device()
    config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    dtype = dtype or choose_dtype(device, config.model_type)
    options: dict[str, Any] = {"quantization_config": _nf4(device, dtype)} if quantize else {}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=dtype, device_map={"": device}, attn_implementation="sdpa", use_safetensors=True,
            local_files_only=True, trust_remote_code=False, **options,
        )  # fmt: skip
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{folder} cannot be loaded: {error}", "a causal language model as safetensors") from None
    keep_gradients_right(model)
    return model.requires_grad_(False).eval()


def keep_gradients_right(model: Any) -> None:
    """Stop bitsandbytes from repacking NF4 weights on AVX512-BF16 processors.

    One forward in ``eval()`` mode repacks them there for inference, and later training steps silently get zero
    gradients below the repacked layers.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def unpack_nf4(model: Any) -> int:
    """Replace each NF4 layer by a plain one with the same, unpacked numbers; return how many were.

    On a CPU NF4 saves memory alone: each forward and backward pass unpacks every layer anew.
    """
    import torch
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit

    packed = [(name, m) for name, m in model.named_modules() if isinstance(m, Linear4bit)]
    for name, layer in packed:
        weight = dequantize_4bit(layer.weight.data, layer.weight.quant_state)
        plain = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
        plain.weight, plain.bias = torch.nn.Parameter(weight, requires_grad=False), layer.bias
        model.set_submodule(name, plain)
    for holder in (model, model.config):  # or peft would look for 4-bit layers
        for mark in ("is_loaded_in_4bit", "is_quantized", "quantization_config", "hf_quantizer", "quantization_method"):
            vars(holder).pop(mark, None)
    return len(packed)


def default_device() -> str:
    """Return the CUDA device of this process (each of several training processes has its own), or the CPU."""
    import torch

    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"


def choose_dtype(device: str, model_type: str) -> "torch.dtype":
    """Return the type for weights that are not quantised (see `semillero.models.precision`)."""
    import torch

    dtype: torch.dtype = getattr(torch, find_precision(device, model_type).weights)
    return dtype


def find_precision(device: str, model_type: str = "", whole: bool = False) -> Precision:
    """Return the number types for a device by torch's name for it (see `semillero.models.precision`)."""
    import torch

    capability = torch.cuda.get_device_capability(device) if device.startswith("cuda") else None
    return precision_here(capability, model_type, whole)


def _nf4(device: str, dtype: "torch.dtype") -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    compute = torch.float16 if find_precision(device).products == "float16" else dtype
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )
