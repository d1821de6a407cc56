"""Secrets and local paths in texts, wherever the texts are: files, parquet columns, safetensors headers."""

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from semillero.project import Project
from semillero.publishing.planning import PlannedFile

# Shapes of keys that services give out. The first letters are public; what follows is long enough not to be a word.
SECRETS = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{20,}",
    "an API key (sk-…)": r"\bsk-[A-Za-z0-9_-]{20,}",
    "an AWS key": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})",
    "a Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a URL with a password": r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"']+:[^\s/@\"']+@",
}
LOCAL_PATH = r"(^|[^\w.:/])(/(home|root|Users|tmp|mnt|content|kaggle)/[\w.-]+|[A-Z]:\\+Users\\+\w)"
SECRET_NAMES = re.compile(r"(TOKEN|API_KEY|SECRET|PASSWORD)$")
BATCH_ROWS = 50_000  # of a parquet file held in memory at once
SHORTEST_SECRET = 12  # characters; shorter values of such variables are placeholders
_SECRETS = {name: re.compile(pattern) for name, pattern in SECRETS.items()}
_LOCAL_PATH = re.compile(LOCAL_PATH, re.MULTILINE)


@dataclass(frozen=True)
class Needles:
    """Strings of this machine that must not be published.

    Attributes:
        secrets: values of environment variables that hold keys, by the variable's name.
        paths: folders of the project, the run store, the user and the interpreter.
    """

    secrets: dict[str, str]
    paths: tuple[str, ...]

    @classmethod
    def of(cls, project: Project, store_root: str) -> "Needles":
        """Gather them for a project on this machine."""
        named = {project.corpus.generator.api_key_env, project.corpus.judge.api_key_env}
        secrets = {
            name: value
            for name, value in os.environ.items()
            if (name in named or SECRET_NAMES.search(name)) and len(value) >= SHORTEST_SECRET
        }
        folders = [str(project.folder), store_root, str(Path.home()), sys.prefix, project.training.base]
        # A folder right under the root ("/app") is also a word in texts: it needs the slash that follows it.
        paths = [f"{p}/" if p.count("/") < 2 else p for p in folders if p.startswith("/") and p != "/"]
        return cls(secrets, tuple(dict.fromkeys(paths)))


def find_secrets(where: str, text: str, needles: Needles, local_paths: bool) -> Iterator[str]:
    """Name what must not be in ``text``; never shows the secret itself.

    Args:
        where: the text's place, for the message.
        text: to search.
        needles: strings of this machine.
        local_paths: also look for what merely has the shape of a local path.
    """
    for name, pattern in _SECRETS.items():
        if match := pattern.search(text):
            yield f"{where}{name} ({match[0][:4]}…)"
    for name, value in needles.secrets.items():
        if value in text:
            yield f"{where}the value of the environment variable {name}"
    for path in needles.paths:
        if path in text:
            yield f"{where}a path of this machine ({path})"
            return
    if local_paths and (match := _LOCAL_PATH.search(text)):
        yield f"{where}a local path ({match[2]}…)"


def read_texts(file: PlannedFile) -> Iterator[tuple[str, str]]:
    """Yield (place, text) for every text in a file that may be published."""
    suffix = PurePosixPath(file.name).suffix
    if suffix == ".parquet" and isinstance(file.source, Path):
        yield from _read_parquet(file.source)
    elif suffix == ".safetensors" and isinstance(file.source, Path):
        yield "header: ", _read_header(file.source)
    elif suffix in {".png", ".gguf", ".model"}:
        # Latin-1 gives every byte a character: metadata texts inside stay searchable.
        yield "", _read_latin(file)
    else:
        yield "", file.read().decode("utf-8")


def _read_latin(file: PlannedFile) -> str:
    data = file.source if isinstance(file.source, bytes) else _read_most(file.source)
    return data.decode("latin-1")


def _read_most(path: Path, most: int = 1 << 22) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _read_header(path: Path) -> str:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return file.read(min(length, 1 << 26)).decode("utf-8", "replace")


def _read_parquet(path: Path) -> Iterator[tuple[str, str]]:
    import polars as pl
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_metadata(path).metadata or {}
    yield "metadata: ", json.dumps({str(key): str(value) for key, value in metadata.items()})
    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(BATCH_ROWS):
        for name, column in pl.DataFrame(batch).to_dict().items():
            if isinstance(column.dtype, pl.List):
                column = column.explode()
            if isinstance(column.dtype, pl.Struct):
                column = column.struct.json_encode()
            if column.dtype == pl.String:
                yield f"column {name}: ", "\n".join(column.drop_nulls().unique())
