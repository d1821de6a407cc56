"""Policy of judging: an endpoint that fails is retried; replies already in the ledger are used again."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.judging import judge_records
from semillero.project import BudgetSettings, JudgeSettings
from semillero.store import Artifact, RunStore
from tasks.policy import RETRIED, settled


@task(name="judge", task_run_name="judge", **RETRIED)
def judge(store: RunStore, curated: Artifact, settings: JudgeSettings, budget: BudgetSettings) -> State[Any]:
    """Score the accepted rows, or skip when the project names no judge."""
    return settled(judge_records(store, curated, settings, budget), skipped="corpus.judge.kind is none")
