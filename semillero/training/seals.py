"""The manifest of a checkpoint: what it holds, whether that is still so, and which run it belongs to."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from semillero.digests import digest_file, digest_json
from semillero.errors import TrainingError

MANIFEST = "manifest.json"
SHOWN = 24  # characters of a value that is shown: enough to tell two digests apart


def write_seal(folder: Path, seal: Mapping[str, Any]) -> Path:
    """Write a manifest. It seals itself too, or a flipped byte in it would pass for the checkpoint of another run."""
    path = folder / MANIFEST
    path.write_text(json.dumps({**seal, "sha256": digest_json(dict(seal))}), encoding="utf-8")
    return path


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """Return a checkpoint's manifest, and what is wrong with the manifest itself (empty when nothing is)."""
    try:
        seal = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        stated = seal.pop("sha256")
        if digest_json(seal) != stated:
            return {}, "has a damaged manifest"
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return {}, f"has no usable manifest ({type(error).__name__})"
    return seal, ""


def verify(folder: Path) -> tuple[dict[str, Any], str]:
    """Return a checkpoint's manifest, and what is wrong with any of its files (empty when nothing is)."""
    seal, fault = read_manifest(folder)
    if fault:
        return {}, fault
    for name, entry in seal["files"].items():
        path = folder / name
        if not path.is_file():
            return {}, f"lacks {name}"
        if path.stat().st_size != entry["size"] or digest_file(path) != entry["sha256"]:
            return {}, f"has a damaged {name}"
    return seal, ""


def refuse_other_run(path: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Compare fingerprints.

    Raises:
        TrainingError: they differ; the message names the fields and both values.
    """
    differing = list(_differences(theirs, ours))
    if differing:
        raise TrainingError(
            f"the checkpoint {path} was made by another run; what differs: {', '.join(differing[:5])}",
            "the same data, base, settings and trainable parameters",
            f"remove {path.parent} to train from the beginning",
        )


def _differences(theirs: Any, ours: Any, where: str = "") -> Iterator[str]:
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for key in sorted({*theirs, *ours}):
            yield from _differences(theirs.get(key), ours.get(key), f"{where}.{key}" if where else str(key))
    elif theirs != ours:
        yield f"{where} ({_show(theirs)} there, {_show(ours)} here)"


def _show(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
