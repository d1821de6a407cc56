"""One run at a time on a run store: a lock with an owner.

On local disk the lock is ``flock``: the kernel releases it when its process dies, however it dies. On a shared
store it is a lease: an object created only if absent, with an owner and an expiry, renewed while the run lives.
"""

import json
import os
import socket
import threading
import time
from types import TracebackType
from typing import Any
from uuid import uuid4

import fsspec
from filelock import FileLock, Timeout

from semillero.errors import StoreError

LEASE_SECONDS = 120.0


def describe_owner() -> dict[str, Any]:
    """Return who holds a lock taken now: host, pid, start time (UTC, ISO 8601) and a token of its own."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": now, "token": uuid4().hex}


class RunLock:
    """Context manager that holds the run store for one run.

    Raises:
        StoreError: another run holds it; the message says who.
    """

    def __init__(self, fs: Any, folder: str, local: bool, lease_seconds: float = LEASE_SECONDS) -> None:
        self._fs, self._path, self._local = fs, f"{folder}/run.lock", local
        self._owner_path = f"{folder}/run.owner.json"
        self._lease_seconds = lease_seconds
        self._owner = describe_owner()
        self._flock: FileLock | None = None
        self._stop = threading.Event()
        self._renewer: threading.Thread | None = None

    def __enter__(self) -> "RunLock":
        if self._local:
            self._take_flock()
        else:
            self._take_lease()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._flock:
            self._flock.release()
            return
        self._stop.set()
        if self._renewer:
            self._renewer.join()
        if self._read(self._path).get("token") == self._owner["token"]:
            self._fs.rm_file(self._path)

    def _take_flock(self) -> None:
        self._fs.makedirs(os.path.dirname(self._path), exist_ok=True)
        lock = FileLock(self._path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise self._held_by(self._read(self._owner_path)) from None
        self._flock = lock
        self._fs.pipe_file(self._owner_path, json.dumps(self._owner).encode())

    def _take_lease(self) -> None:
        for _ in range(3):
            try:
                self._fs.pipe_file(self._path, self._lease(), mode="create")  # fails when the object exists
            except FileExistsError:
                held = self._read(self._path)
                if held.get("expires", 0.0) > time.time():
                    raise self._held_by(held) from None
                # Expired. Only one process may break it: the first to claim this very token.
                claim = f"{self._path}.broken-{held.get('token', 'unreadable')}"
                try:
                    self._fs.pipe_file(claim, b"", mode="create")
                except FileExistsError:
                    raise self._held_by(held) from None
                self._fs.rm_file(self._path)
                continue
            self._renewer = threading.Thread(target=self._renew, daemon=True, name="run-lease")
            self._renewer.start()
            return
        raise StoreError(f"the lease {self._path} changes hands too fast", "", "run the command again")

    def _renew(self) -> None:
        while not self._stop.wait(self._lease_seconds / 4):
            self._fs.pipe_file(self._path, self._lease())

    def _lease(self) -> bytes:
        return json.dumps({**self._owner, "expires": time.time() + self._lease_seconds}).encode()

    def _read(self, path: str) -> dict[str, Any]:
        try:
            self._fs.invalidate_cache()
            value = json.loads(self._fs.cat_file(path))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _held_by(self, owner: dict[str, Any]) -> StoreError:
        who = f"pid {owner.get('pid', '?')} on {owner.get('host', '?')} since {owner.get('since', '?')}"
        return StoreError(
            f"another run is using this run store: {who}",
            "one run at a time",
            "wait for it, or stop that process; a lock whose process is dead frees itself",
        )


def lock_for(root: str) -> RunLock:
    """Return the run lock of the store at ``root`` (a path or an fsspec URL)."""
    fs, path = fsspec.core.url_to_fs(root)
    return RunLock(fs, f"{path}/locks", local=is_local(fs))


def is_local(fs: Any) -> bool:
    """Tell whether an fsspec file system is this machine's disk."""
    protocol = fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)
    return "file" in protocol
