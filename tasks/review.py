"""Policy of review: Argilla may be down for a moment (retried), and waiting for people is not a failure."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.errors import WaitingForPeople
from semillero.project import Project
from semillero.review import review_by_people, review_records
from semillero.store import Artifact, RunStore
from tasks.page import show_markdown
from tasks.policy import RETRIED, WAITING, awaiting, settled


@task(name="review", task_run_name="review", **RETRIED)
def review(store: RunStore, curated: Artifact, scores: Artifact | None, project: Project) -> State[Any]:
    """Decide which rows stay, or wait for the people who decide."""
    if project.review.mode == "automatic":
        return settled(review_records(store, curated, scores, project.review))
    try:
        return settled(review_by_people(store, curated, scores, project))
    except WaitingForPeople as waiting:
        show_markdown("waiting-for-reviewers", f"```\n{waiting}\n```", "What the run waits for")
        return awaiting(waiting, WAITING)
