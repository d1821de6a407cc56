"""Policy of review: a verdict by rule is never retried."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.project import ReviewSettings
from semillero.review import review_records
from semillero.store import Artifact, RunStore
from tasks.policy import STORED, settled


@task(name="review", **STORED)
def review(store: RunStore, curated: Artifact, scores: Artifact | None, settings: ReviewSettings) -> State[Any]:
    """Decide which rows stay."""
    return settled(review_records(store, curated, scores, settings))
