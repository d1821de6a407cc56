"""Policy of the cards: written from facts at hand, so nothing to retry."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.cards import write_cards
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import RunStore
from tasks.policy import STORED, settled


@task(name="cards", task_run_name="cards", **STORED)
def cards(store: RunStore, project: Project, outputs: Outputs) -> State[Any]:
    """Write the dataset card and the model card, in Spanish and English."""
    return settled(write_cards(store, project, outputs))
