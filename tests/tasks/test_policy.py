"""What tasks add to the stage functions: the Cached state, retries for what may pass, and no retry for the rest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.client.schemas.objects import State

from semillero.errors import GenerationError, InputError
from semillero.store import Artifact, Recipe, RunStore
from tasks.policy import RETRIED, STORED, describe_counts, settled

pytestmark = pytest.mark.usefixtures("prefect_server")
QUICK = {**RETRIED, "retry_delay_seconds": 0.01}


def make(store: RunStore, version: int = 1) -> Artifact:
    recipe = Recipe("test", version, {}, {})
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        (draft.path / "data.txt").write_text("x")
        draft.counts["rows"] = 1
    return draft.artifact


@task(name="stored", **STORED)
def stored(store: RunStore, version: int) -> State[Any]:
    return settled(make(store, version))


def run_in_flow(call: Callable[[], Any]) -> Any:
    @flow(name="test", persist_result=False)
    def testing() -> list[Any]:
        return [call()]

    return testing()[0]


def test_a_second_call_is_cached_and_a_new_version_is_not(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))

    def states() -> list[tuple[str, int]]:
        futures = []
        for version in (1, 1, 2):
            future = stored.submit(store, version)
            future.wait()
            futures.append(future)
        return [(future.state.name, future.result().counts["rows"]) for future in futures]

    assert run_in_flow(states) == [("Completed", 1), ("Cached", 1), ("Completed", 1)]


def test_a_damaged_artifact_is_not_cached(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))
    (store.folder(make(store)) / "data.txt").write_text("y")

    def name() -> str:
        future = stored.submit(store, 1)
        future.wait()
        return str(future.state.name)

    assert run_in_flow(name) == "Completed"


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (GenerationError("the endpoint is down", retryable=True), 4),
        (GenerationError("too few usable replies"), 1),
        (InputError("no such key"), 1),
        (ConnectionResetError("reset"), 4),
        (ValueError("a bug"), 1),
    ],
    ids=["endpoint-down", "bad-yield", "bad-input", "connection-reset", "bug"],
)
def test_only_what_may_pass_is_retried(error: Exception, calls: int) -> None:
    seen = []

    @task(name="failing", **QUICK)
    def failing() -> None:
        seen.append(1)
        raise error

    with pytest.raises(type(error)):
        run_in_flow(lambda: failing.submit().result())
    assert len(seen) == calls


def test_a_fault_that_passes_is_survived() -> None:
    seen = []

    @task(name="flaky", **QUICK)
    def flaky() -> str:
        seen.append(1)
        if len(seen) < 3:
            raise GenerationError("down", retryable=True)
        return "done"

    assert run_in_flow(lambda: flaky.submit().result()) == "done"


def test_a_skipped_stage_says_so() -> None:
    state = settled(None, skipped="the project names no judge")
    assert state.name == "Skipped"
    assert state.message == "the project names no judge"


def test_counts_are_summed_over_parts(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))
    assert describe_counts([make(store, 1), make(store, 2)]) == "2 rows"
