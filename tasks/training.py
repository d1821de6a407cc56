"""Policy of training: a child stopped with a checkpoint is started again and goes on from it."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.project import TrainingSettings
from semillero.store import Artifact, RunStore
from semillero.training import finetune_adapter
from tasks.page import show_figure
from tasks.policy import RETRIED, settled


@task(name="train", **RETRIED)
def train(store: RunStore, dataset: Artifact, settings: TrainingSettings) -> State[Any]:
    """Fine-tune the adapter in a child process; show the loss."""
    adapter = finetune_adapter(store, dataset, settings)
    if not adapter.reused:
        show_figure("training-loss", store.folder(adapter) / "figures" / "loss.png", "Loss by optimizer step")
    return settled(adapter)
