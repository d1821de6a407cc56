"""The sentences the cards share, as data: one YAML file a subject, Spanish and English side by side."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

LANGUAGES = ("en", "es")


@cache
def load_words(subject: str) -> dict[Any, Any]:
    """Return ``SUBJECT.yaml`` of this room (columns, reasons, sdgs, sections, techniques)."""
    text = (files("semillero.cards") / f"{subject}.yaml").read_text(encoding="utf-8")
    words: dict[Any, Any] = yaml.safe_load(text)
    return words
