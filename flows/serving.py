"""``semillero up`` and ``semillero deploy``: a Prefect server, a worker and the project's deployments."""

import os
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer
import yaml

from flows.server import PORT, api_url, apply_settings, is_healthy, start_server
from semillero.errors import InputError, SemilleroError
from semillero.processes import dies_with_parent
from semillero.project import Project, load_project

POOL = "semillero"


def serve_prefect(file: Path, port: int) -> None:
    """Start server and worker and wait until Ctrl-C; the worker runs what the page or a schedule starts.

    Raises:
        InputError: a server is there already.
    """
    load_project(file)
    if is_healthy(api_url(port)):
        raise InputError(f"port {port} already has a Prefect server", "a free port", "use it, or choose --port")
    apply_settings("INFO")
    with start_server(port) as url:
        os.environ["PREFECT_API_URL"] = url
        register_deployments(file)
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
        worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=dies_with_parent())
        typer.echo(f"Prefect page: {url.removesuffix('/api')}  (Ctrl-C stops server and worker)")
        try:
            code = worker.wait()
            raise SemilleroError(f"the worker ended by itself with exit code {code}", "", "read its lines above")
        finally:
            worker.terminate()
            worker.wait()


def register_deployments(file: Path) -> None:
    """Create or update the deployments of a project on the configured server.

    Raises:
        SemilleroError: no server answers, or it refuses a deployment.
    """
    project = load_project(file)
    apply_settings()
    url = os.environ.setdefault("PREFECT_API_URL", api_url(PORT))
    if not is_healthy(url):
        raise SemilleroError(f"no Prefect server answers at {url}", "a running server", f"semillero up {file}")
    names = {"SEMILLERO_PROJECT_FILE": str(project.file), "SEMILLERO_DEPLOYMENT": project.project.name}
    _prefect("work-pool", "create", POOL, "--type", "process", "--overwrite", environment=names)
    with tempfile.TemporaryDirectory() as folder:
        # Prefect writes beside the file it reads; the package's own folder stays as it is.
        config = Path(folder) / "prefect.yaml"
        config.write_text(yaml.safe_dump(_choose_deployments(project), sort_keys=False), encoding="utf-8")
        _prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(config), environment=names)
    typer.echo(f"Deployments of {project.project.name} are on {url.removesuffix('/api')}/deployments")


def _choose_deployments(project: Project) -> dict[str, Any]:
    """Return deployments/prefect.yaml without what this project has no use for."""
    config: dict[str, Any] = yaml.safe_load((files("deployments") / "prefect.yaml").read_text(encoding="utf-8"))
    if project.review.mode == "automatic":
        config["deployments"] = [one for one in config["deployments"] if not one["name"].endswith("-responses")]
    return config


def _prefect(*arguments: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise SemilleroError(f"prefect {' '.join(arguments[:2])} failed:\n{tail}", "", "see above")
