"""Energy and carbon of every stage, from what the store measured while each artifact was made.

These differ from run to run, so they are told in the cards and left out of ``facts.json``. What was not measured is
said to be unknown; it is never counted as zero.
"""

from dataclasses import dataclass

from semillero.outputs import Outputs
from semillero.store import RunStore


@dataclass(frozen=True)
class StageImpact:
    """What one stage used.

    Attributes:
        stage: its name.
        seconds: wall-clock seconds, None when no artifact of it was timed.
        energy_kwh, co2_g: kilowatt-hours and grams of CO2-equivalent, None when unknown.
        measured, parts: how many of its artifacts have an energy figure, of how many.
    """

    stage: str
    seconds: float | None
    energy_kwh: float | None
    co2_g: float | None
    measured: int
    parts: int


@dataclass(frozen=True)
class Impact:
    """What the whole project used; see `StageImpact` for the units."""

    stages: tuple[StageImpact, ...]
    total: StageImpact
    country: str | None
    method: str | None
    hardware: str | None

    @property
    def complete(self) -> bool:
        """Tell whether every artifact has an energy figure."""
        return self.total.measured == self.total.parts


def measure_impact(store: RunStore, outputs: Outputs) -> Impact:
    """Return energy and carbon by stage, in the order the stages ran, and in total."""
    by_stage: dict[str, list[dict[str, object]]] = {}
    facts = []
    for artifact in outputs:
        facts.append(store.run_facts(artifact))
        by_stage.setdefault(artifact.stage, []).append(facts[-1])
    stages = tuple(_add_up(stage, parts) for stage, parts in by_stage.items())
    return Impact(
        stages=stages,
        total=_add_up("total", facts),
        country=_first(facts, "carbon_country"),
        method=_first(facts, "energy_method"),
        hardware=_describe_hardware(facts),
    )


def _add_up(stage: str, parts: list[dict[str, object]]) -> StageImpact:
    def total(name: str) -> float | None:
        known = [float(part[name]) for part in parts if isinstance(part.get(name), (int, float))]  # type: ignore[arg-type]
        return sum(known) if known else None

    measured = sum(isinstance(part.get("energy_kwh"), (int, float)) for part in parts)
    return StageImpact(stage, total("seconds"), total("energy_kwh"), total("co2_g"), measured, len(parts))


def _first(facts: list[dict[str, object]], name: str) -> str | None:
    return next((str(part[name]) for part in facts if part.get(name)), None)


def _describe_hardware(facts: list[dict[str, object]]) -> str | None:
    found = {f"{part.get('machine')}, {part.get('cores')} CPU cores" for part in facts if part.get("cores")}
    return "; ".join(sorted(found)) or None
