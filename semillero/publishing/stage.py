"""`publish_project`: gate, manifest, write, verify, receipt."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from semillero.outputs import Outputs
from semillero.progress import say
from semillero.project import Project
from semillero.project.models import settings_json
from semillero.publishing.folder import compare_folder, keep_receipt, planned_files, update_folder
from semillero.publishing.gate import check_repositories
from semillero.publishing.planning import Repository, plan_repositories
from semillero.store import Artifact, Recipe, RunStore, WouldMake

VERSION = 1  # raised by hand when the stage's meaning changes


def publish_project(
    store: RunStore, project: Project, outputs: Outputs, cards: Artifact, space: Artifact | None
) -> Artifact:
    """Publish the project's repositories to ``publish.folder`` and verify them.

    The folder is compared with the plan at every call, also when the artifact is found: what is missing or damaged is
    written again, and new cards (energy differs from run to run) replace old ones.

    Returns:
        Stage ``publish``: ``published.json`` (repositories, file names, contents published); volatile
        ``receipt.json`` (sha256 of every file when the artifact was made; the folder's own receipt under
        ``.publishing/`` is kept up to date); counts `repositories`, `files`.

    Raises:
        PublishError: the gate refuses a file, somebody's own file is in the way, or the folder does not verify.
    """
    root = project.resolve(project.publish.folder)
    repositories = plan_repositories(store, project, outputs, cards, space)
    recipe = Recipe("publish", VERSION, _inputs(outputs, cards, space), _settings(project, repositories))
    found = store.find(recipe)
    differences = compare_folder(root, repositories)
    if found and not (differences.write or differences.remove):
        if not store.dry:
            keep_receipt(root, repositories)
        return found
    if store.dry:
        raise WouldMake(recipe)
    if found:
        check_repositories(repositories, project, store.root)
        update_folder(root, repositories, differences)
        say(f"published again: {len(differences.write)} files of {root} were missing, damaged or outdated")
        return found
    with store.draft(recipe) as draft:
        check_repositories(repositories, project, store.root)
        update_folder(root, repositories, differences)
        shas = {path: file.sha256 for path, file in planned_files(repositories).items()}
        _write_json(draft.path / "published.json", _describe(repositories, recipe))
        _write_json(draft.path / "receipt.json", {"files": shas})
        draft.volatile.add("receipt.json")
        draft.counts.update(repositories=len(repositories), files=len(shas))
    return draft.artifact


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
    return {"repository": project.repository, "repositories": kinds, **settings_json(project.publish)}


def _describe(repositories: Sequence[Repository], recipe: Recipe) -> dict[str, Any]:
    return {
        "repositories": [
            {"kind": r.kind, "name": r.name, "files": sorted(file.name for file in r.files)} for r in repositories
        ],
        "contents": dict(recipe.inputs),
    }


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
