"""Turns a GGUF into a safetensors folder with tokenizer and chat template.

``python -m semillero.models.conversion FOLDER NAME TARGET`` in a process of its own: it holds 3 GB for half a minute,
and nobody else should have to.
"""

import sys
from pathlib import Path


def convert_gguf(folder: Path, name: str, target: Path) -> None:
    """Write the GGUF ``folder/name``, dequantised, as a bfloat16 model folder that transformers loads as it is."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from semillero.models.chat import complete_tokenizer

    model = AutoModelForCausalLM.from_pretrained(
        str(folder), gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    # The weights are plain now; a folder that still says "gguf" would be loaded as packed blocks.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.save_pretrained(str(target))
    complete_tokenizer(AutoTokenizer.from_pretrained(str(folder), gguf_file=name)).save_pretrained(str(target))


if __name__ == "__main__":
    convert_gguf(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
