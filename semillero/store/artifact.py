"""The small frozen records that stages and tasks exchange instead of datasets and models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from semillero.digests import digest_json

Inputs = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Recipe:
    """What an artifact is made from; equal recipes make equal artifacts.

    Attributes:
        stage: the stage's name, such as ``curate``.
        version: the stage's ``VERSION``, raised by hand when its meaning changes.
        inputs: content digests by name; a list where an input has many parts.
        settings: the stage's own settings as JSON values, and no others.
        part: which part of a stage that has many (a shard's name), or empty.
    """

    stage: str
    version: int
    inputs: Inputs
    settings: Mapping[str, Any]
    part: str = ""

    @property
    def key(self) -> str:
        """The sha256 of the recipe."""
        return digest_json(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """The recipe as a JSON value."""
        return {
            "stage": self.stage,
            "part": self.part,
            "version": self.version,
            "inputs": dict(self.inputs),
            "settings": dict(self.settings),
        }


@dataclass(frozen=True)
class Artifact:
    """A verified artifact in the run store.

    Attributes:
        stage, part, key: see `Recipe`.
        content: sha256 over the names and digests of the data files.
        path: the folder, relative to the store's root.
        files: sha256 of each data file, by its name relative to the folder.
        counts: row counts and the like, for display and accounting.
        reused: it was found, not made (does not take part in comparisons).
    """

    stage: str
    part: str
    key: str
    content: str
    path: str
    files: Mapping[str, str]
    counts: Mapping[str, int]
    reused: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))
        object.__setattr__(self, "counts", MappingProxyType(dict(self.counts)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mappingproxy cannot be pickled, and Prefect's task runners may carry an Artifact to another process.
        plain = (
            self.stage,
            self.part,
            self.key,
            self.content,
            self.path,
            dict(self.files),
            dict(self.counts),
        )
        return (Artifact, (*plain, self.reused))


def content_digest(files: Mapping[str, str]) -> str:
    """Return an artifact's content digest from the sha256 of each of its data files."""
    return digest_json(dict(files))
