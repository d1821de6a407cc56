"""`publish_project`: gate, manifest, write, verify, receipt; to the folder, and to the Hub when the project says so."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from semillero.outputs import Outputs
from semillero.progress import say
from semillero.project import Project
from semillero.project.models import settings_json
from semillero.publishing.exports import export_models
from semillero.publishing.folder import compare_folder, keep_receipt, planned_files, update_folder
from semillero.publishing.gate import check_repositories
from semillero.publishing.history import Receipts
from semillero.publishing.hub import find_endpoint, open_hub
from semillero.publishing.loading import ColdLoader
from semillero.publishing.online import is_published, publish_online
from semillero.publishing.planning import Repository, plan_repositories
from semillero.publishing.spaces import deploy_space, open_for_space
from semillero.store import Artifact, Recipe, RunStore, WouldMake

VERSION = 2  # raised by hand when the stage's meaning changes


def publish_project(
    store: RunStore, project: Project, outputs: Outputs, cards: Artifact, space: Artifact | None
) -> Artifact:
    """Publish the project's repositories to ``publish.folder``, with ``target: hub`` to the Hub as well.

    Both are compared with the plan at every call, also when the artifact is found: what is missing or damaged is
    written again, and new cards (energy differs from run to run) replace old ones. With the Hub, the folder is the copy
    that stays here; score and submission read it.

    Returns:
        Stage ``publish``: ``published.json`` (repositories, file names, contents published); volatile
        ``receipt.json`` (sha256 of every file when the artifact was made, and the Hub's commits and tags; the receipts
        that are kept up to date lie under the folder's ``.publishing/`` and in the run store's ``notes/``); counts
        `repositories`, `files`.

    Raises:
        PublishError: the gate refuses a file, somebody's own file is in the way, what was published does not verify,
            or the Hub's faults do not pass.
    """
    repositories = plan_publication(store, project, outputs, cards, space)
    recipe = Recipe("publish", VERSION, _inputs(outputs, cards, space), _settings(project, repositories))
    found = store.find(recipe)
    if store.dry:
        if found is None or not _is_done(store, project, repositories):
            raise WouldMake(recipe)
        return found
    if found:
        _publish(store, project, repositories, again=True)
        return found
    with store.draft(recipe) as draft:
        online = _publish(store, project, repositories, again=False)
        shas = {path: file.sha256 for path, file in planned_files(repositories).items()}
        _write_json(draft.path / "published.json", _describe(repositories, recipe))
        _write_json(draft.path / "receipt.json", {"files": shas, "hub": online})
        draft.volatile.add("receipt.json")
        draft.counts.update(repositories=len(repositories), files=len(shas))
    return draft.artifact


def plan_publication(
    store: RunStore, project: Project, outputs: Outputs, cards: Artifact, space: Artifact | None
) -> tuple[Repository, ...]:
    """Return the repositories with every file, other forms of the model made when they are asked for."""
    return plan_repositories(store, project, outputs, cards, space, export_models(store, project, outputs))


def _publish(store: RunStore, project: Project, repositories: Sequence[Repository], again: bool) -> dict[str, Any]:
    """Make folder and Hub hold what is planned; returns the Hub's receipts."""
    root = project.resolve(project.publish.folder)
    differences = compare_folder(root, repositories)
    if differences.any:
        check_repositories(repositories, project, store.root)
        update_folder(root, repositories, differences)
        if again:
            say(f"published again: {len(differences.write)} files of {root} were missing, damaged or outdated")
    else:
        keep_receipt(root, repositories)
    if project.publish.target == "local":
        return {}
    with open_hub(project.publish.token_env) as hub:
        receipts, load_cold = Receipts(store, hub.endpoint), ColdLoader(hub, project)

        def load(repository: Repository, commit: str) -> None:
            load_cold(repository, commit)
            if repository.kind == "space":
                open_for_space(hub, repository, repositories, project)
                deploy_space(hub, repository, commit, project, receipts)

        done = publish_online(hub, store, project, repositories, load)
        for repository in repositories:  # a Space whose files were online already may have other settings now
            if repository.kind == "space":
                deploy_space(hub, repository, done[repository.folder].commit, project, receipts)
    return {folder: asdict(receipt) for folder, receipt in done.items()}


def _is_done(store: RunStore, project: Project, repositories: Sequence[Repository]) -> bool:
    """Tell whether everything is published as far as can be told without asking the Hub."""
    if compare_folder(project.resolve(project.publish.folder), repositories).any:
        return False
    return project.publish.target == "local" or is_published(store, find_endpoint(), repositories)


def _inputs(outputs: Outputs, cards: Artifact, space: Artifact | None) -> dict[str, str | list[str]]:
    inputs: dict[str, str | list[str]] = {"cards": cards.content, "curated": outputs.curated.content}
    named = {
        "reviewed": outputs.reviewed,
        "dataset": outputs.dataset,
        "adapter": outputs.adapter,
        "evaluation": outputs.evaluation,
        "space": space,
    }
    inputs |= {name: artifact.content for name, artifact in named.items() if artifact is not None}
    return inputs


def _settings(project: Project, repositories: Sequence[Repository]) -> dict[str, Any]:
    kinds = [repository.kind for repository in repositories]
    endpoint = {"endpoint": find_endpoint()} if project.publish.target == "hub" else {}
    settings = settings_json(project.publish, exclude={"token_env", "space"})
    return {"repository": project.repository, "repositories": kinds, **endpoint, **settings}


def _describe(repositories: Sequence[Repository], recipe: Recipe) -> dict[str, Any]:
    return {
        "repositories": [
            {"kind": r.kind, "name": r.name, "files": sorted(file.name for file in r.files)} for r in repositories
        ],
        "contents": dict(recipe.inputs),
        **({"endpoint": endpoint} if (endpoint := recipe.settings.get("endpoint")) else {}),
    }


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
