"""The ledger: one line an attempt, on disk before its reply is used.

A JSON-lines file that is only ever appended to. Each line tells one attempt's outcome: ``answered`` with the reply,
``retried`` or ``failed`` with a stable error code. After a kill the next run reads it back and asks for nothing
that it holds. A process killed while writing leaves a torn last line: that line was never used, so it is cut off.
A bad line anywhere else means that somebody or something changed the file, and is refused.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from semillero.durability import flush
from semillero.errors import StoreError

Status = Literal["answered", "failed", "retried"]


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        request: digest of model, payload and item; equal requests have equal digests.
        item: the planned item that was asked for.
        status: how the attempt ended.
        attempt: 1 for the first; 0 for a reply taken over from another shard's ledger.
        reply: the text, when answered.
        finish: why the model stopped, as the endpoint says it (``stop``, ``length``).
        usage: token counts, the endpoint's or ours.
        estimated: they are ours: the endpoint gave none.
        money: what the attempt cost at the prices of the time, where the project file states prices.
        error: a stable code such as ``timeout`` or ``http-503``, when not answered.
        seconds: how long the attempt took.
    """

    request: str
    item: str
    status: Status
    attempt: int
    reply: str | None = None
    finish: str | None = None
    usage: dict[str, int] | None = None
    error: str | None = None
    seconds: float = 0.0
    estimated: bool | None = None
    money: float | None = None


FIELDS = dict.fromkeys(field.name for field in fields(Entry))  # in this order


class Ledger:
    """An open ledger: what it holds, and the way to add to it.

    Args:
        path: the file; made when it does not exist.

    Raises:
        StoreError: another process has it open, or a line that is not the last one is not an entry.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, Entry] = {}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(path)
            entries, self._size = parse_entries(path)
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, 0, os.SEEK_END)
            flush(path.parent)  # a new file's name is durable only with its folder
        except BaseException:
            os.close(self._file)
            raise
        for entry in entries:
            self._keep(entry)
        self._waiting: list[Entry] = []
        self._acknowledged: asyncio.Future[None] | None = None  # what the writers of the waiting entries wait for
        self._fault: StoreError | None = None
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._writing = False

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.shutdown(wait=True)
        self._append(self._waiting)  # of writers that were cancelled, and then their loop ended
        os.close(self._file)

    async def write(self, *entries: Entry) -> None:
        """Add entries; they are on disk when this returns. Those that wait together share one fsync.

        Raises:
            StoreError: the disk is full or fails; the file is left ending with its last whole entry.
        """
        loop = asyncio.get_running_loop()
        self._waiting.extend(entries)
        self._acknowledged = self._acknowledged or loop.create_future()
        acknowledged = self._acknowledged
        if not self._writing:
            self._start(loop, acknowledged)
        await asyncio.shield(acknowledged)  # who is cancelled leaves the entry, and the others, to be written
        if self._fault:
            raise self._fault

    def _start(self, loop: asyncio.AbstractEventLoop, acknowledged: "asyncio.Future[None]") -> None:
        """Write all that waits in the writer's thread; what comes meanwhile makes the next batch."""
        batch = self._waiting
        self._waiting, self._acknowledged, self._writing = [], None, True

        def end(written: "asyncio.Future[None]") -> None:
            self._writing = False
            if bug := written.exception():  # faults of the disk are kept in `_fault`
                acknowledged.set_exception(bug)
            else:
                acknowledged.set_result(None)
            if self._acknowledged:
                self._start(loop, self._acknowledged)

        loop.run_in_executor(self._writer, self._append, batch).add_done_callback(end)

    def _append(self, batch: list[Entry]) -> None:
        if self._fault or not batch:
            return
        data = b"".join(_line(entry) for entry in batch)
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            self._fault = StoreError(
                f"the ledger {self.path} cannot be written: {error.strerror}",
                "room on the disk: no reply is used before it is recorded",
                "free some space and run the same command again; every recorded reply is kept",
            )
            return
        self._size += len(data)
        for entry in batch:
            self._keep(entry)

    def _keep(self, entry: Entry) -> None:
        if entry.status == "answered":
            self.answers.setdefault(entry.request, entry)

    def _take(self, path: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                f"the ledger {path} is in use by another process", "one run at a time", "wait for it, or stop it"
            ) from None


def parse_entries(path: Path) -> tuple[list[Entry], int]:
    """Return a ledger's entries and the size of its whole lines in bytes (a torn last line is left out).

    Raises:
        StoreError: a line that is not the last one is not an entry; names it.
    """
    data = path.read_bytes()
    *lines, _torn = data.split(b"\n")  # whatever follows the last newline was never acknowledged
    entries, size = [], 0
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(_entry(line))
        except ValueError as error:
            if number == len(lines) and size + len(line) + 1 == len(data):
                break  # a block of the last write that reached the disk without the ones before it
            raise StoreError(
                f"{path}:{number}: not a ledger entry ({error})",
                "one JSON object a line, as it was written",
                "restore the file, or move it away: its requests will then be asked, and paid for, again",
            ) from None
        size += len(line) + 1
    return entries, size


def read_answers(folder: Path) -> dict[str, Entry]:
    """Return every answered request in the ledgers of other shards and earlier plans (``folder/*/ledger.jsonl``).

    A ledger that cannot be read has nothing to give here; whoever owns it will be told.
    """
    answers: dict[str, Entry] = {}
    for path in sorted(folder.glob("*/ledger.jsonl")):
        try:
            entries, _ = parse_entries(path)
        except (StoreError, OSError):
            continue
        answers.update((entry.request, entry) for entry in entries if entry.status == "answered")
    return answers


def count_statuses(entries: Iterable[Entry]) -> dict[str, int]:
    """Return how many entries have each status."""
    counts = {"answered": 0, "failed": 0, "retried": 0}
    for entry in entries:
        counts[entry.status] += 1
    return counts


def _line(entry: Entry) -> bytes:
    value = {name: value for name in FIELDS if (value := getattr(entry, name)) is not None}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _entry(line: bytes) -> Entry:
    value: Any = json.loads(line)
    if not isinstance(value, dict) or not {"request", "item", "status", "attempt"} <= value.keys() <= FIELDS.keys():
        raise ValueError("other keys than an entry has")
    if value["status"] not in ("answered", "failed", "retried"):
        raise ValueError(f"status {value['status']!r}")
    if value["status"] == "answered" and not isinstance(value.get("reply"), str):
        raise ValueError("answered without a reply")
    return Entry(**value)
