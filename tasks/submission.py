"""Policy of the submission sheet: written from facts at hand, so nothing to retry."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import Artifact, RunStore
from semillero.submission import write_submission
from tasks.page import show_markdown
from tasks.policy import STORED, settled


@task(name="submit", task_run_name="submit", **STORED)
def submit(store: RunStore, project: Project, outputs: Outputs, published: Artifact) -> State[Any]:
    """Write the submission sheet and the rubric's score; show the sheet."""
    sheet = write_submission(store, project, outputs, published)
    if not sheet.reused:
        text = (store.folder(sheet) / "submission.md").read_text(encoding="utf-8")
        show_markdown("submission", text, "Submission sheet")
    return settled(sheet)
