"""The adapter as a GGUF file, which llama.cpp adds to a base of any quantisation.

The format has no prose specification; this writes what llama.cpp's `llama_adapter_lora` reads: ``general.type``
adapter, ``adapter.type`` lora, the scale's numerator, and two float16 matrices a layer under the base's tensor names.
"""

import json
from pathlib import Path
from typing import Any

from semillero.errors import InputError

# transformers' model types and gguf's architectures. Of Llama's kin, llama.cpp rotates neighbouring pairs where
# transformers rotates halves, so that rows of the query and key matrices change places.
ARCHITECTURES = {
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "llama": "llama",
    "mistral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
}
UNKNOWN = ("use_dora", "use_rslora", "alpha_pattern", "modules_to_save")  # settings of PEFT's that the format lacks
PREFIX = "base_model.model."  # PEFT's, before the base's own names
HEADS = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}


def write_adapter_gguf(adapter: Path, base_config: Path, target: Path) -> None:
    """Write ``target`` from a PEFT adapter. Equal adapters give equal bytes.

    Args:
        adapter: folder with `adapter_config.json` and `adapter_model.safetensors`.
        base_config: the base's `config.json`.
        target: the file to write.

    Raises:
        InputError: the base's architecture, or a part of the adapter, is not among those known here.
    """
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    base: dict[str, Any] = json.loads(base_config.read_text(encoding="utf-8"))
    base = base.get("text_config", base)
    settings = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    known = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    architecture = ARCHITECTURES.get(base.get("model_type", ""))
    if architecture is None or any(settings.get(name) for name in UNKNOWN):
        raise InputError(
            f"a {base.get('model_type')} adapter cannot be written for llama.cpp",
            f"a plain LoRA adapter of {', '.join(sorted(ARCHITECTURES))}",
            "remove demo.base_gguf: the demo then runs with transformers",
        )
    names = gguf.get_tensor_name_map(known[architecture], base["num_hidden_layers"])
    writer = gguf.GGUFWriter(target, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
    for key, matrix in sorted(load_file(adapter / "adapter_model.safetensors").items()):
        layer, _, half = key.removeprefix(PREFIX).removesuffix(".weight").rpartition(".lora_")
        name = names.get_name(f"{layer}.weight", try_suffixes=(".weight",))
        if name is None or half not in ("A", "B"):
            raise InputError(f"the adapter's {key} has no place in a GGUF", "LoRA matrices of linear layers")
        heads = HEADS.get(layer.rpartition(".")[2])
        if architecture == "llama" and half == "B" and heads:
            matrix = pair_neighbours(matrix, base[heads])
        writer.add_tensor(f"{name}.lora_{half.lower()}", matrix.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def pair_neighbours(matrix: Any, heads: int) -> Any:
    """Return the rows of a query or key matrix in llama.cpp's order: within a head, row i beside row i + half."""
    halves = matrix.reshape(heads, 2, matrix.shape[0] // heads // 2, *matrix.shape[1:])
    return halves.swapaxes(1, 2).reshape(matrix.shape)
