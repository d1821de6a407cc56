"""How one stage after another is taken: run as a Prefect task, or only looked at (``status``, ``explain``).

Both walk the same order (`flows.pipeline.grow`), so what ``explain`` says is what a run would do.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from prefect.tasks import Task

from semillero.energy import CarbonMeter
from semillero.errors import InputError
from semillero.generation import ShardPlan, plan_shards
from semillero.processes import signals_reach_children
from semillero.progress import say
from semillero.project import CorpusSettings, Project, load_project
from semillero.project.sources import Sources, load_sources
from semillero.store import Artifact, Recipe, RunStore, WouldMake
from tasks.policy import WAITING, Waiting, describe_counts

STAGES = (
    "generate", "curate", "judge", "review", "dataset", "report", "train", "evaluate", "cards", "demo", "publish",
    "submit",
)  # fmt: skip
GROUP_REQUESTS = 5000  # each group has a ramp and a tail; what a retry repeats at most is one shard
ShardGroup = tuple[str, tuple[ShardPlan, ...]]


@dataclass(frozen=True)
class StageReport:
    """How a stage ended.

    ``made``, ``reused``, ``skipped``, ``awaits people`` or ``paused``; when only looked at, also ``to make`` and
    ``waits`` (for an earlier stage).
    """

    stage: str
    outcome: str
    summary: str = ""
    seconds: float = 0.0
    paths: tuple[str, ...] = ()
    recipes: tuple[Recipe, ...] = field(default=(), compare=False)  # of what would be made


class Step(Protocol):
    """Takes one stage; see `RunSteps` and `DrySteps`."""

    def __call__(self, task: Task[..., Any], *args: Any) -> Any:
        """Take a stage with one artifact (or None when it is skipped)."""
        ...

    def each(self, task: Task[..., Any], groups: Sequence[ShardGroup], *args: Any) -> list[Artifact]:
        """Take a stage in groups; returns the artifacts of all."""
        ...


class Reached(Exception):  # not an error
    """The run ends here: the last stage that was asked for is done, or people are awaited."""


class RunSteps:
    """Runs each stage as a Prefect task, tells the terminal how it ended, and stops after ``until``."""

    def __init__(self, store: RunStore, until: str, only: str | None) -> None:
        self.reports: list[StageReport] = []
        self.waiting: Waiting | None = None
        self._store, self._until, self._only = store, only or until, only
        self._read_only = RunStore(store.root, dry=True)

    def __call__(self, task: Task[..., Any], *args: Any) -> Any:
        """See `Step`."""
        start = time.perf_counter()
        artifact = self._submit(task, args)
        if isinstance(artifact, Waiting):
            self.waiting = artifact
            outcome = "awaits people" if artifact.state == WAITING else "paused"
            self.reports.append(StageReport(task.name, outcome, artifact.message.splitlines()[0]))
            say_report(self.reports[-1])
            raise Reached
        self._report(task.name, [artifact] if artifact else [], time.perf_counter() - start)
        return artifact

    def each(self, task: Task[..., Any], groups: Sequence[ShardGroup], *args: Any) -> list[Artifact]:
        """See `Step`. Groups run one after another: each already keeps its endpoint as busy as it allows."""
        start = time.perf_counter()
        artifacts = [a for label, plans in groups for a in self._submit(task, (label, plans, *args))]
        self._report(task.name, artifacts, time.perf_counter() - start)
        return artifacts

    def _submit(self, task: Task[..., Any], args: tuple[Any, ...]) -> Any:
        store = self._read_only if self._only and task.name != self._only else self._store
        try:
            # A future, not a call: a call would hand back the *Cached* state instead of its artifact.
            return task.submit(store, *args).result()
        except WouldMake:
            raise InputError(
                f"--only {self._only}: the stage {task.name} before it is not up to date",
                "every earlier stage in the run store",
                f"semillero run --until {self._only}",
            ) from None

    def _report(self, stage: str, artifacts: list[Artifact], seconds: float) -> None:
        outcome = "skipped" if not artifacts else "reused" if all(a.reused for a in artifacts) else "made"
        report = StageReport(
            stage, outcome, describe_counts(artifacts), round(seconds, 1), tuple(a.path for a in artifacts)
        )
        self.reports.append(report)
        say_report(report)
        if stage == self._until:
            raise Reached


class DrySteps:
    """Looks at each stage without making anything; stages after a missing one wait for it."""

    def __init__(self, store: RunStore) -> None:
        self.reports: list[StageReport] = []
        self.found: dict[str, list[Artifact]] = {}
        self._store = store

    def __call__(self, task: Task[..., Any], *args: Any) -> Any:
        """See `Step`."""
        artifacts, missing = self._look(task, args)
        self._report(task.name, artifacts, missing)
        return artifacts[0] if artifacts else None

    def each(self, task: Task[..., Any], groups: Sequence[ShardGroup], *args: Any) -> list[Artifact]:
        """See `Step`."""
        found: list[Artifact] = []
        missing: list[Recipe] = []
        for label, plans in groups:
            for plan in plans:  # one by one, so that every missing shard is named
                artifacts, lacking = self._look(task, (label, (plan,), *args))
                found += artifacts
                missing += lacking
        self._report(task.name, found, missing)
        return found

    def _look(self, task: Task[..., Any], args: tuple[Any, ...]) -> tuple[list[Artifact], list[Recipe]]:
        try:
            made = task.fn(self._store, *args).data
        except WouldMake as would:
            return [], [would.recipe]
        if isinstance(made, Waiting):
            self.reports.append(StageReport(task.name, "awaits people", made.message.splitlines()[0]))
            self._add_waiting(task.name)
            raise Reached
        return ([made] if isinstance(made, Artifact) else list(made or ())), []

    def _report(self, stage: str, found: list[Artifact], missing: list[Recipe]) -> None:
        outcome = "to make" if missing else "reused" if found else "skipped"
        paths = tuple(a.path for a in found)
        summary = describe_counts(found)
        self.reports.append(StageReport(stage, outcome, summary, paths=paths, recipes=tuple(missing)))
        if found and not missing:
            self.found[stage] = found
        if missing:
            self._add_waiting(stage)
            raise Reached

    def _add_waiting(self, stage: str) -> None:
        done = [r.stage for r in self.reports]
        self.reports += [StageReport(s, "waits", f"for {stage}") for s in STAGES if s not in done]


@contextlib.contextmanager
def open_run(
    project_file: str, until: str, only: str | None, smoke: bool
) -> Iterator[tuple[Project, Sources, RunSteps]]:
    """Open a project for one run: its file, its sources and its store, locked until the run ends.

    Raises:
        InputError: a stage that does not exist, a project file or a source that cannot be used.
        StoreError: another run holds the store.
    """
    for stage in (until, only):
        if stage is not None and stage not in STAGES:
            raise InputError(f"no stage {stage!r}", f"one of {', '.join(STAGES)}")
    project = load_project(Path(project_file))
    if smoke:
        project = project.as_smoke()
    sources = load_sources(project)
    store = RunStore(project.store_root, CarbonMeter(project.project.country))
    step = RunSteps(store, until, only)
    with store.lock(), signals_reach_children(), contextlib.suppress(Reached):
        yield project, sources, step


def shard_groups(corpus: CorpusSettings, sources: Sources) -> list[ShardGroup]:
    """Return the planned shards in groups of about `GROUP_REQUESTS`: a task a group, not a task a shard."""
    groups: list[list[ShardPlan]] = [[]]
    for plan in plan_shards(corpus, sources):
        if sum(len(p.items) for p in groups[-1]) >= GROUP_REQUESTS:
            groups.append([])
        groups[-1].append(plan)
    return [(f"{number} of {len(groups)}", tuple(plans)) for number, plans in enumerate(groups, start=1)]


def say_report(report: StageReport) -> None:
    """Print how a stage ended."""
    marks = {
        "made": "[green]✓[/]",
        "reused": "[cyan]=[/]",
        "skipped": "[dim]–[/]",
        "awaits people": "[yellow]…[/]",
        "paused": "[yellow]…[/]",
    }
    took = f"[dim]{report.seconds:.1f} s[/]" if report.outcome == "made" else f"[dim]{report.outcome}[/]"
    say(f"{marks.get(report.outcome, ' ')} {report.stage:<9} {report.summary}  {took}")
