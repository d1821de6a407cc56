"""From a model's reply to question and answer: strict about what is kept, tolerant of how it is wrapped.

A reply in JSON may come inside a code fence or a sentence, a reply in lines with its labels repeated, in bold or
between quotes. What is cut off, empty or copied from the examples is not usable, and nothing is invented to mend it.
"""

import json
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from semillero.generation.plan import BACKTRANSLATION
from semillero.generation.prompts import KEYS

LONGEST_REPLY = 64_000  # characters; what is longer is not an answer but a fault
LONGEST_QUESTION = 600
COPIED = 0.7  # share of a question's word pairs
ENDINGS = tuple(".?!…»\"”')")
DANGLING = re.compile(r"[.?!…]")
LABEL = re.compile(r"^[\s*_#>-]*(pregunta|respuesta|resposta)[\s*_]*:[\s*_]*", re.IGNORECASE)
ANSWER_LABEL = re.compile(r"^[\s*_#>-]*(respuesta|resposta)[\s*_]*:", re.IGNORECASE | re.MULTILINE)
NEXT_EXAMPLE = re.compile(r"^[\s*_#>-]*(texto?|tema)[\s*_]*:", re.IGNORECASE | re.MULTILINE)
WRAPPING = "\"'“”`*_ \t"


def parse_reply(technique: str, reply: str, known: Iterable[str]) -> dict[str, str] | None:
    """Return ``pregunta`` (and ``respuesta``, for self-instruct), or None when the reply is not usable.

    Args:
        technique: decides what must be there.
        reply: the model's text.
        known: the examples' instructions; a copy of one is not a new question.
    """
    if len(reply) > LONGEST_REPLY:
        return None
    found = _read_json(reply, KEYS[technique]) or _read_lines(reply, technique)
    if found is None:
        return None
    fields = {key: _clean(text) for key, text in found.items()}
    question = fields["pregunta"]
    if len(question) > LONGEST_QUESTION or not all(_is_whole(text) for text in fields.values()):
        return None
    if any(_is_copy(question, instruction) for instruction in known):
        return None
    return fields


def _read_json(reply: str, keys: tuple[str, ...]) -> dict[str, str] | None:
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        value: Any = json.loads(reply[start : end + 1], strict=False)  # models write raw newlines inside strings
    except ValueError:
        return None
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in keys):
        return None
    return {key: value[key] for key in keys}


def _read_lines(reply: str, technique: str) -> dict[str, str] | None:
    if reply.lstrip().startswith("{"):  # JSON that broke off is not a question
        return None
    beyond = NEXT_EXAMPLE.search(reply)
    text = reply[: beyond.start()] if beyond else reply
    label = ANSWER_LABEL.search(text)
    question = _first_line(text[: label.start()] if label else text)
    if question is None:
        return None
    if technique == BACKTRANSLATION:
        return {"pregunta": question}
    return {"pregunta": question, "respuesta": text[label.end() :]} if label else None


def _first_line(text: str) -> str | None:
    return next((line for line in text.splitlines() if LABEL.sub("", line).strip(WRAPPING)), None)


def _clean(text: str) -> str:
    text = LABEL.sub("", " ".join(text.split()))
    if text[:1] in "\"“`*_'" or text.endswith(("**", "`")):
        text = text.strip(WRAPPING)
    return text.strip()


def _is_whole(text: str) -> bool:
    """Tell whether a text has words and an end: what stops in mid-sentence was cut off."""
    return text.endswith(ENDINGS) and bool(DANGLING.search(text)) and sum(map(str.isalpha, text)) >= 8


def _is_copy(question: str, instruction: str) -> bool:
    """Tell whether most of a question's word pairs come from one example: a small model likes to repeat those."""
    asked, shown = _pairs(question), _pairs(instruction)
    return len(asked & shown) >= COPIED * len(asked)


def _pairs(text: str) -> set[tuple[str, str]]:
    words = re.findall(r"\w+", text.lower())
    return set(pairwise(["", *words]))
