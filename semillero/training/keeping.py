"""Where a run's checkpoints are kept: this disk, and copies elsewhere when asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from semillero.training.checkpoints import State, load_checkpoint, newest_first, save_checkpoint
from semillero.training.copies import Say, fetch_newest
from semillero.training.mirror import Mirror


class Keeper:
    """Saves and loads one run's checkpoints.

    Args:
        folder: on this disk.
        fingerprint: of the run.
        keep: how many of the newest stay, beside the best.
        copy_to: folder or fsspec URL for copies.
    """

    def __init__(self, folder: Path, fingerprint: Mapping[str, Any], keep: int, copy_to: str | None) -> None:
        self._folder, self._fingerprint, self._keep, self._copy_to = folder, fingerprint, keep, copy_to
        self._mirror: Mirror | None = None

    def load(self, say: Say) -> State | None:
        """Return the newest state that verifies, here or among the copies; None when there is none.

        Raises:
            TrainingError: a sound checkpoint is of another run, or the copies' URL cannot be opened.
        """
        state = load_checkpoint(self._folder, self._fingerprint, say)
        if self._copy_to:
            above = int(state["progress"]["step"]) if state else -1
            if fetch_newest(self._copy_to, self._folder, above, say):
                state = load_checkpoint(self._folder, self._fingerprint, say)
            self._mirror = Mirror(self._copy_to, self._keep, say)
            if state:  # saved, perhaps, by a process that was killed before it was copied
                self._mirror.offer(newest_first(self._folder)[0])
        if state is None and any((self._folder / "damaged").glob("*")):
            say("no checkpoint could be used: training starts from its beginning")
        return state

    def save(self, step: int, state: State, score: float | None, last: bool) -> None:
        """Write a checkpoint; after the last one, only it and the best stay."""
        path = save_checkpoint(self._folder, step, state, self._fingerprint, 1 if last else self._keep, score)
        if self._mirror:
            self._mirror.offer(path)

    def close(self, seconds: float) -> None:
        """Wait for the copies, for so long at most."""
        if self._mirror:
            self._mirror.close(seconds)
            self._mirror = None
