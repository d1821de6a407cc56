"""Word lists and sentences of the report, as text that people who know the language can correct."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=8)
def read_list(name: str) -> dict[str, Any]:
    """Return what ``name``.yaml says."""
    import yaml

    found: dict[str, Any] = yaml.safe_load(files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def read_clean() -> tuple[tuple[str, str], ...]:
    """Return (variety, sentence) of sentences in which nobody is insulted, chosen to mislead lists of insults."""
    lines = files(__name__).joinpath("clean.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple((row["variety"], row["text"]) for row in map(json.loads, lines))
