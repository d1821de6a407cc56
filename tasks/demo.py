"""Policy of the demo: the Space's folder is copied and checked, so nothing to retry."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.demo import build_space
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import RunStore
from tasks.policy import STORED, settled


@task(name="demo", task_run_name="demo", **STORED)
def demo(store: RunStore, project: Project, outputs: Outputs) -> State[Any]:
    """Build the Space's folder, or skip in a corpus-only project."""
    return settled(build_space(store, project, outputs), skipped="a corpus-only project has no model to show")
