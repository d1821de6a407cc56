"""Commands about the Space on the Hub: how it is, what it says, and deploying again what is online."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import typer

from semillero.errors import InputError
from semillero.project import Project, load_project
from semillero.publishing.hub import Hub, open_hub
from semillero.publishing.planning import Repository


def look_at_space(file: Path) -> dict[str, str]:
    """Return what a Space is doing and how it is kept, by what it is.

    Raises:
        InputError: the project has no Space on the Hub.
    """
    from semillero.publishing.space_watching import read_runtime
    from semillero.publishing.spaces import find_former

    with _open_space(file) as (_, hub, space, head):
        runtime = hub.settle(space.folder, lambda: read_runtime(hub, space))
        former = hub.settle(space.folder, lambda: find_former(hub, space, head))
        secrets = hub.settle(space.folder, lambda: hub.api.get_space_secrets(space.name))
        variables = hub.settle(space.folder, lambda: hub.api.get_space_variables(space.name))
        minutes = (runtime.sleep or 0) // 60
        return {
            "page": hub.url(space),
            "stage": runtime.stage + (f": {runtime.error}" if runtime.error else ""),
            "hardware": runtime.hardware or "none yet",
            "sleeps": f"after {minutes} minutes" if minutes > 0 else "by the Hub's own rule, if at all",
            "head": head,
            "runs": runtime.commit or "the Hub does not tell",
            "last that worked": " ".join(former) if former else "none",
            "secrets": ", ".join(secrets) or "none",
            "variables": ", ".join(f"{name}={entry.value}" for name, entry in variables.items()) or "none",
        }


def print_log(file: Path, build: bool, lines: int) -> None:
    """Print the end of the Space's log, of the app or of its build."""
    from semillero.publishing.space_configuring import read_configuration
    from semillero.publishing.space_watching import read_log

    with _open_space(file) as (project, hub, space, _):
        typer.echo(read_configuration(project, hub.token).redact(read_log(hub, space, build, lines)))


def deploy_again(file: Path) -> None:
    """Deploy what is online: settings of the project file, a start if it rests, a question."""
    from semillero.publishing.history import Receipts
    from semillero.publishing.spaces import deploy_space
    from semillero.store import RunStore

    with _open_space(file) as (project, hub, space, head):
        store = RunStore(project.store_root)
        with store.lock():
            deploy_space(hub, space, head, project, Receipts(store, hub.endpoint))
        typer.echo(f"{hub.url(space)} is as the project file says.")


@contextlib.contextmanager
def _open_space(file: Path) -> Iterator[tuple[Project, Hub, Repository, str]]:
    """Yield the project, the Hub, its Space and that one's head."""
    project = load_project(file)
    if project.publish.target != "hub" or not project.training.enabled:
        raise InputError("this project has no Space on the Hub", "publish.target: hub, and a model", "semillero demo")
    space = Repository("space", project.repository)
    with open_hub(project.publish.token_env) as hub:
        online = hub.settle(space.folder, lambda: hub.look(space))
        if online is None:
            raise InputError(f"{hub.url(space)} is not there yet", "a published Space", f"semillero publish {file}")
        yield project, hub, space, online.head
