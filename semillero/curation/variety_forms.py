"""Patterns that speak for or against a variety: its word lists (``words/varieties.yaml``) and its grammar.

They are matched against lower-case text without proper names and quotations.
"""

import re
from functools import lru_cache
from typing import Any

from semillero.curation.words import read_varieties, read_words

_OTHER = "|".join(read_words("not_voseo"))
# tenés, querés, cantás: stress on the last syllable. -rás and -rés are futures, -áis and -éis vosotros; vivís and decís
# are both, and prove nothing.
_VOSEO_PRESENT = rf"(?!(?:{_OTHER})\b)(?!\w+r[áé]s\b)\w{{2,}}[^aeiou\W][áé]s"
# Without their accent these would be tú forms; -á and -é alone are futures and preterites too, hence a list.
_VOSEO_IMPERATIVE = (
    r"mirá|fijate|acordate|imaginate|poné(?:le)?|andá|vení|dejá(?:lo|la)?|dejalo|dejala|agregá(?:le)?|agregale|agarrá|"
    r"llená|probá|resumí|describí|explicá|contá|elegí|pensá|imaginá|cortá|mezclá|cociná|buscá|usá|armá|prepará|llevá|"
    r"recordá|tené|sacá(?:le)?|sacale|esperá|tapalo|compará|redactá|hacé|decí|"
    r"(?:cont|explic|dec|hac|escrib|ayud|mostr|enseñ|pas|recomend|traduc|prepar|arm)(?:[aei])(?:me|nos|melo|selo)|"
    r"(?:qued|sent|llev|prepar|tranquiliz)ate"
)
_VOSOTROS_IMPERATIVE = (
    r"(?:mir|tened|ven|hac|pon|dec|prob|añad|dej|imagin|pens|record|cont|explic|llev|ech|cort|mezcl|eleg|escrib|busc)"
    r"(?:ad|ed|id)(?:me|nos|lo|la|los|las|le|les)?|(?:fij|acord|qued|prepar)aos|poneos"
)
_PARTICIPLE = r"\w+[ai]do|hecho|dicho|visto|puesto|escrito|vuelto|abierto|muerto|roto|ido"

GRAMMAR = {
    "voseo": rf"vos|sos|{_VOSEO_PRESENT}|{_VOSEO_IMPERATIVE}",
    "vosotros": (
        rf"vosotr[oa]s|vuestr[oa]s?|os [a-záéíóúñ]+|(?!(?:{_OTHER})\b)\w{{2,}}[áé]is|sois|vais|{_VOSOTROS_IMPERATIVE}"
    ),
    "ustedes": "ustedes",
    # The best single signal of es-ES in press text, and no more than a signal: Bolivia and Peru use it as well.
    "perfect": rf"(?:he|has|ha|hemos|habéis|han) (?:{_PARTICIPLE})",
}

Forms = dict[str, re.Pattern[str]]


@lru_cache(maxsize=64)
def find_forms(variety: str) -> tuple[Forms, Forms] | None:
    """Return the patterns (for, against) a variety by kind, or None when there are none for it."""
    entry = read_varieties().get(variety)
    if not isinstance(entry, dict):
        return None
    return _compile(entry.get("for", {})), _compile(entry.get("against", {}))


def _compile(entry: dict[str, Any]) -> Forms:
    forms = {}
    if words := entry.get("lexical"):
        listed = read_varieties().get(words, words)  # the name of a shared list, or a list
        forms["lexical"] = re.compile(rf"\b(?:{'|'.join(listed.split(', '))})\b")
    for name in entry.get("grammar", []):
        forms[name] = re.compile(rf"\b(?:{GRAMMAR[name]})\b")
    return forms
