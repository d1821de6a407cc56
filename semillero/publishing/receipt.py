"""The receipt: which files under the published folder are ours, by the sha256 we gave them.

It lies beside the repositories it tells of and is written twice: before anything is touched (what is about to be
written is ours too, should the process die half-way) and when everything has been verified.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

FOLDER = ".publishing"
NAME = "receipt.json"


@dataclass(frozen=True)
class Receipt:
    """What we published under a folder.

    Attributes:
        files: sha256 of each file of the last publication that was finished, by its path.
        begun: sha256s that unfinished publications were about to give a file.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    begun: Mapping[str, list[str]] = field(default_factory=dict)

    def is_ours(self, path: str, sha256: str) -> bool:
        """Tell whether we wrote these bytes there."""
        return self.files.get(path) == sha256 or sha256 in self.begun.get(path, ())

    @property
    def paths(self) -> set[str]:
        """Every path we may have written."""
        return {*self.files, *self.begun}

    def begin(self, planned: Mapping[str, str]) -> "Receipt":
        """Return the receipt to keep while ``planned`` is being written."""
        begun = {path: sorted({*self.begun.get(path, ()), sha}) for path, sha in planned.items()}
        return Receipt(self.files, {**self.begun, **begun})


def read_receipt(root: Path) -> Receipt:
    """Return the receipt under ``root``; an unreadable one counts as none (nothing is then taken for ours)."""
    try:
        value = json.loads((root / FOLDER / NAME).read_text(encoding="utf-8"))
        return Receipt(dict(value["files"]), {path: list(shas) for path, shas in value["begun"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Receipt()


def write_receipt(root: Path, receipt: Receipt) -> None:
    """Write the receipt with a rename, on disk when this returns."""
    target = root / FOLDER / NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{NAME}.{uuid4().hex[:8]}")
    value = {"files": dict(receipt.files), "begun": dict(receipt.begun)}
    with aside.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=2, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)
