"""Models of a given shape with random weights, for cards: speed and memory do not depend on what weights say."""

import json
from pathlib import Path
from typing import Any

SHAPES = {
    "mistral-7b": "Mistral 7B's shape, 32,768 tokens, random weights",
    "gemma-2.5b": "a 2.5B shape with 256,000 tokens, random weights",
}


def write_random_model(name: str, folder: Path) -> int:
    """Write a model's weights (float16) and a tokenizer to ``folder``, once; return its vocabulary."""
    import torch
    from transformers import AutoModelForCausalLM

    config = _config(name)
    if not (folder / "bench.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
        model.save_pretrained(str(folder))
        del model
        _write_tokenizer(folder, config.vocab_size)
    vocabulary: int = config.vocab_size
    return vocabulary


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def _config(name: str) -> Any:
    from transformers import GemmaConfig, MistralConfig

    special = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    if name == "mistral-7b":
        return MistralConfig(vocab_size=32_768, sliding_window=None, max_position_embeddings=4096, **special)
    return GemmaConfig(
        vocab_size=256_000, hidden_size=2048, intermediate_size=16_384, num_hidden_layers=18, num_attention_heads=8,
        num_key_value_heads=1, head_dim=256, max_position_embeddings=4096, **special,
    )  # fmt: skip


def _write_tokenizer(folder: Path, vocabulary: int) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "<eos>": 1, "<bos>": 2, **{f"w{n}": n for n in range(3, 1000)}}
    plain = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>")
    tokenizer.save_pretrained(str(folder))
    (folder / "bench.json").write_text(json.dumps({"vocabulary": vocabulary}), encoding="utf-8")
