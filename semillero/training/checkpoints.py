"""Checkpoints that are whole or absent.

A checkpoint is written aside, flushed to the disk, sealed by a manifest (size and sha256 of each file, and the
fingerprint of the run) and only then renamed into place. Resuming walks from the newest to the oldest, moves what does
not verify to ``damaged/`` and refuses what belongs to another run. Tensors are read with ``weights_only``: no pickle
can run code.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from semillero.digests import digest_file, digest_json
from semillero.errors import TrainingError

MANIFEST = "manifest.json"
ADAPTER = "adapter.safetensors"  # trainable parameters by name
STATE = "state.pt"  # optimizer, scheduler, random generators
PROGRESS = "progress.json"  # step, curves, seconds

State = dict[str, Any]  # {"adapter": tensors by name, "trainer": tensors and numbers, "progress": JSON}


def save_checkpoint(folder: Path, step: int, state: State, fingerprint: Mapping[str, Any], keep: int) -> None:
    """Write the checkpoint of ``step``, then remove all but the ``keep`` newest."""
    import torch
    from safetensors.torch import save_file

    aside = folder / f".aside-{uuid4().hex[:8]}"
    aside.mkdir(parents=True)
    save_file({name: tensor.cpu() for name, tensor in state["adapter"].items()}, aside / ADAPTER)
    torch.save(state["trainer"], aside / STATE)
    (aside / PROGRESS).write_text(json.dumps(state["progress"], sort_keys=True), encoding="utf-8")
    files = {}
    for name in (ADAPTER, STATE, PROGRESS):
        _flush(aside / name)
        files[name] = {"size": (aside / name).stat().st_size, "sha256": digest_file(aside / name)}
    seal = {"step": step, "files": files, "fingerprint": dict(fingerprint)}
    # The manifest seals itself too, or a flipped byte in it would pass for the checkpoint of another run.
    (aside / MANIFEST).write_text(json.dumps({**seal, "sha256": digest_json(seal)}), encoding="utf-8")
    _flush(aside / MANIFEST)
    _flush(aside)
    target = folder / _name(step)
    if target.exists():  # the same step of the same run, saved by an attempt that was stopped
        shutil.rmtree(target)
    aside.rename(target)
    _flush(folder)
    for old in _newest_first(folder)[keep:]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path, fingerprint: Mapping[str, Any], say: Callable[[str], None]) -> State | None:
    """Return the newest checkpoint that verifies, or None when there is none.

    Args:
        folder: where `save_checkpoint` writes.
        fingerprint: of this run.
        say: told of every checkpoint that had to be passed over.

    Raises:
        TrainingError: a sound checkpoint is of another run; the message names what differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".aside-*"):  # killed while writing
        shutil.rmtree(leftover)
    found = _newest_first(folder)
    for path in found:
        seal, fault = _read_seal(path)
        if not fault:
            _refuse_other_run(path, seal["fingerprint"], fingerprint)
            try:
                return _read(path)
            except Exception as error:  # the hashes match and yet torch cannot read it: another version wrote it
                fault = f"cannot be read: {error}"
        damaged = folder / "damaged" / f"{path.name}-{uuid4().hex[:8]}"
        damaged.parent.mkdir(exist_ok=True)
        path.rename(damaged)
        say(f"checkpoint {path.name} {fault}; put aside, going on from the one before")
    if found:
        say("no checkpoint could be used: training starts from its beginning")
    return None


def _read(path: Path) -> State:
    import torch
    from safetensors.torch import load_file

    return {
        "adapter": load_file(path / ADAPTER),
        "trainer": torch.load(path / STATE, weights_only=True, map_location="cpu"),
        "progress": json.loads((path / PROGRESS).read_text(encoding="utf-8")),
    }


def _read_seal(path: Path) -> tuple[dict[str, Any], str]:
    """Return a checkpoint's manifest and what is wrong with the checkpoint (empty when nothing is)."""
    try:
        seal = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        stated = seal.pop("sha256")
        if digest_json(seal) != stated:
            return {}, "has a damaged manifest"
        for name, entry in seal["files"].items():
            if not (path / name).is_file():
                return {}, f"lacks {name}"
            if (path / name).stat().st_size != entry["size"] or digest_file(path / name) != entry["sha256"]:
                return {}, f"has a damaged {name}"
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return {}, f"has no usable manifest ({type(error).__name__})"
    return seal, ""


def _refuse_other_run(path: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    differing = [
        f"{name}.{key}" if isinstance(ours.get(name), Mapping) else name
        for name in sorted({*theirs, *ours})
        for key in _differing_keys(theirs.get(name), ours.get(name))
    ]
    if differing:
        raise TrainingError(
            f"the checkpoint {path} was made by another run; what differs: {', '.join(differing[:5])}",
            "the same data, base, settings and trainable parameters",
            f"remove {path.parent} to train from the beginning",
        )


def _differing_keys(theirs: Any, ours: Any) -> list[str]:
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        return sorted(key for key in {*theirs, *ours} if theirs.get(key) != ours.get(key))
    return [] if theirs == ours else [""]


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), reverse=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
