"""Policy of generation: a group of shards a task; a failing endpoint is retried, a bad request is not."""

from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.generation import ShardPlan, generate_shards
from semillero.project import CorpusSettings
from semillero.store import RunStore
from tasks.page import show_table
from tasks.policy import RETRIED, settled


@task(name="generate", task_run_name="generate {label}", **RETRIED)
def generate(store: RunStore, label: str, plans: Sequence[ShardPlan], corpus: CorpusSettings) -> State[Any]:
    """Generate a group of shards; every reply already in a shard's ledger is used again."""
    shards = generate_shards(store, plans, corpus)
    if not all(shard.reused for shard in shards):
        rows = [{"shard": shard.part, **shard.counts} for shard in shards]
        key = f"generation-{label.replace(' ', '-')}"
        show_table(key, rows, "Shards: requested = answered + failed")
    return settled(shards)
