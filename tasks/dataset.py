"""Policy of the dataset: pure work on local files, so nothing to retry; its figures go to the page."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.corpus import build_dataset
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.store import Artifact, RunStore
from tasks.page import show_figure, show_table
from tasks.policy import STORED, settled


@task(name="dataset", task_run_name="dataset", **STORED)
def dataset(store: RunStore, reviewed: Artifact, sources: Sources, corpus: CorpusSettings) -> State[Any]:
    """Split the kept rows; show the counts and the figures."""
    built = build_dataset(store, reviewed, sources, corpus)
    if not built.reused:
        show_table("dataset", [dict(built.counts)], "kept = train + validation + test")
        for figure in sorted((store.folder(built) / "figures").glob("*.png")):
            show_figure(f"dataset-{figure.stem.replace('_', '-')}", figure, figure.stem.replace("_", " "))
    return settled(built)
