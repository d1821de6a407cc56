"""Commands that only look: where the stages stand, why one would be made again, what the jury would say."""

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.server import apply_settings
from semillero.errors import InputError
from semillero.outputs import Outputs
from semillero.project import Project, load_project
from semillero.project.sources import load_sources
from semillero.store import Artifact, Recipe, RunStore

if TYPE_CHECKING:  # importing the flow imports Prefect, which must read its settings first
    from flows.steps import DrySteps, StageReport
    from semillero.submission import Score


@dataclass(frozen=True)
class Explanation:
    """Why a stage would be reused or made again: one line a reason."""

    stage: str
    outcome: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The explanation as a JSON value."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join([f"{self.stage}: {self.outcome}", *(f"  - {reason}" for reason in self.reasons)])


def look_at_stages(file: Path) -> "list[StageReport]":
    """Return how every stage stands, making nothing."""
    return _walk(file)[2].reports


def explain_stage(file: Path, stage: str) -> Explanation:
    """Compare what a stage would be made from now with what it was made from last."""
    _, store, step = _walk(file)
    report = next((r for r in step.reports if r.stage == stage), None)
    if report is None or report.outcome == "skipped":
        return Explanation(stage, "would be skipped", ("the project file turns it off",))
    if report.outcome == "reused":
        reused = [f"inputs, settings and version are those of {path}" for path in report.paths]
        return Explanation(stage, "would be reused", tuple(reused))
    if report.outcome == "awaits people":
        return Explanation(stage, report.outcome, (report.summary,))
    if report.outcome == "waits":
        first = next(r for r in step.reports if r.outcome in ("to make", "awaits people"))
        if first.outcome == "awaits people":
            return Explanation(stage, f"depends on {first.stage}, which awaits people", (first.summary,))
        return Explanation(stage, f"depends on {first.stage}", (f"{first.stage} would be made again first",))
    last = store.last(stage)
    reasons = [line for recipe in report.recipes for line in _differences(recipe, last.get(recipe.part))]
    if report.paths:
        reasons.append(f"{len(report.paths)} parts would be reused")
    return Explanation(stage, "would be made again" if last else "was never made", tuple(reasons))


def newest_outputs(file: Path) -> tuple[Project, RunStore, Outputs | None, Artifact | None]:
    """Return what the run store has for the project file as it stands: the outputs (or None) and the Space."""
    project, store, step = _walk(file)
    return project, store, _gather(step.found), next(iter(step.found.get("demo", [])), None)


def newest_publication(file: Path) -> tuple[Project, RunStore, Outputs, Artifact, Artifact | None]:
    """Return what publishing takes: project, run store, outputs, cards and the Space.

    Raises:
        InputError: an earlier stage is not up to date.
    """
    project, store, step = _walk(file)
    written = step.found.get("cards")
    outputs = _gather(step.found)
    if outputs is None or not written or (project.training.enabled and "demo" not in step.found):
        raise InputError(f"{file} has nothing to publish yet", "a finished run", f"semillero run {file} --until demo")
    return project, store, outputs, written[0], next(iter(step.found.get("demo", [])), None)


def newest_inputs_of_review(file: Path) -> tuple[Project, Artifact | None, Artifact | None]:
    """Return what review decides about as things stand: the curated rows, or None, and the scores, or None."""
    project, _, step = _walk(file)
    if "curate" not in step.found or (project.corpus.judge.kind != "none" and "judge" not in step.found):
        return project, None, None
    return project, step.found["curate"][0], next(iter(step.found.get("judge", [])), None)


def look_at_score(file: Path) -> "Score":
    """Return the rubric's score of what is there now."""
    from semillero.submission import score_project

    project, store, outputs, _ = newest_outputs(file)
    return score_project(store, project, outputs)


def _walk(file: Path) -> "tuple[Project, RunStore, DrySteps]":
    project = load_project(file)
    sources = load_sources(project)
    store = RunStore(project.store_root, dry=True)
    apply_settings()
    from flows.pipeline import grow
    from flows.steps import DrySteps, Reached

    step = DrySteps(store)
    with contextlib.suppress(Reached):
        grow(project, sources, step)
    return project, store, step


def _gather(found: dict[str, list[Artifact]]) -> Outputs | None:
    if "dataset" not in found:
        return None

    def one(stage: str) -> Artifact | None:
        return next(iter(found.get(stage, [])), None)

    return Outputs(
        shards=tuple(found["generate"]),
        curated=found["curate"][0],
        scores=one("judge"),
        reviewed=found["review"][0],
        dataset=found["dataset"][0],
        adapter=one("train"),
        evaluation=one("evaluate"),
        report=one("report"),
    )


def _differences(recipe: Recipe, last: dict[str, Any] | None) -> list[str]:
    name = recipe.part or recipe.stage
    if last is None:
        return [f"{name}: not made before"]
    before, now = last["recipe"], recipe.as_json()
    if before == now:
        return [f"{name}: its files are missing or damaged"]
    lines = []
    if before["version"] != now["version"]:
        lines.append(f"{name}: stage version {before['version']} → {now['version']}")
    for kind in ("inputs", "settings"):
        old, new = _flatten(before[kind]), _flatten(now[kind])
        changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        lines += [f"{name}: {kind[:-1]} {key}: {_short(old.get(key))} → {_short(new.get(key))}" for key in changed]
    return lines


def _flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat |= _flatten(item, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = item
    return flat


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:16]}…{text[-8:]}"
