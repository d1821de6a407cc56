"""The local target: make a folder hold exactly what is planned, without ever overwriting somebody's own work.

Every file is compared with what lies there. Ours and outdated: replaced. Missing: written. Damaged (bytes that no
editor leaves behind): put aside under ``.publishing/set-aside`` and written again. Changed by hand, or not ours:
refused by name, nothing is touched. Files we do not know are kept. A file is staged beside the repositories and takes
its place by a rename; README.md is the last of each.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from semillero.digests import digest_file
from semillero.durability import flush
from semillero.errors import PublishError
from semillero.progress import say, track
from semillero.publishing.comparing import Differences, compare_files, refuse_foreign
from semillero.publishing.gate import BINARY, PROTOBUF
from semillero.publishing.planning import PlannedFile, Repository
from semillero.publishing.receipt import FOLDER, Receipt, read_receipt, write_receipt


def compare_folder(root: Path, repositories: Sequence[Repository]) -> Differences:
    """Compare what is under ``root`` with what is planned, by hash.

    Raises:
        PublishError: a symbolic link or a folder stands where a file of ours would go.
    """
    receipt, planned = read_receipt(root), planned_files(repositories)
    for path in planned:
        _refuse_links(root, path)
    places = {path: root / path for path in {*planned, *receipt.paths}}
    there = {path: digest_file(place) for path, place in places.items() if place.is_file() and not place.is_symlink()}
    found = compare_files(planned, there, receipt)
    damaged = [p for p in found.foreign if p in receipt.paths and _looks_damaged(root / p, planned[p])]
    return replace(found, damaged=damaged, foreign=[path for path in found.foreign if path not in damaged])


def planned_files(repositories: Sequence[Repository]) -> dict[str, PlannedFile]:
    """Return every planned file by its path under the published root, in the order they are written."""
    return {f"{repository.folder}/{file.name}": file for repository in repositories for file in repository.files}


def update_folder(root: Path, repositories: Sequence[Repository], differences: Differences) -> None:
    """Write and remove what differs, verify everything, and leave the receipt.

    Raises:
        PublishError: somebody's own files are in the way, the folder cannot be written, or does not verify.
    """
    refuse_foreign([str(root / path) for path in differences.foreign])
    shas = {path: file.sha256 for path, file in planned_files(repositories).items()}
    try:
        shutil.rmtree(root / FOLDER / "staging", ignore_errors=True)  # of a process that was killed
        before = read_receipt(root)
        write_receipt(root, before.begin({path: file.sha256 for path, file in differences.write}))
        _put_aside(root, differences.damaged)
        with track("publishing", total=len(differences.write)) as advance:
            for path, file in differences.write:
                _write_file(root, path, file)
                advance(1)
        for path in differences.remove:
            (root / path).unlink()
            _remove_empty(root, (root / path).parent)
    except OSError as error:
        raise PublishError(
            f"{root} cannot be written: {error.strerror or error}",
            "a writable folder with room for the project",
            "free some space or choose another publish.folder, then run again; what is done stays done",
        ) from error
    verify_folder(root, shas)
    write_receipt(root, Receipt(shas))
    shutil.rmtree(root / FOLDER / "staging", ignore_errors=True)
    for path in differences.kept:
        say(f"kept: {root / path} is no longer published, but it was changed by hand")


def keep_receipt(root: Path, repositories: Sequence[Repository]) -> None:
    """Write the receipt of a folder that holds what is planned, when it was lost."""
    shas = {path: file.sha256 for path, file in planned_files(repositories).items()}
    if read_receipt(root) != Receipt(shas):
        write_receipt(root, Receipt(shas))


def verify_folder(root: Path, shas: dict[str, str]) -> None:
    """Read every published file again.

    Raises:
        PublishError: one is missing or has other bytes.
    """
    wrong = [path for path, sha in shas.items() if not (root / path).is_file() or digest_file(root / path) != sha]
    if wrong:
        raise PublishError(
            f"{len(wrong)} published files do not verify: {', '.join(wrong[:5])}",
            "the bytes that were written",
            "check the disk, make sure that nothing else writes there, and run again",
        )


def _write_file(root: Path, path: str, file: PlannedFile) -> None:
    staged = root / FOLDER / "staging" / path
    staged.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(file.source, bytes):
        staged.write_bytes(file.source)
    else:
        shutil.copyfile(file.source, staged)
    flush(staged)
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(target)


def _put_aside(root: Path, paths: Sequence[str]) -> None:
    for path in paths:
        aside = root / FOLDER / "set-aside" / path
        aside.parent.mkdir(parents=True, exist_ok=True)
        (root / path).replace(aside)
        say(f"{root / path} was damaged; its bytes are kept as {aside}")


def _looks_damaged(target: Path, file: PlannedFile) -> bool:
    """Tell damage from a change made by hand: no editor leaves half a file, bytes that are no text, or a parquet."""
    name = PurePosixPath(file.name)
    if name.suffix in BINARY or name.name in PROTOBUF:
        return True
    data = target.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return "\0" in text or file.read().startswith(data)


def _refuse_links(root: Path, path: str) -> None:
    place = root
    for part in PurePosixPath(path).parts:
        place = place / part
        if place.is_symlink():
            fault = "a symbolic link"
        elif place.is_dir() and place == root / path:
            fault = "a folder where a file is published"
        elif place.exists() and not place.is_dir() and place != root / path:
            fault = "a file where a folder is published"
        else:
            continue
        raise PublishError(f"{place} is {fault}", "plain files and folders", "move it elsewhere and run again")


def _remove_empty(root: Path, folder: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
