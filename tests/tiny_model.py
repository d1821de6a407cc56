"""A base model small enough to train in seconds: untrained, 0.1 million parameters, with a tokenizer of its own.

Put it anywhere and name that folder as ``training.base``. The same seed gives the same bytes.
"""

from pathlib import Path

TEXT = (
    "¿Qué es la yerba mate? Es una infusión del Río de la Plata que se toma en ronda, con bombilla y agua caliente.",
    "¿Dónde nace el maíz? En Mesoamérica, hace nueve mil años; de él salen las tortillas, los tamales y el pozole.",
    "¿Qué se come en la costa? Pescado frito con patacones, arroz con coco y una limonada bien fría para el calor.",
    "Què és el pa amb tomàquet? Una llesca de pa torrat, fregada amb tomàquet madur, amb oli i sal per sobre.",
)


def tiny_base(folder: Path, kind: str = "gemma3", seed: int = 7) -> Path:
    """Write a tiny base model to ``folder`` and return it.

    Args:
        folder: made if missing.
        kind: ``gemma3`` (Gemma's turns, tied head) or ``llama`` (plain headings, a head of its own).
        seed: of the weights.
    """
    import torch
    from transformers import AutoModelForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _write_tokenizer(folder, turns=kind == "gemma3")
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(_config(kind, vocabulary), dtype=torch.float32)
    model.save_pretrained(str(folder))
    return folder


def _write_tokenizer(folder: Path, turns: bool) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<eos>", "<bos>", "<unk>", *(["<start_of_turn>", "<end_of_turn>"] if turns else [])]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT * 4, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
    fast.save_pretrained(str(folder))
    return len(fast)


def _config(kind: str, vocabulary: int):  # type: ignore[no-untyped-def]
    from transformers import Gemma3TextConfig, LlamaConfig

    shape = {
        "vocab_size": vocabulary, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 512,
        "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
    }  # fmt: skip
    if kind == "llama":
        return LlamaConfig(**shape, tie_word_embeddings=False)
    # layer_types would be derived; sliding_window exercises both kinds of attention mask.
    return Gemma3TextConfig(
        **shape, head_dim=32, sliding_window=64, layer_types=["sliding_attention", "full_attention"]
    )
