"""Copies checkpoints to another disk or an object store in the background: training never waits for them.

A checkpoint is hard-linked beside the original, so that rotation cannot take its files away, and copied by a thread:
files first, manifest last. When a newer one comes before the copying has begun, only the newer one is copied. A copy
that fails is tried again until training ends.
"""

import os
import shutil
import threading
from pathlib import Path
from uuid import uuid4

from semillero.training.checkpoints import ASIDE
from semillero.training.copies import FILES, Say, list_copies, open_url, read_score
from semillero.training.seals import MANIFEST

LONGEST_PAUSE = 60.0  # seconds between two tries


class Mirror:
    """Copies checkpoints to ``url``, one at a time.

    Args:
        url: folder or fsspec URL of this run's copies.
        keep: how many of the newest stay there, beside the best.
        say: told when copying fails and when it works again.
        pause: seconds before a failed copy is tried again, doubled each time.

    Raises:
        TrainingError: the URL cannot be opened.
    """

    def __init__(self, url: str, keep: int, say: Say, pause: float = 1.0) -> None:
        self.url, self._keep, self._say, self._pause = url, keep, say, pause
        self._fs, self._root = open_url(url)
        self._changed = threading.Condition()
        self._next: Path | None = None
        self._closing = self._given_up = self._failing = False
        self._thread = threading.Thread(target=self._work, name="checkpoint copy", daemon=True)
        self._thread.start()

    def offer(self, checkpoint: Path) -> None:
        """Take a checkpoint to copy, and return at once."""
        # Under a name that is cleared with the other leftovers should this process be killed.
        linked = checkpoint.with_name(f"{ASIDE}copy-{uuid4().hex[:8]}") / checkpoint.name
        try:
            shutil.copytree(checkpoint, linked, copy_function=_link)
        except OSError as error:  # a copy less is no reason to end training
            shutil.rmtree(linked.parent, ignore_errors=True)
            self._say(f"{checkpoint.name} is not copied to {self.url}: {error}")
            return
        with self._changed:
            overtaken, self._next = self._next, linked
            self._changed.notify()
        if overtaken:
            shutil.rmtree(overtaken.parent)

    def close(self, seconds: float) -> bool:
        """Wait until what was offered last is copied, for so long at most; tell whether it is."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)
        if not self._thread.is_alive():
            return True
        self._say(f"the last checkpoint could not be copied to {self.url} in {seconds:.0f} s; this disk has it")
        with self._changed:
            self._given_up = True
            self._changed.notify()
        return False

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next or self._closing)
                checkpoint, self._next = self._next, None
            if checkpoint is None:
                return
            self._copy_at_last(checkpoint)
            shutil.rmtree(checkpoint.parent, ignore_errors=True)

    def _copy_at_last(self, checkpoint: Path) -> None:
        """Try until the checkpoint is copied, a newer one is offered, or nobody waits any more."""
        pause = self._pause
        while not self._tried(checkpoint):
            with self._changed:
                hurried = self._closing
                self._changed.wait_for(
                    lambda h=hurried: self._next or self._given_up or self._closing != h,  # type: ignore[misc]
                    timeout=pause,
                )
                if self._next or self._given_up:
                    return
                pause = self._pause if self._closing else min(2 * pause, LONGEST_PAUSE)

    def _tried(self, checkpoint: Path) -> bool:
        try:
            self._copy(checkpoint)
        except Exception as error:  # whatever a file system raises: the next try may find it in order
            if not self._failing:
                self._say(
                    f"copying {checkpoint.name} to {self.url} failed ({type(error).__name__}: {error}); trying on"
                )
            self._failing = True
            return False
        if self._failing:
            self._say(f"copying to {self.url} works again: {checkpoint.name} is there")
        self._failing = False
        return True

    def _copy(self, checkpoint: Path) -> None:
        target = f"{self._root}/{checkpoint.name}"
        sealed = f"{target}/{MANIFEST}"
        if self._fs.exists(sealed):
            if self._fs.cat_file(sealed) == (checkpoint / MANIFEST).read_bytes():
                return
            self._fs.rm_file(sealed)  # of the same step, by an attempt that was stopped: no copy, then a new one
        if "file" in self._fs.protocol:
            self._fs.makedirs(target, exist_ok=True)
        for name in FILES:
            self._fs.put_file(str(checkpoint / name), f"{target}/{name}")
        self._rotate()

    def _rotate(self) -> None:
        newest = list_copies(self._fs, self._root)
        scores = {path: score for path in newest if (score := read_score(self._fs, path)) is not None}
        best = {min(scores, key=scores.__getitem__)} if scores else set()
        for path in set(newest) - set(newest[: self._keep]) - best:
            self._fs.rm(path, recursive=True)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)
    return target
