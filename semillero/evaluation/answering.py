"""Answers of base and tuned to the same questions, in batches, the likeliest token each time."""

import time
from collections.abc import Sequence
from typing import Any

from semillero.evaluation.pair import MODELS, acting_as
from semillero.models.chat import Message, render_prompt, stop_token_ids
from semillero.progress import track

BATCH = 20  # on a CPU, generation costs the same weights read for 1 row or 20


def answer_questions(
    model: Any, tokenizer: Any, conversations: Sequence[Sequence[Message]], max_new_tokens: int, batch: int = BATCH
) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Return each model's answers, in the order given, and how fast it wrote them (tokens a second).

    Args:
        model: from `semillero.evaluation.pair.load_pair`.
        tokenizer: likewise.
        conversations: messages of each row; the last one, the reference answer, is left out.
        max_new_tokens: longest answer.
        batch: rows answered together.
    """
    prompts = [render_prompt(tokenizer, messages[:-1]) for messages in conversations]
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))  # alike lengths together: less padding
    answers = {which: [""] * len(prompts) for which in MODELS}
    speed: dict[str, float] = {}
    with track("answering", total=2 * len(prompts)) as advance:
        for which in MODELS:
            start, written = time.perf_counter(), 0
            for first in range(0, len(order), batch):
                rows = order[first : first + batch]
                with acting_as(model, which):
                    replies = _generate(model, tokenizer, [prompts[i] for i in rows], max_new_tokens)
                for row, reply in zip(rows, replies, strict=True):
                    written += len(reply)
                    answers[which][row] = tokenizer.decode(reply, skip_special_tokens=True).strip()
                advance(len(rows))
            speed[which] = round(written / max(time.perf_counter() - start, 1e-9), 1)
    return answers, speed


def _generate(model: Any, tokenizer: Any, prompts: list[list[int]], max_new_tokens: int) -> list[list[int]]:
    """Return the new tokens of each prompt, without what follows its end."""
    import torch

    width = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    # Padded on the left: generation goes on from the last column, which must be every prompt's last token.
    ids = [[pad] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    stops = stop_token_ids(tokenizer)
    with torch.inference_mode():
        output = model.generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=stops,
            pad_token_id=pad,
        )
    replies = output[:, width:].tolist()
    return [reply[: next((i for i, t in enumerate(reply) if t in stops), len(reply))] for reply in replies]
