"""Policy of collecting answers: Argilla may be down for a while, and what was collected is on the page."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.project import Project
from semillero.review.people import collect
from semillero.store import RunStore
from tasks.policy import RETRIED, settled


@task(name="collect", task_run_name="collect", **RETRIED)
def collect_answers(store: RunStore, project: Project) -> State[Any]:
    """Keep what reviewers have answered so far."""
    return settled(collect(store, project))
