"""One question, checked here and not only in the browser, answered by one model or by both."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from prompts import compose_question, render_prompt
from settings import CONFIG

if CONFIG["engine"] == "llama.cpp":
    from with_llama import ROOM, stream
else:
    from with_transformers import ROOM, stream

log = logging.getLogger("space")
ONE_AT_A_TIME = threading.Lock()  # base and tuned are one set of weights


class Unanswered(Exception):
    """Nothing was answered.

    Attributes:
        key: what to tell the visitor (``wording.json``).
        facts: what the text names.
    """

    def __init__(self, key: str, **facts: Any) -> None:
        super().__init__(key)
        self.key, self.facts = key, facts


def check_question(question: str) -> str:
    """Return the question without the space around it.

    Raises:
        Unanswered: it is empty or too long; the browser's limit is only a convenience.
    """
    question, limit = (question or "").strip(), CONFIG["chat"]["max_input_chars"]
    if not question:
        raise Unanswered("empty")
    if len(question) > limit:
        raise Unanswered("too_long", found=len(question), limit=limit)
    return question


def answer(question: str, models: Sequence[str], variety: str = "", register: str = "") -> Iterator[dict[str, str]]:
    """Yield the answers by model as they grow. Closing the iterator stops the model.

    Raises:
        Unanswered: the question cannot be asked, or generation failed.
    """
    prompt = render_prompt(compose_question(check_question(question), variety, register))
    if len(prompt) > ROOM:
        raise Unanswered("too_many_tokens")
    texts: dict[str, str] = {}
    with ONE_AT_A_TIME:
        try:
            with closing(stream(prompt, models)) as growing:
                for texts in growing:
                    texts = {model: text.strip() for model, text in texts.items()}
                    if any(texts.values()):
                        yield texts
        except Exception as error:
            log.exception("generation failed")
            raise Unanswered("failed") from error
    if not any(texts.values()):
        raise Unanswered("nothing")
