"""Checkpoints that are whole or absent.

A checkpoint is written aside, flushed to the disk, sealed by a manifest (size and sha256 of each file, the fingerprint
of the run, the validation loss) and only then renamed into place. The newest are kept, and the best. Resuming walks
from the newest to the oldest, moves what does not verify to ``damaged/`` and refuses what belongs to another run.
Tensors are read with ``weights_only``: no pickle can run code.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from semillero.digests import digest_file
from semillero.durability import flush
from semillero.errors import TrainingError
from semillero.training.seals import read_manifest, refuse_other_run, verify, write_seal

ADAPTER = "adapter.safetensors"  # trainable parameters by name
STATE = "state.pt"  # optimizer, scheduler, random generators
PROGRESS = "progress.json"  # step, curves, seconds

ASIDE, REPLACED = ".aside-", ".replaced-"

State = dict[str, Any]  # {"adapter": tensors by name, "trainer": tensors and numbers, "progress": JSON}


def save_checkpoint(
    folder: Path, step: int, state: State, fingerprint: Mapping[str, Any], keep: int, score: float | None = None
) -> Path:
    """Write the checkpoint of ``step``; then remove all but the ``keep`` newest and the best.

    Args:
        folder: of the run's checkpoints.
        step: optimizer steps taken.
        state: see `State`.
        fingerprint: of the run; a checkpoint is resumed by no other.
        keep: how many of the newest stay.
        score: validation loss at this step, if it was measured; the lowest is the best.

    Returns:
        The checkpoint's folder.

    Raises:
        TrainingError: it cannot be written, most often because the disk is full; those before are whole.
    """
    aside = folder / f"{ASIDE}{uuid4().hex[:8]}"
    try:
        aside.mkdir(parents=True)
        _write(aside, step, state, fingerprint, score)
    except Exception as error:  # torch, safetensors and the system each have their own for a full disk
        shutil.rmtree(aside, ignore_errors=True)
        raise TrainingError(
            f"the checkpoint of step {step} cannot be written to {folder}: {error}",
            f"room on that disk ({shutil.disk_usage(folder.parent).free / 1e9:.1f} GB are free)",
            "free some space and run the same command again: it goes on from the checkpoint before",
        ) from error
    target = folder / _name(step)
    replaced = folder / f"{REPLACED}{target.name}"
    if target.exists():  # the same step of the same run, saved by an attempt that was stopped
        target.rename(replaced)  # never removed before its successor is there: it may be the only one
    aside.rename(target)
    flush(folder)
    shutil.rmtree(replaced, ignore_errors=True)
    found = newest_first(folder)
    for old in set(found) - kept(found, keep):
        shutil.rmtree(old)
    return target


def _write(aside: Path, step: int, state: State, fingerprint: Mapping[str, Any], score: float | None) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({name: tensor.cpu() for name, tensor in state["adapter"].items()}, aside / ADAPTER)
    torch.save(state["trainer"], aside / STATE)
    (aside / PROGRESS).write_text(json.dumps(state["progress"], sort_keys=True), encoding="utf-8")
    files = {}
    for name in (ADAPTER, STATE, PROGRESS):
        flush(aside / name)
        files[name] = {"size": (aside / name).stat().st_size, "sha256": digest_file(aside / name)}
    seal = {"step": step, "score": score, "files": files, "fingerprint": dict(fingerprint)}
    flush(write_seal(aside, seal))
    flush(aside)


def kept(newest: Sequence[Path], keep: int) -> set[Path]:
    """Return which checkpoints stay: the ``keep`` newest, and the one with the lowest validation loss.

    Args:
        newest: checkpoint folders, newest first.
        keep: how many of the newest stay.
    """
    known = {path: read_manifest(path)[0].get("score") for path in newest}
    scores = {path: float(score) for path, score in known.items() if score is not None}
    return {*newest[:keep], *([min(scores, key=scores.__getitem__)] if scores else [])}


def load_checkpoint(folder: Path, fingerprint: Mapping[str, Any], say: Callable[[str], None]) -> State | None:
    """Return the newest checkpoint that verifies, or None when there is none; puts aside what does not.

    Args:
        folder: where `save_checkpoint` writes.
        fingerprint: of this run.
        say: told of every checkpoint that had to be passed over.

    Raises:
        TrainingError: a sound checkpoint is of another run; the message names what differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(folder)
    found = newest_first(folder)
    for path in found:
        seal, fault = verify(path)
        if not fault:
            refuse_other_run(path, seal["fingerprint"], fingerprint)
            try:
                return _read(path)
            except Exception as error:  # the hashes match and yet torch cannot read it: another version wrote it
                fault = f"cannot be read: {error}"
        damaged = folder / "damaged" / f"{path.name}-{uuid4().hex[:8]}"
        damaged.parent.mkdir(exist_ok=True)
        path.rename(damaged)
        say(f"checkpoint {path.name} {fault}; put aside, the one before is tried")
    return None


def _read(path: Path) -> State:
    import torch
    from safetensors.torch import load_file

    return {
        "adapter": load_file(path / ADAPTER),
        "trainer": torch.load(path / STATE, weights_only=True, map_location="cpu"),
        "progress": json.loads((path / PROGRESS).read_text(encoding="utf-8")),
    }


def _name(step: int) -> str:
    return f"step-{step:08d}"


def newest_first(folder: Path) -> list[Path]:
    """Return the folders of a run's checkpoints, newest first; whether they verify is another question."""
    return sorted(folder.glob("step-*"), reverse=True)


def step_of(name: str) -> int:
    """Return the optimizer step that a checkpoint's folder name stands for."""
    return int(name.rpartition("-")[2])


def _clear_leftovers(folder: Path) -> None:
    for leftover in folder.glob(f"{ASIDE}*"):  # killed while writing
        shutil.rmtree(leftover)
    for replaced in folder.glob(f"{REPLACED}*"):  # killed while the same step was saved again
        target = folder / replaced.name.removeprefix(REPLACED)
        shutil.rmtree(replaced) if target.exists() else replaced.rename(target)
