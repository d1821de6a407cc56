"""What a run will take, told before it starts: the memory plan as a table; time, energy and carbon from earlier runs.

Nothing is guessed from a card's data sheet: without an earlier run on the same device, time and energy are unknown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from semillero.models.shape import Shape
from semillero.training.footprint import GIBIBYTE
from semillero.training.plan import Device, Plan


@dataclass(frozen=True)
class Forecast:
    """Time, energy and carbon of a run.

    Attributes:
        seconds: of training; None without an earlier run on this device.
        energy_kwh, co2_g: None where no earlier run measured them.
        runs: earlier runs it rests on.
    """

    seconds: float | None
    energy_kwh: float | None
    co2_g: float | None
    runs: int


def forecast_run(tokens: int, device: str, facts: Iterable[Mapping[str, Any]]) -> Forecast:
    """Return what training on so many tokens will take, at the median speed of earlier runs on the device.

    Args:
        tokens: of all steps together.
        device: its name, as a run's facts hold it (``cpu`` for a processor).
        facts: of earlier runs: ``device``, ``tokens_per_second``, ``training_seconds``; ``energy_kwh`` and ``co2_g``
            where they were measured.
    """
    runs = [run for run in facts if run.get("device") == device and run.get("tokens_per_second")]
    if not runs:
        return Forecast(None, None, None, 0)
    trained = [run["tokens_per_second"] * run["training_seconds"] for run in runs]
    shares = [
        [run[name] / count if count and isinstance(run.get(name), (int, float)) else None
         for run, count in zip(runs, trained, strict=True)]
        for name in ("energy_kwh", "co2_g")
    ]  # fmt: skip
    energy, carbon = (_median([share for share in found if share is not None]) for found in shares)
    speed = _median([run["tokens_per_second"] for run in runs])
    assert speed is not None
    return Forecast(
        tokens / speed,
        None if energy is None else energy * tokens,
        None if carbon is None else carbon * tokens,
        len(runs),
    )


def plan_table(plan: Plan, shape: Shape, device: Device, forecast: Forecast) -> list[tuple[str, str]]:
    """Return the plan as rows of a table: what, and how much."""
    precision, peak = plan.precision, plan.footprint.peak / GIBIBYTE
    verdict = "fits" if plan.fits else "DOES NOT FIT: name a smaller base, or lower training.max_length"
    measured = "" if device.capability is None else " (predicted; never compared with a card's own figure)"
    rows = [
        ("device", f"{device.name}, {device.gibibytes:.1f} GiB" + (" free" if device.capability is None else "")),
        ("precision", f"{precision.products} products, {precision.weights} elsewhere, float32 adapters"),
        ("micro-batch", f"{plan.layout.batch_tokens} tokens"),
        ("recomputed layers", f"{plan.layout.recomputed_layers} of {shape.layers}"),
        ("optimizer", "AdamW, both moments in float32"),
        ("cross-entropy", "in blocks: whole logits never exist"),
        *((f"memory: {name}", f"{part / GIBIBYTE:.2f} GiB") for name, part in plan.footprint.parts.items() if part),
        ("peak memory", f"{peak:.2f} of {device.room / GIBIBYTE:.2f} GiB: {verdict}{measured}"),
    ]
    if forecast.seconds is None:
        return [*rows, ("time, energy, carbon", "unknown: no earlier run on this device")]
    rows.append(("time", f"{forecast.seconds / 60:.0f} min, by {forecast.runs} earlier run(s) on this device"))
    if forecast.energy_kwh is not None:
        carbon = "" if forecast.co2_g is None else f", {forecast.co2_g:.0f} g CO₂-equivalent"
        rows.append(("energy", f"{forecast.energy_kwh:.3f} kWh{carbon}"))
    return rows


def _median(values: list[float]) -> float | None:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else None
