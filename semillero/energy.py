"""How much time, energy and carbon each artifact took.

The store times every draft through a `Meter`. `CarbonMeter` adds codecarbon's offline tracker; on machines
without RAPL or NVML counters its figure is an estimate from the processor's rated power, and is labelled so.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, Protocol


class Meter(Protocol):
    """Measures what runs inside ``measure``; the dictionary it yields is filled when the block ends."""

    def measure(self, stage: str) -> contextlib.AbstractContextManager[dict[str, Any]]:
        """Yield a dictionary that holds ``seconds`` (and energy, where known) once the block has ended."""
        ...


class TimeOnlyMeter:
    """Wall-clock seconds and nothing else."""

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[dict[str, Any]]:
        """See `Meter.measure`."""
        used: dict[str, Any] = {}
        start = time.perf_counter()
        yield used
        used["seconds"] = round(time.perf_counter() - start, 3)


class CarbonMeter:
    """Seconds, kWh and grams of CO2-equivalent, from one codecarbon tracker a process.

    Args:
        country: ISO 3166 alpha-3 code of where the machine stands; decides grams per kWh.
    """

    def __init__(self, country: str) -> None:
        self._country = country
        self._tracker: Any = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[dict[str, Any]]:
        """See `Meter.measure`. Nested or concurrent blocks get seconds only: the tracker knows one task at a time."""
        used: dict[str, Any] = {}
        owns = self._lock.acquire(blocking=False)
        start = time.perf_counter()
        try:
            if owns:
                self._start(stage)
            yield used
            if owns:
                used.update(self._stop(stage))
        finally:
            if owns:
                if self._tracker is not None and getattr(self._tracker, "_active_task", None):
                    with contextlib.suppress(Exception):  # the block failed: forget its task
                        self._tracker.stop_task(stage)
                self._lock.release()
        used["seconds"] = round(time.perf_counter() - start, 3)

    def _start(self, stage: str) -> None:
        if self._tracker is None:
            from codecarbon import OfflineEmissionsTracker

            logging.getLogger("codecarbon").setLevel(logging.ERROR)  # after the import, which sets it too
            self._tracker = OfflineEmissionsTracker(
                country_iso_code=self._country,
                save_to_file=False,
                log_level="error",
                allow_multiple_runs=True,
            )
        self._tracker.start_task(stage)

    def _stop(self, stage: str) -> dict[str, Any]:
        data = self._tracker.stop_task(stage)
        return {
            "energy_kwh": data.energy_consumed,
            "co2_g": data.emissions * 1000.0,  # codecarbon returns kilograms
            "carbon_country": self._country,
            "energy_method": "codecarbon, machine-wide; rated power × load where no hardware counter exists",
        }
