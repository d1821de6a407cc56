"""The project's datasets in Argilla: found, or made with their questions and guidelines.

Made by several at once, or by one that was killed in the middle, a dataset is there once and complete: a draft that
nobody finishes is thrown away (it cannot hold records yet) and made again.
"""

import time
from functools import partial
from typing import TYPE_CHECKING

from semillero.errors import SemilleroError
from semillero.project.models import Project
from semillero.review.patience import look_again
from semillero.review.questions import PRIORITY, build_settings
from semillero.review.routing import Place, belongs

if TYPE_CHECKING:
    import argilla

DRAFT_PATIENCE = 10.0  # seconds that another push gets to finish a dataset that it has begun
SORTED = f"page=1&status=pending&sort=metadata.{PRIORITY}.asc"


def find_datasets(client: "argilla.Argilla", project: Project) -> "list[tuple[str, argilla.Dataset]]":
    """Return the project's published datasets with the names of their workspaces, in a stable order.

    Raises:
        argilla and httpx errors: the server refuses or is down.
    """
    workspaces = {workspace.id: str(workspace.name) for workspace in client.workspaces.list()}
    models = sorted(client.api.datasets.list(), key=lambda model: (workspaces.get(model.workspace_id, ""), model.name))
    return [
        (workspaces[model.workspace_id], _as_dataset(client, model))
        for model in models
        if model.status == "ready" and belongs(project, workspaces.get(model.workspace_id, ""), model.name)
    ]


def ensure_dataset(client: "argilla.Argilla", project: Project, place: Place) -> "argilla.Dataset":
    """Return the dataset at ``place``, made or brought up to date (guidelines, number of answers).

    Raises:
        SemilleroError: its workspace is missing, or the server keeps refusing it.
        argilla and httpx errors: the server is down.
    """
    return look_again(partial(_ensure_once, client, project, place))


def link_to(client: "argilla.Argilla", dataset: "argilla.Dataset") -> str:
    """Return the page where people answer this dataset, most needed records first.

    Without the order in the address, Argilla shows each person the records in a random order of their own.
    """
    return f"{client.api_url.rstrip('/')}/dataset/{dataset.id}/annotation-mode?{SORTED}"


def _ensure_once(client: "argilla.Argilla", project: Project, place: Place) -> "argilla.Dataset":
    dataset = _find(client, place)
    if dataset is None or not _wait_until_ready(client, dataset):
        if dataset is not None:
            _drop_draft(dataset)
        dataset = _make(client, project, place)
    _bring_up_to_date(client, project, place, dataset)
    return dataset


def _find(client: "argilla.Argilla", place: Place) -> "argilla.Dataset | None":
    workspace = next((found for found in client.workspaces.list() if found.name == place.workspace), None)
    if workspace is None:
        raise SemilleroError(
            f"the workspace {place.workspace} is not in Argilla",
            "workspaces made by prepare_team",
            "run the same command again",
            retryable=True,
        )
    model = client.api.datasets.get_by_name_and_workspace_id(place.dataset, workspace.id)
    return _as_dataset(client, model) if model else None


def _as_dataset(client: "argilla.Argilla", model: "object") -> "argilla.Dataset":
    import argilla as rg

    return rg.Dataset.from_model(model, client=client)


def _wait_until_ready(client: "argilla.Argilla", dataset: "argilla.Dataset") -> bool:
    """Return whether the dataset is complete, giving whoever is making it some time."""
    from argilla._exceptions import NotFoundError

    until = time.monotonic() + DRAFT_PATIENCE
    try:
        while client.api.datasets.get(dataset.id).status != "ready":
            if time.monotonic() > until:
                return False
            time.sleep(0.5)
        dataset.get()
    except NotFoundError:
        return False
    return True


def _drop_draft(dataset: "argilla.Dataset") -> None:
    from argilla._exceptions import NotFoundError

    try:
        dataset.delete()
    except NotFoundError:
        return  # another push was faster


def _make(client: "argilla.Argilla", project: Project, place: Place) -> "argilla.Dataset":
    import argilla as rg
    from argilla._exceptions import ArgillaError

    settings = build_settings(client, project, place)
    try:
        return rg.Dataset(name=place.dataset, workspace=place.workspace, settings=settings, client=client).create()
    except ArgillaError:
        # Another push may have made it in the meantime: then theirs is the one.
        dataset = _find(client, place)
        if dataset is None or not _wait_until_ready(client, dataset):
            raise
        return dataset


def _bring_up_to_date(client: "argilla.Argilla", project: Project, place: Place, dataset: "argilla.Dataset") -> None:
    wanted = _add_link(str(build_settings(client, project, place).guidelines), dataset)
    changes: dict[str, object] = {}
    if dataset.settings.guidelines != wanted:
        changes["guidelines"] = wanted
    if dataset.settings.distribution.min_submitted != place.min_submitted:
        changes["distribution"] = {"strategy": "overlap", "min_submitted": place.min_submitted}
    if changes:
        client.http_client.patch(f"/api/v1/datasets/{dataset.id}", json=changes).raise_for_status()


def _add_link(guidelines: str, dataset: "argilla.Dataset") -> str:
    """Put the sorted page's address where the guidelines tell people to sort."""
    return guidelines.replace("(#priority)", f"(/dataset/{dataset.id}/annotation-mode?{SORTED})")
