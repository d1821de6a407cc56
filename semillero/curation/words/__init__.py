"""The word lists, as text that people who know the language can correct without knowing Python."""

from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=16)
def read_words(name: str) -> tuple[str, ...]:
    """Return the words of ``name``.txt, without its comment lines."""
    lines = files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())


def read_varieties() -> dict[str, Any]:
    """Return what ``varieties.yaml`` says of each variety, and its shared lists."""
    return _read_yaml("varieties")


def read_offensive() -> dict[str, Any]:
    """Return what ``offensive.yaml`` lists: `languages`, `varieties`."""
    return _read_yaml("offensive")


@lru_cache(maxsize=2)
def _read_yaml(name: str) -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = yaml.safe_load(files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return found
