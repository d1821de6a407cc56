"""Copies of checkpoints on another disk or an object store: looked at, fetched, verified before they are trusted."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec

from semillero.errors import TrainingError
from semillero.training.checkpoints import ADAPTER, ASIDE, PROGRESS, STATE, step_of
from semillero.training.seals import MANIFEST, verify

FILES = (ADAPTER, STATE, PROGRESS, MANIFEST)  # the manifest last: its existence means the copy is whole

Say = Callable[[str], None]


def open_url(url: str) -> tuple[Any, str]:
    """Return the file system and the path of a folder or fsspec URL.

    Raises:
        TrainingError: it cannot be opened.
    """
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError, OSError) as error:
        raise TrainingError(
            f"checkpoints cannot be copied to {url}: {error}",
            "a folder or an fsspec URL whose package is installed",
            "see training.checkpoint_copy in the project file",
        ) from None
    return fs, str(path)


def fetch_newest(url: str, folder: Path, above: int, say: Say) -> bool:
    """Fetch the newest copy that verifies into ``folder``, if it is of a later step than ``above``.

    Raises:
        TrainingError: the URL cannot be opened.
    """
    fs, root = open_url(url)
    try:
        found = list_copies(fs, root)
    except Exception as error:  # whatever a file system raises
        say(f"the copies at {url} cannot be looked at ({type(error).__name__}: {error})")
        return False
    for path in found:
        name = path.rpartition("/")[2]
        if step_of(name) <= above:
            return False
        if fault := _fetch(fs, path, folder / name):
            say(f"the copy of {name} at {url} {fault}; the one before is tried")
            continue
        say(f"checkpoint {name} was fetched from {url}")
        return True
    return False


def list_copies(fs: Any, root: str) -> list[str]:
    """Return the paths of the copies under ``root``, newest first."""
    fs.invalidate_cache()
    return sorted((str(path) for path in fs.glob(f"{root}/step-*")), reverse=True)


def read_score(fs: Any, path: str) -> float | None:
    """Return the validation loss in a copy's manifest, if it has one."""
    try:
        score = json.loads(fs.cat_file(f"{path}/{MANIFEST}")).get("score")
    except (FileNotFoundError, ValueError, AttributeError):
        return None
    return None if score is None else float(score)


def _fetch(fs: Any, path: str, target: Path) -> str:
    """Fetch a copy; return what is wrong with it (empty when nothing is)."""
    aside = target.with_name(f"{ASIDE}fetch-{uuid4().hex[:8]}")
    try:
        aside.mkdir(parents=True)
        for name in FILES:
            fs.get_file(f"{path}/{name}", str(aside / name))
    except Exception as error:  # whatever a file system raises
        shutil.rmtree(aside, ignore_errors=True)
        return f"cannot be fetched ({type(error).__name__}: {error})"
    fault = verify(aside)[1]
    if fault:
        shutil.rmtree(aside)
    else:
        aside.rename(target)
    return fault
