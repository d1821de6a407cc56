"""Policy of curation: pure work on local files, so nothing to retry."""

from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.curation import curate_records
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.reporting.curated import describe_curation
from semillero.store import Artifact, RunStore
from tasks.page import show_markdown
from tasks.policy import STORED, settled


@task(name="curate", task_run_name="curate", **STORED)
def curate(store: RunStore, shards: Sequence[Artifact], sources: Sources, corpus: CorpusSettings) -> State[Any]:
    """Curate the shards; show what each variety lost and why, with rows to read."""
    curated = curate_records(store, shards, sources, corpus)
    if not curated.reused:
        show_markdown("curation", describe_curation(store.folder(curated)), "What stays, what leaves and why")
    return settled(curated)
