"""Commands that make something: the pipeline, and the demo on this machine."""

import json
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flows.server import apply_settings, server_for_run
from semillero.errors import InputError, TrainingPaused, WaitingForPeople

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def run_pipeline(file: Path, until: str, only: str | None, smoke: bool, as_json: bool) -> None:
    """Run the flow in this process, on the record of a Prefect server, and tell what came of it."""
    apply_settings()
    quiet_libraries()
    with server_for_run():  # before Prefect is imported: it reads its settings once
        from flows.display import show_reports
        from flows.pipeline import pipeline
        from tasks.policy import PAUSED, WAITING

        start = time.perf_counter()
        state: State[Any] = pipeline(str(file.resolve()), until=until, only=only, smoke=smoke, return_state=True)
        show_reports(file, state.result(), time.perf_counter() - start, as_json, smoke)
    if state.name == WAITING:
        raise WaitingForPeople(state.message or "")
    if state.name == PAUSED:
        raise TrainingPaused(state.message or "")


def quiet_libraries() -> None:
    """Keep the libraries' own bars and hints off the terminal: ours say what matters, errors still come through."""
    for name, value in {
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "GRADIO_ANALYTICS_ENABLED": "False",
    }.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def serve_demo(file: Path, port: int | None) -> None:
    """Serve the newest Space of a project until Ctrl-C.

    Raises:
        InputError: the project has no finished demo yet.
    """
    from flows.looking import newest_outputs
    from semillero.demo import find_base, serve_space
    from semillero.review.vote_sources import local_votes

    project, store, outputs, space = newest_outputs(file)
    if outputs is None or outputs.adapter is None or space is None:
        raise InputError(
            f"{file} has no demo yet",
            "a finished run with a model",
            f"run `semillero run {file} --until demo` first",
        )
    folder, adapter = store.folder(space), store.folder(outputs.adapter) / "adapter"
    votes = local_votes(project) if project.demo.votes else None
    with serve_space(folder, find_base(folder, project), adapter, port, votes=votes) as url:
        typer.echo(f"Demo at {url}  (Ctrl-C stops it)")
        if votes is not None:
            typer.echo(f"Votes go to {votes}")
        while True:
            time.sleep(3600)


def print_json(value: object) -> None:
    """Print a JSON value for machines."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
