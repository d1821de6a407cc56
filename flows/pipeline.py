"""The whole pipeline, in the order of the README's diagram."""

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.steps import Step, open_run, shard_groups
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.project.sources import Sources
from tasks.cards import cards
from tasks.curation import curate
from tasks.dataset import dataset
from tasks.demo import demo
from tasks.evaluation import evaluate
from tasks.generation import generate
from tasks.judging import judge
from tasks.publishing import publish
from tasks.reporting import report
from tasks.review import review
from tasks.submission import submit
from tasks.training import train


def name_run() -> str:
    """Return what the page calls a run: its project, and what is special about it."""
    given = flow_run.parameters
    special = [f"{key} {given[key]}" for key in ("until", "only") if given.get(key) not in (None, "submit")]
    special += ["smoke"] if given.get("smoke") else []
    file = Path(given["project_file"])
    return " · ".join([file.parent.name if file.stem == "semillero" else file.stem, *special])


@flow(name="semillero", flow_run_name=name_run, persist_result=False)
def pipeline(
    project_file: str = "semillero.yaml", until: str = "submit", only: str | None = None, smoke: bool = False
) -> State[Any]:
    """Grow a project: make what its project file asks for and the run store does not have yet.

    Args:
        project_file: path of the project file.
        until: last stage to make.
        only: make this stage alone; every stage before it must be in the run store.
        smoke: the same stages on a handful of rows, in a run store of its own.

    Returns:
        Completed; WaitingForPeople or TrainingPaused: completed too, so that nothing is held or retried; data: a report
        a stage.
    """
    with open_run(project_file, until=until, only=only, smoke=smoke) as (project, sources, step):
        grow(project, sources, step)
    if step.waiting:
        return Completed(name=step.waiting.state, message=step.waiting.message, data=step.reports)
    return Completed(data=step.reports)


def grow(project: Project, sources: Sources, step: Step) -> None:
    """Take every stage in order; ``step`` decides whether that means making, checking or explaining it."""
    corpus, training = project.corpus, project.training

    shards = step.each(generate, shard_groups(corpus, sources), corpus)
    curated = step(curate, shards, sources, corpus)
    scores = step(judge, curated, corpus.judge, corpus.budget)
    reviewed = step(review, curated, scores, project)
    built = step(dataset, reviewed, sources, corpus)
    told = step(report, curated, reviewed, corpus, project.report)

    adapter = evaluation = None
    if training.enabled:  # otherwise a corpus-only project
        adapter = step(train, built, training)
        evaluation = step(evaluate, built, adapter, training, project.evaluation, sources)

    outputs = Outputs(tuple(shards), curated, scores, reviewed, built, adapter, evaluation, told)
    written = step(cards, project, outputs)
    space = step(demo, project, outputs)
    published = step(publish, project, outputs, written, space)
    step(submit, project, outputs, published)
