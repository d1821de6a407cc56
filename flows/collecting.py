"""Between two runs: keep what reviewers have answered, and start the pipeline once it is enough."""

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.states import Completed

from flows.reviewing import find_review, people_project
from semillero.review.quorum import describe
from semillero.store import RunStore
from tasks.collecting import collect_answers
from tasks.policy import WAITING


@flow(name="semillero-responses", persist_result=False)
def responses(project_file: str, deployment: str = "") -> State[Any]:
    """Back up every answer; when there are enough, start the deployment that goes on with them.

    Args:
        project_file: path of the project file.
        deployment: ``FLOW/NAME`` of the pipeline to start, or nothing to start none.
    """
    file = Path(project_file)
    project = people_project(file)
    collected: Any = collect_answers.submit(RunStore(project.store_root), project).result()
    standing = find_review(file)
    if not standing.quorum.reached:
        return Completed(name=WAITING, message=describe(standing.quorum))
    if deployment:
        # The key makes it one pipeline run for the same answers, however often this flow runs.
        run_deployment(deployment, timeout=0, idempotency_key=f"{deployment}-{collected.content}", as_subflow=False)
    return Completed(message=describe(standing.quorum))
