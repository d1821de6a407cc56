"""A training that stopped is not failed: it goes on in a new child, or ends the run in a named state."""

from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from semillero.errors import TrainingPaused
from semillero.project import TrainingSettings
from semillero.store import Artifact, Recipe, RunStore
from tasks import training
from tasks.policy import PAUSED, Waiting

pytestmark = pytest.mark.usefixtures("prefect_server")


def end_of_task(store: RunStore, dataset: Artifact, monkeypatch: pytest.MonkeyPatch, ends: list[Any]) -> Any:
    left = list(ends)

    def finetune(store: RunStore, dataset: Artifact, settings: TrainingSettings, on_progress: Any) -> Artifact:
        on_progress(3, 10)
        on_progress(10, 10)
        end = left.pop(0)
        if isinstance(end, Exception):
            raise end
        return dataset

    monkeypatch.setattr(training, "finetune_adapter", finetune)
    monkeypatch.setattr(training, "show_figure", lambda *_: None)
    quick = training.train.with_options(retry_delay_seconds=0.01)

    @flow(name="test", persist_result=False)
    def testing() -> list[Any]:
        future = quick.submit(store, dataset, TrainingSettings())
        future.wait()
        return [(future.state.name, future.state.message, future.result())]

    ended = testing()[0]
    assert not left
    return ended


def test_stopped_alone_it_goes_on_and_out_of_time_it_waits_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(str(tmp_path))
    with store.draft(Recipe("dataset", 1, {}, {})) as draft:
        draft.counts["rows"] = 1
    made = draft.artifact
    stopped = TrainingPaused("stopped after step 3", "", "run again", retryable=True)
    over = TrainingPaused("time is over", "", "run again")
    assert end_of_task(store, made, monkeypatch, [stopped, stopped, made])[2] == made
    for ends in ([over], [stopped, stopped, stopped, stopped]):
        name, message, data = end_of_task(store, made, monkeypatch, ends)
        assert name == PAUSED
        assert message == ends[0].found
        assert data == Waiting("\n".join([ends[0].found, "  to do:    run again"]), PAUSED)
