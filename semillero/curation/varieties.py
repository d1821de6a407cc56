"""Markers of a variety: how often texts speak for it, and how often against it. Rates over many texts, never a verdict.

Most texts hold no marker, and that says nothing: "no marker" is not "the wrong variety". Evidence in es-AR is voseo; a
contradiction is *vosotros*. Quotations and proper names are masked: a text about grammar that quotes «vosotros», or
one about a Don Pibe, does not use the form.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from semillero.curation.variety_forms import find_forms

QUOTED = re.compile(r"«[^»]*»|“[^”]*”|\"[^\"\n]*\"")
# A capital inside a sentence opens a proper name; a lower-case link joins its parts (Ciudad de México).
NAME = re.compile(
    r"(?<=[\w,;)] )[A-ZÁÉÍÓÚÀÈÒÜÏÑÇ][\w·'’-]*(?: (?:(?:de|del|la|las|los|el|i|y) ){0,2}[A-ZÁÉÍÓÚÀÈÒÜÏÑÇ][\w·'’-]*)*"
)


@dataclass(frozen=True)
class MarkerRates:
    """How many of ``texts`` texts hold a marker for (evidence) or against (contradiction) a variety.

    Attributes:
        variety: BCP-47.
        texts: how many texts were looked at.
        evidence: share of texts with at least one marker for the variety (0.0 when there are no texts).
        contradiction: share of texts with at least one marker against it.
        found: how many texts each kind of marker was found in: ``for voseo``, ``against vosotros`` …
    """

    variety: str
    texts: int
    evidence: float
    contradiction: float
    found: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """The rates as a JSON value, rounded to four places."""
        rounded = {"evidence": round(self.evidence, 4), "contradiction": round(self.contradiction, 4)}
        return {**asdict(self), **rounded}


def variety_markers(texts: Sequence[str], variety: str) -> MarkerRates | None:
    """Return the marker rates of texts that should be of a variety; None for a variety without marker lists.

    Args:
        texts: normalised texts; each counts once however many markers it holds.
        variety: BCP-47, such as ``es-AR``.
    """
    forms = find_forms(variety)
    if forms is None:
        return None
    sides = dict(zip(("for", "against"), forms, strict=True))
    found: Counter[str] = Counter()
    hits = Counter({"for": 0, "against": 0})
    for text in texts:
        masked = mask_names(text)
        for side, patterns in sides.items():
            kinds = [kind for kind, pattern in patterns.items() if pattern.search(masked)]
            hits[side] += bool(kinds)
            found.update(f"{side} {kind}" for kind in kinds)
    number = max(len(texts), 1)
    return MarkerRates(variety, len(texts), hits["for"] / number, hits["against"] / number, dict(sorted(found.items())))


def mask_names(text: str) -> str:
    """Return the text in lower case, with quotations and proper names replaced by a dash."""
    return NAME.sub("–", QUOTED.sub("–", text)).lower()
