"""Seconds by step, for `run.json` and the benchmark."""

import time
from collections import defaultdict


class Laps:
    """A stopwatch: each `lap` names what the time since the lap before was spent on."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Add the time since the last lap to ``name``."""
        now = time.perf_counter()
        self.seconds[name] += now - self._last
        self._last = now
