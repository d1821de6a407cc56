"""Policy of curation: pure work on local files, so nothing to retry."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from prefect import task
from prefect.client.schemas.objects import State

from semillero.curation import curate_records
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.store import Artifact, RunStore
from tasks.page import show_table
from tasks.policy import STORED, settled


@task(name="curate", task_run_name="curate", **STORED)
def curate(store: RunStore, shards: Sequence[Artifact], sources: Sources, corpus: CorpusSettings) -> State[Any]:
    """Curate the shards; show why rows were rejected."""
    curated = curate_records(store, shards, sources, corpus)
    if not curated.reused:
        rejected = pl.read_parquet(store.folder(curated) / "rejected.parquet")
        reasons = rejected.group_by("variety", "reason").len("rows").sort("variety", "reason")
        rows = [{"variety": "all", "reason": name, "rows": n} for name, n in curated.counts.items()]
        show_table("curation", rows + reasons.to_dicts(), "answered = accepted + rejected; one reason a rejected row")
    return settled(curated)
