"""From chat messages to tokens: the one renderer that judging, training, evaluation and the demo share.

A base model with a chat template keeps its own. One without gets Gemma's turns when its vocabulary has them, else plain
headings. The template is saved beside the adapter, so whoever loads the adapter renders as we trained.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semillero.errors import InputError, TrainingError

Message = Mapping[str, str]
IGNORED = -100  # label of a token that is not learned (torch's own default)

TURNS = ("<start_of_turn>", "<end_of_turn>")  # a GGUF's tokenizer does not mark them as special
GEMMA_TEMPLATE = Path(__file__).with_name("gemma_chat.j2")
PLAIN_TEMPLATE = Path(__file__).with_name("plain_chat.j2")


def load_tokenizer(folder: Path) -> Any:
    """Load a tokenizer that has a chat template, an end-of-text and a padding token.

    Raises:
        InputError: the folder holds no usable tokenizer.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{folder} has no usable tokenizer: {error}", "tokenizer.json and its configuration") from None
    return complete_tokenizer(tokenizer)


def complete_tokenizer(tokenizer: Any) -> Any:
    """Give a tokenizer what it lacks of: a chat template, a padding token."""
    if tokenizer.eos_token is None:
        raise InputError("the base model's tokenizer has no end-of-text token", "an eos_token", "use another base")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding is masked, so any token will do
    if not tokenizer.chat_template:
        template = GEMMA_TEMPLATE if set(TURNS) <= set(tokenizer.get_vocab()) else PLAIN_TEMPLATE
        tokenizer.chat_template = template.read_text(encoding="utf-8")
    return tokenizer


def render_prompt(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Return the tokens of a conversation up to where the assistant is to answer.

    Args:
        tokenizer: from `load_tokenizer`.
        messages: ``{"role", "content"}`` each; the last one is the user's.

    Raises:
        TrainingError: the template writes more than one beginning-of-text token.
    """
    return _encode(tokenizer, _render(tokenizer, messages, prompt=True))


def render_example(tokenizer: Any, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
    """Return a conversation's tokens and labels.

    Labels are −100 everywhere but on the last answer and the token that ends its turn; what a template writes after
    that token (a newline) is cut off, because no model is ever asked for it.

    Args:
        tokenizer: from `load_tokenizer`.
        messages: ``{"role", "content"}`` each; the last one is the assistant's.

    Raises:
        TrainingError: the last message is not an answer, or prompt and answer do not part at a token's border.
    """
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise TrainingError(f"a row has {len(messages)} messages that do not end with an answer", "question and answer")
    prompt = render_prompt(tokenizer, messages[:-1])
    whole = _encode(tokenizer, _render(tokenizer, messages, prompt=False))
    if whole[: len(prompt)] != prompt:
        raise TrainingError(
            "the base model's chat template does not begin an answered conversation as it begins a prompt",
            "the prompt's tokens, then the answer's",
            "name another base model",
        )
    ends = [i for i in range(len(prompt), len(whole)) if whole[i] in _control_tokens(tokenizer)]
    if ends:
        whole = whole[: ends[-1] + 1]
    return whole, [IGNORED] * len(prompt) + whole[len(prompt) :]


def stop_token_ids(tokenizer: Any) -> list[int]:
    """Return the tokens at which generation ends: end of text, and the end of an assistant's turn."""
    ids, _ = render_example(tokenizer, [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])
    return sorted({tokenizer.eos_token_id} | ({ids[-1]} & set(_control_tokens(tokenizer))))


def _render(tokenizer: Any, messages: Sequence[Message], prompt: bool) -> str:
    clean = [{"role": m["role"], "content": _without_special_tokens(tokenizer, m["content"])} for m in messages]
    text: str = tokenizer.apply_chat_template(clean, tokenize=False, add_generation_prompt=prompt)
    return text


def _encode(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    if tokenizer.bos_token_id is not None and tokenizer.bos_token_id != tokenizer.eos_token_id:
        found = ids.count(tokenizer.bos_token_id)
        adds = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        if found > 1 or (found == 0 and adds):
            raise TrainingError(f"the chat template writes {found} beginning-of-text tokens", "exactly one")
    return ids


@functools.lru_cache(maxsize=4)
def _control_tokens(tokenizer: Any) -> dict[int, str]:
    """Return the tokens that steer rather than spell: begin, end, turns, padding."""
    added = tokenizer.added_tokens_decoder  # built anew at each access, thousands of entries in Gemma's
    return {number: str(token) for number, token in added.items() if token.special or str(token) in TURNS}


def _without_special_tokens(tokenizer: Any, text: str) -> str:
    # A row that spells "<end_of_turn>" must not end a turn: control tokens come from the template alone. Taking one out
    # can join the halves of another, hence the loop.
    spelled = _control_tokens(tokenizer).values()
    while found := [token for token in spelled if token in text]:
        for token in found:
            text = text.replace(token, "")
    return text
