"""Child processes that never outlive their parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def dies_with_parent() -> Callable[[], None]:
    """Return a ``preexec_fn`` after which the kernel terminates the child when its parent dies (Linux only).

    A killed run must not leave servers or a training child behind, and ``atexit`` does not run on SIGKILL.
    The kernel counts the *thread* that forks as the parent: start and stop such a child in one thread.
    """
    parent = os.getpid()

    def ask_kernel() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before the call
                os._exit(1)

    return ask_kernel
