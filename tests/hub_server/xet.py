"""The storage of large files that hf_xet writes and reads: folders, which it takes for a server (``local://``).

A folder's database is locked by the process that opened it for as long as that lives. So every token gets a folder of
its own: an empty one to write to, or a copy of `XetStorage.main` to read from.
"""

import hashlib
import itertools
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import hf_xet

from tests.hub_server.state import State

# Format of a shard: huggingface/xet-core, mdb_shard (48 bytes a header or entry, little-endian).
ENTRY = 48
END = b"\xff" * 32
WITH_VERIFICATION, WITH_METADATA = 1 << 31, 1 << 30


class ShardFile(NamedTuple):
    """A file that a client registered; ``size`` in bytes."""

    xet: str
    sha256: str
    size: int


def read_shard(data: bytes) -> Iterator[ShardFile]:
    """Yield the files that a shard registers."""
    at = ENTRY  # past the shard's own header
    while (name := data[at : at + 32]) != END:
        flags, count = struct.unpack_from("<II", data, at + 32)
        at += ENTRY
        size = sum(struct.unpack_from("<I", data, at + ENTRY * i + 36)[0] for i in range(count))
        at += ENTRY * count * (2 if flags & WITH_VERIFICATION else 1)
        sha256 = ""
        if flags & WITH_METADATA:
            sha256 = _hex(data[at : at + 32])
            at += ENTRY
        yield ShardFile(_hex(name), sha256, size)


def _hex(value: bytes) -> str:
    """Return a hash as xet writes it: four 64-bit numbers."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", value))


class XetStorage:
    """The folders, and what has arrived in them.

    Attributes:
        known: xet's hash of the files that arrived, by sha256.
    """

    def __init__(self, folder: Path, state: State) -> None:
        self.folder, self.state = folder, state
        self.main = folder / "main"
        self.main.mkdir(parents=True, exist_ok=True)
        self.known: dict[str, str] = {}
        self._numbers = itertools.count()
        self._session = hf_xet.XetSession()
        self._read: set[Path] = set()

    def open_writable(self) -> str:
        """Return the address of an empty storage."""
        place = self.folder / "written" / str(next(self._numbers))
        place.mkdir(parents=True)
        return f"local://{place}"

    def open_readable(self) -> str:
        """Return the address of a storage with everything that has arrived."""
        place = self.folder / "read" / str(next(self._numbers))
        shutil.copytree(self.main, place)
        return f"local://{place}"

    def collect(self) -> None:
        """Take over what clients have written since the last time; each file is checked by its hash."""
        for shard in (self.folder / "written").glob("*/xet/xorbs/shards/*.mdb"):
            if shard in self._read:
                continue
            self._read.add(shard)
            files = [file for file in read_shard(shard.read_bytes()) if file.sha256 not in self.known]
            if files:
                self._take_over(shard.parents[3], files)

    def _take_over(self, written: Path, files: list[ShardFile]) -> None:
        copied = self.folder / "copied" / str(next(self._numbers))
        shutil.copytree(written, copied / "cas")
        with self._session.new_file_download_group(endpoint=f"local://{copied / 'cas'}") as group:
            for file in files:
                group.start_download_file(hf_xet.XetFileInfo(file.xet, file.size), str(copied / file.xet))
        contents = [(copied / file.xet).read_bytes() for file in files]
        with self._session.new_upload_commit(endpoint=f"local://{self.main}") as commit:
            for content in contents:
                commit.start_upload_bytes(content)
        for file, content in zip(files, contents, strict=True):
            if hashlib.sha256(content).hexdigest() == file.sha256:
                self.state.add_object(content, lfs=True)
                self.known[file.sha256] = file.xet
        shutil.rmtree(copied)
