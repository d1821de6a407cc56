"""``semillero init``: a folder to start from, small but complete enough to run at once."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from semillero.errors import InputError

STARTER = files("semillero.project") / "starter"


def start_project(folder: Path) -> Path:
    """Write the starter's files into ``folder`` and return the project file.

    Raises:
        InputError: a file of the starter is already there; nothing is overwritten, nothing is written.
    """
    with as_file(STARTER) as source:
        names = sorted(path.name for path in source.iterdir() if path.suffix in {".yaml", ".jsonl"})
        taken = [name for name in names if (folder / name).exists()]
        if taken:
            raise InputError(f"{folder} already has {', '.join(taken)}", "an empty or new folder", "choose another one")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copyfile(source / name, folder / name)
        except OSError as error:
            raise InputError(f"{folder} cannot be written: {error.strerror}", "a folder of yours") from None
    return folder / "semillero.yaml"
