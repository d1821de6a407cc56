"""Turns a GGUF into a safetensors folder with tokenizer and chat template.

``python -m semillero.models.conversion FOLDER NAME TARGET`` in a process of its own: it holds 3 GB for half a minute,
and nobody else should have to.
"""

import functools
import sys
from pathlib import Path


def convert_gguf(folder: Path, name: str, target: Path) -> None:
    """Write the GGUF ``folder/name``, dequantised, as a bfloat16 model folder that transformers loads as it is."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from semillero.models.chat import complete_tokenizer

    read_gguf_once()
    model = AutoModelForCausalLM.from_pretrained(
        str(folder), gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    # The weights are plain now; a folder that still says "gguf" would be loaded as packed blocks.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.save_pretrained(str(target))
    complete_tokenizer(AutoTokenizer.from_pretrained(str(folder), gguf_file=name)).save_pretrained(str(target))


def read_gguf_once() -> None:
    """Make gguf's reader three to ten times faster in this process.

    transformers opens the file for the configuration, the weights and the tokenizer, and each time the reader slices
    a memory map several times for each of 262,144 tokens, which is slow for a map and quick for a plain array.
    """
    import gguf
    import numpy

    numpy.memmap = lambda path, dtype=numpy.uint8, mode="r": numpy.fromfile(path, dtype)  # type: ignore[assignment, misc]
    gguf.GGUFReader = functools.cache(gguf.GGUFReader)


if __name__ == "__main__":
    convert_gguf(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
