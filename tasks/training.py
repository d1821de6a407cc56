"""Policy of training: stopped with a checkpoint, it goes on in a new child at once; out of time, in the next run."""

from typing import Any

from prefect import runtime, task
from prefect.client.schemas.objects import State

from semillero.errors import TrainingPaused
from semillero.project import TrainingSettings
from semillero.store import Artifact, RunStore
from semillero.training import finetune_adapter
from tasks.page import show_figure, show_markdown, show_progress
from tasks.policy import PAUSED, RETRIED, awaiting, settled


@task(name="train", task_run_name="train", **RETRIED)
def train(store: RunStore, dataset: Artifact, settings: TrainingSettings) -> State[Any]:
    """Fine-tune the adapter in a child process; show its progress and its loss."""
    try:
        adapter = finetune_adapter(store, dataset, settings, show_progress("training-progress", "optimizer steps"))
    except TrainingPaused as paused:
        if paused.retryable and 1 <= runtime.task_run.run_count <= RETRIED["retries"]:
            raise  # somebody stopped the child alone: Prefect's retry goes on from its checkpoint
        show_markdown("training-paused", f"```\n{paused}\n```", "What the next run goes on with")
        return awaiting(paused, PAUSED)
    if not adapter.reused:
        show_figure("training-loss", store.folder(adapter) / "figures" / "loss.png", "Loss by optimizer step")
    return settled(adapter)
