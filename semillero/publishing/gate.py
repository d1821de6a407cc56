"""What must not leave the machine: checked file by file, before anything is written, without a network.

Refused: kinds of files that are not on the list, symbolic links, pickles (by their bytes, whatever they are called),
secrets, paths of this machine, and cards that `check_card` refuses.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from semillero.cards import check_card
from semillero.cards.dataset_facts import count_rows
from semillero.cards.gate import check_export_card
from semillero.errors import PublishError
from semillero.project import Project
from semillero.publishing.planning import PlannedFile, Repository
from semillero.publishing.scanning import Needles, find_secrets, read_texts

TEXT = {".md", ".json", ".jsonl", ".yaml", ".yml", ".txt", ".py", ".css", ".jinja", ".j2", ".toml"}
BINARY = {".parquet": b"PAR1", ".png": b"\x89PNG\r\n\x1a\n", ".safetensors": None, ".gguf": b"GGUF"}
BARE = {"LICENSE", "NOTICE"}
# tokenizer.model is a SentencePiece protobuf; it has no magic number, and no other .model file is expected.
PROTOBUF = {"tokenizer.model"}


def check_repositories(repositories: Sequence[Repository], project: Project, store_root: str) -> None:
    """Refuse to publish when any file of any repository must not be.

    Raises:
        PublishError: names every fault of every file.
    """
    needles = Needles.of(project, store_root)
    faults = []
    for repository in repositories:
        for file in repository.files:
            faults += [f"{repository.folder}/{file.name}: {fault}" for fault in _check_file(file, needles)]
    if faults:
        raise PublishError(
            f"{len(faults)} reasons not to publish:\n" + "\n".join(f"  - {fault}" for fault in faults),
            "nothing secret, local or executable in what is published",
            "remove the cause (a key in the project file or the sources, a path in a text) and run again",
        )
    for repository in repositories:
        _check_cards(repository)


def _check_file(file: PlannedFile, needles: Needles) -> Iterator[str]:
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts or any(part.startswith(".") for part in path.parts):
        yield "not a plain relative path"
    if isinstance(file.source, Path) and file.source.is_symlink():
        yield "a symbolic link"
        return
    fault = _check_kind(path, file)
    if fault:
        yield fault
        return
    for where, text in read_texts(file):
        yield from find_secrets(where, text, needles, local_paths=path.suffix in {".json", ".yaml", ".safetensors"})


def _check_kind(path: PurePosixPath, file: PlannedFile) -> str:
    """Return why a file is not of a kind that may be published; the bytes decide as well as the name."""
    start = file.source[:16] if isinstance(file.source, bytes) else _read_start(file.source)
    if path.suffix in BINARY:
        magic = BINARY[path.suffix]
        if path.suffix == ".safetensors":
            # Eight bytes of length, then a JSON object: torch's zip files and pickles begin otherwise.
            return "" if start[8:9] == b"{" else f"not a {path.suffix} file"
        return "" if magic and start.startswith(magic) else f"not a {path.suffix} file"
    if path.name in PROTOBUF:
        return "a pickle" if start.startswith(b"\x80") else ""
    if path.suffix not in TEXT and path.name not in BARE:
        return f"files of this kind ({path.suffix or path.name}) are not published"
    try:
        text = file.read().decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8 text"
    return "not text" if "\0" in text else ""


def _read_start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _check_cards(repository: Repository) -> None:
    if repository.kind == "space":
        return
    parquet = [f for f in repository.files if f.name.startswith("data/") and isinstance(f.source, Path)]
    rows = {PurePosixPath(file.name).stem: count_rows(Path(str(file.source))) for file in parquet}
    for file in repository.files:
        if file.name in ("README.md", "README_ES.md") and repository.form_of:
            check_export_card(file.read().decode("utf-8"), f"{repository.folder}/{file.name}")
        elif file.name in ("README.md", "README_ES.md"):
            check_card(file.read().decode("utf-8"), repository.kind, rows, f"{repository.folder}/{file.name}")
