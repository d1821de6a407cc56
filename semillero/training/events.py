"""What the child says while it works: JSON, one object a line, on a pipe of its own.

The pipe is the child's standard output as it was at the start; afterwards file descriptor 1 points to standard error,
so that a library's ``print`` cannot break the stream.
"""

import json
import os
import sys
import time
from typing import Any

PULSE_SECONDS = 5.0  # of silence after which `Reporter.pulse` is heard


class Silent:
    """The reporter of a process that another one speaks for."""

    def send(self, event: str, **facts: Any) -> None:
        """Say nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def pulse(self) -> None:
        """Say nothing."""


class Reporter(Silent):
    """Writes events to the parent."""

    def __init__(self) -> None:
        self._last = 0.0
        self._pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def send(self, event: str, **facts: Any) -> None:
        """Send one event. A parent that is gone is no reason to lose the step: SIGTERM is on its way."""
        self._last = time.monotonic()
        try:
            self._pipe.write(json.dumps({"event": event, **facts}, ensure_ascii=False) + "\n")
            self._pipe.flush()
        except BrokenPipeError:
            pass

    def say(self, text: str) -> None:
        """Send a line for people."""
        self.send("note", text=text)

    def pulse(self) -> None:
        """Show that this process lives, however long a step takes: the parent ends one that is silent for too long."""
        if time.monotonic() - self._last > PULSE_SECONDS:
            self.send("alive")
