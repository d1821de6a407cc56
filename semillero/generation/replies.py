"""From a model's reply to the fields that were asked for: strict about what is kept, tolerant of how it is wrapped.

A reply in JSON may come inside a code fence or a sentence, a reply in lines with its labels repeated, in bold or
between quotes. Such a reply is repaired, and says how (`REPAIRS`): a model that needs it often is a model to change.
What is cut off, empty or copied from the examples is not usable, and nothing is invented to mend it.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

Form = Literal["lines", "json"]

REPAIRS = {
    "other_form": "lines where JSON was asked for, or the reverse",
    "wrapped": "JSON inside a code fence or a sentence",
    "bad_json": "raw newlines inside strings, or a comma before a closing brace",
    "marked_up": "a label repeated, bold or quotes around a text",
    "went_on": "text after the end of what was asked for",
}

LONGEST_REPLY = 64_000  # characters; what is longer is not an answer but a fault
LONGEST_QUESTION = 600
COPIED = 0.7  # share of a question's word pairs
ENDINGS = tuple(".?!…»\"”')")
DANGLING = re.compile(r"[.?!…]")
TRAILING_COMMA = re.compile(r",\s*}")
WRAPPING = "\"'“”`*_ \t"
# How a model may write each key's label, in every language that prompts are worded in.
LABELS = {
    "pregunta": r"pregunta|pergunta|galdera",
    "respuesta": r"respuesta|resposta|erantzuna",
    "critica": r"cr[ií]tica|kritika",
    "orden": r"orden?|ordena|ordem|ordre",
}
LABEL_AT = re.IGNORECASE | re.MULTILINE
LINE_START = r"^[\s*_#>-]*"
LABEL = re.compile(rf"{LINE_START}(?:{'|'.join(LABELS.values())})[\s*_]*:[\s*_]*", re.IGNORECASE)


@dataclass(frozen=True)
class Parsed:
    """What a reply held.

    Attributes:
        fields: text by key, or None when the reply is not usable.
        repairs: what had to be repaired (`REPAIRS`), for a reply that is usable.
    """

    fields: dict[str, str] | None
    repairs: tuple[str, ...] = ()


def parse_reply(
    reply: str, keys: Sequence[str], form: Form, stop: str, known: Iterable[str] = (), reworks: bool = False
) -> Parsed:
    """Return the fields of a reply, or None when it is not usable.

    Args:
        reply: the model's text.
        keys: what must be there, in this order.
        form: in which form it was asked for.
        stop: the label that begins another example; a reply in lines ends there.
        known: questions that it has seen; a copy of one is not a new question.
        reworks: only the very same question counts as a copy.
    """
    if len(reply) > LONGEST_REPLY:
        return Parsed(None)
    repairs: set[str] = set()
    found = _read_json(reply, keys, repairs)
    if (found is not None) != (form == "json"):
        repairs.add("other_form")
    found = found or _read_lines(reply, keys, stop, repairs)
    if found is None:
        return Parsed(None)
    fields = {key: _clean(text, repairs) for key, text in found.items()}
    if not all(USABLE[key](text) for key, text in fields.items()):
        return Parsed(None)
    share = 1.0 if reworks else COPIED
    if "pregunta" in fields and any(_is_copy(fields["pregunta"], question, share) for question in known):
        return Parsed(None)
    if "orden" in fields:
        fields["orden"] = ", ".join(re.findall(r"\d+", fields["orden"]))
    return Parsed(fields, tuple(name for name in REPAIRS if name in repairs))


def _read_json(reply: str, keys: Sequence[str], repairs: set[str]) -> dict[str, str] | None:
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or end < start:
        return None
    text = reply[start : end + 1]
    try:
        value: Any = json.loads(text)
    except ValueError:
        try:
            value = json.loads(TRAILING_COMMA.sub("}", text), strict=False)
        except ValueError:
            return None
        repairs.add("bad_json")
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in keys):
        return None
    if reply.strip() != text:
        repairs.add("wrapped")
    return {key: value[key] for key in keys}


def _read_lines(reply: str, keys: Sequence[str], stop: str, repairs: set[str]) -> dict[str, str] | None:
    if reply.lstrip().startswith("{"):  # JSON that broke off is not a question
        return None
    text = _cut_off(reply, keys[0], stop, repairs)
    found: dict[str, str] = {}
    for key, following in pairwise([*keys, ""]):
        label = re.search(rf"{LINE_START}(?:{LABELS[following]})[\s*_]*:", text, LABEL_AT) if following else None
        if following and not label:
            return None
        found[key], text = (text[: label.start()], text[label.end() :]) if label else (text, "")
    if "pregunta" in found:
        lines = [line for line in found["pregunta"].splitlines() if LABEL.sub("", line).strip(WRAPPING)]
        if not lines:
            return None
        if len(lines) > 1:
            repairs.add("went_on")
        found["pregunta"] = lines[0]
    return found


def _cut_off(reply: str, first: str, stop: str, repairs: set[str]) -> str:
    """Return the reply up to where it begins another example."""
    text = reply.lstrip()
    own = re.match(rf"{LINE_START}(?:{LABELS[first]})[\s*_]*:", text, re.IGNORECASE)
    for label in re.finditer(rf"{LINE_START}{re.escape(stop)}[\s*_]*:", text, LABEL_AT):
        if label.start() > 0 or not own:  # at the very start it may be the first text's label, said again
            repairs.add("went_on")
            return text[: label.start()]
    return text


def _clean(text: str, repairs: set[str]) -> str:
    words = " ".join(text.split())
    clean = LABEL.sub("", words)
    if clean[:1] in "\"“`*_'" or clean.endswith(("**", "`")):
        clean = clean.strip(WRAPPING)
    if clean != words:
        repairs.add("marked_up")
    return clean.strip()


def _is_whole(text: str) -> bool:
    """Tell whether a text has words and an end: what stops in mid-sentence was cut off."""
    return text.endswith(ENDINGS) and bool(DANGLING.search(text)) and sum(map(str.isalpha, text)) >= 8


def _is_ranking(text: str) -> bool:
    """Tell whether a text names the places from 1 on, each once, at least two."""
    places = sorted(map(int, re.findall(r"\d{1,3}", text)))
    return len(places) > 1 and places == list(range(1, len(places) + 1))


USABLE: Mapping[str, Callable[[str], bool]] = {
    "pregunta": lambda text: _is_whole(text) and len(text) <= LONGEST_QUESTION,
    "respuesta": _is_whole,
    "critica": _is_whole,
    "orden": _is_ranking,
}


def _is_copy(question: str, shown: str, share: float) -> bool:
    """Tell whether most of a question's word pairs come from one that was shown: small models like to repeat those."""
    asked, known = _pairs(question), _pairs(shown)
    return len(asked & known) >= share * len(asked)


@lru_cache(maxsize=4096)  # many items show the same examples
def _pairs(text: str) -> frozenset[tuple[str, str]]:
    words = re.findall(r"\w+", text.lower())
    return frozenset(pairwise(["", *words]))
