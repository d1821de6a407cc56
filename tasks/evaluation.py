"""Policy of evaluation: deterministic work, so a second try would fail the same way."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.evaluation import evaluate_adapter
from semillero.project import EvaluationSettings, TrainingSettings
from semillero.project.sources import Sources
from semillero.store import Artifact, RunStore
from tasks.page import show_figure, show_markdown
from tasks.policy import STORED, settled


@task(name="evaluate", task_run_name="evaluate", **STORED)
def evaluate(
    store: RunStore,
    dataset: Artifact,
    adapter: Artifact,
    training: TrainingSettings,
    settings: EvaluationSettings,
    sources: Sources,
) -> State[Any]:
    """Compare the tuned model with its base on the held-out split; show table and figure."""
    evaluation = evaluate_adapter(store, dataset, adapter, training, settings, sources)
    if not evaluation.reused:
        folder = store.folder(evaluation)
        show_markdown("evaluation", (folder / "evaluation.md").read_text(encoding="utf-8"), "Base against tuned")
        show_figure("evaluation-loss", folder / "figures" / "evaluation.png", "Held-out loss by variety")
    return settled(evaluation)
