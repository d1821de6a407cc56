"""Child processes that never outlive their parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

PR_SET_PDEATHSIG = 1
_children: "set[subprocess.Popen[Any]]" = set()
_told = False  # a plain flag: an Event's lock must not be taken in a signal handler


def dies_with_parent(by: signal.Signals = signal.SIGTERM, parent: int | None = None) -> Callable[[], None]:
    """Return a ``preexec_fn`` after which the kernel terminates the child when its parent dies (Linux only).

    A child that is running already calls it with its parent's pid, and what it returns.

    A killed run must not leave servers or a training child behind, and ``atexit`` does not run on SIGKILL.
    The kernel counts the *thread* that forks as the parent: start and stop such a child in one thread.
    """
    expected = os.getpid() if parent is None else parent

    def ask_kernel() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)
            if os.getppid() != expected:  # it died before the call
                os._exit(1)

    return ask_kernel


@contextlib.contextmanager
def signals_reach_children() -> Iterator[None]:
    """While inside, SIGTERM and SIGINT to this process reach its registered children too, before all else.

    A task's thread waits for its child and sees no signal; the main thread gets it, and then waits for the task.
    Outside the main thread nothing changes.
    """
    global _told
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def forward(number: int, frame: FrameType | None) -> None:
        global _told
        _told = True
        for child in list(_children):
            with contextlib.suppress(OSError):
                child.send_signal(number)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        elif handler == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    _told = False
    for number in before:
        signal.signal(number, forward)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def told_with_parent(child: "subprocess.Popen[Any]") -> Iterator[None]:
    """While inside, the child is told when this process is asked to end (see `signals_reach_children`)."""
    _children.add(child)
    try:
        yield
    finally:
        _children.discard(child)


def was_told_to_stop() -> bool:
    """Tell whether this process was asked to end while `signals_reach_children` was active."""
    return _told
