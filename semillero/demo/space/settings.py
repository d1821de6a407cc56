"""What this Space is about (``config.json``) and what its page says (``wording.json``), read once."""

import json
import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CONFIG: dict[str, Any] = json.loads((HERE / "config.json").read_text(encoding="utf-8"))
WORDING: dict[str, dict[str, Any]] = json.loads((HERE / "wording.json").read_text(encoding="utf-8"))
LANGUAGES = tuple(WORDING)
ON_SPACE = "SPACE_ID" in os.environ
MODELS = ("base", "tuned")


def say(language: str, key: str, **facts: object) -> Any:
    """Return one text of the page in a language; unknown languages get Spanish."""
    text = WORDING.get(language, WORDING["es"])[key]
    return text.format(**facts) if facts else text
