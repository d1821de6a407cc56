"""From a question to tokens, exactly as in training: the adapter's own tokenizer and chat template."""

import os
from typing import Any

from settings import CONFIG
from transformers import AutoTokenizer

TOKENIZER = AutoTokenizer.from_pretrained(os.environ.get("SEMILLERO_ADAPTER") or CONFIG["adapter"]["id"])
CONTROL = {
    number: str(token)
    for number, token in TOKENIZER.added_tokens_decoder.items()
    if token.special or str(token) in ("<start_of_turn>", "<end_of_turn>")  # a GGUF's tokenizer leaves these unmarked
}


def compose_question(question: str, variety: str = "", register: str = "") -> str:
    """Return the question with a sentence that asks for a variety or a register; without either, as it was typed.

    The training rows name neither: their own wording carries both. The page says so.
    """
    wished = next((known for known in CONFIG["varieties"] if known["code"] == variety), None)
    if wished is None:
        request = CONFIG["registers"].get(register, "")
    else:
        request = wished["requests"].get(register, wished["requests"][""])
    return f"{question}\n\n{request}" if request else question


def render_prompt(question: str) -> list[int]:
    """Return the model's input. Control tokens come from the template alone: a question that spells one loses it."""
    while found := [token for token in CONTROL.values() if token in question]:
        for token in found:
            question = question.replace(token, "")
    turns = [{"role": "user", "content": question}]
    text = TOKENIZER.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return list(TOKENIZER(text, add_special_tokens=False)["input_ids"])


def find_stop_tokens(declared: Any = None) -> list[int]:
    """Return the ids that end an answer: the end of text, and what the chat template puts after an answer."""
    stops = {TOKENIZER.eos_token_id, *(declared if isinstance(declared, list) else [declared])}
    turns = [{"role": "user", "content": "pregunta"}, {"role": "assistant", "content": "respuesta"}]
    after = TOKENIZER.apply_chat_template(turns, tokenize=False).rpartition("respuesta")[2]
    first = TOKENIZER(after, add_special_tokens=False)["input_ids"][:1]
    stops.update(token for token in first if token in CONTROL)
    return sorted(token for token in stops if token is not None)
