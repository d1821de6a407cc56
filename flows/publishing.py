"""Commands of publishing: what would be sent, is what is online still right, and back to an earlier publication."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.looking import newest_publication
from semillero.errors import InputError, PublishError
from semillero.project import Project, load_project
from semillero.publishing.planning import Repository, name_repositories, plan_repositories
from semillero.store import RunStore, WouldMake

if TYPE_CHECKING:
    from semillero.publishing.online import Finding


def publish_now(file: Path, as_json: bool) -> None:
    """Run the pipeline's publish stage, and no other."""
    load_project(file)
    from flows.running import run_pipeline

    run_pipeline(file, "publish", "publish", False, as_json)


def plan(file: Path, as_json: bool) -> None:
    """Show every file that would be published and what it would change; nothing is changed."""
    from flows.display import show_plan
    from semillero.publishing.hub import open_hub
    from semillero.publishing.outline import describe_account, outline_folder, outline_online
    from semillero.publishing.stage import plan_publication

    project, store, outputs, cards, space = newest_publication(file)
    try:
        repositories = plan_publication(store, project, outputs, cards, space)
    except WouldMake as would:
        typer.secho(
            f"{would.recipe.stage} is not made yet; the plan does without the other forms", fg="yellow", err=True
        )
        repositories = plan_repositories(store, project, outputs, cards, space)
    lines, account = outline_folder(project, repositories), ""
    if project.publish.target == "hub":
        with open_hub(project.publish.token_env) as hub:
            lines, account = outline_online(hub, store, repositories), describe_account(hub)
    show_plan(lines, account, as_json)


def verify_all(file: Path, as_json: bool) -> None:
    """Check what is published against the receipts.

    Raises:
        PublishError: something is not as it was published.
    """
    from flows.display import show_findings
    from semillero.publishing.hub import open_hub
    from semillero.publishing.loading import ColdLoader
    from semillero.publishing.online import verify_online
    from semillero.publishing.outline import verify_copy

    project = load_project(file)
    found: list[Finding] = verify_copy(project)
    if project.publish.target == "hub":
        store = RunStore(project.store_root)
        with open_hub(project.publish.token_env) as hub:
            found += verify_online(hub, store, project, name_repositories(project), ColdLoader(hub, project))
    show_findings(found, as_json)
    if any(finding.outcome == "fails" for finding in found):
        raise PublishError("not everything is as it was published", "", f"semillero publish {file} --dry-run")


def return_to(file: Path, tag: str, only: str | None) -> None:
    """Return every repository on the Hub, or one, to a tag.

    Raises:
        InputError: the target is a folder, or nothing has such a tag or name.
    """
    from semillero.publishing.history import Receipts
    from semillero.publishing.hub import open_hub
    from semillero.publishing.online import tell_publications
    from semillero.publishing.rolling import roll_back

    project = load_project(file)
    repositories = _choose(project, only)
    store = RunStore(project.store_root)
    with store.lock(), open_hub(project.publish.token_env) as hub:
        known = {r.folder: tell_publications(hub, r) for r in repositories}
        if not any(line.split()[0] == tag for lines in known.values() for line in lines):
            listed = "\n".join(f"{folder}:\n  " + "\n  ".join(lines) for folder, lines in known.items() if lines)
            raise InputError(f"no publication is tagged {tag}", f"one of these:\n{listed or 'there is none yet'}")
        for repository in repositories:
            typer.echo(f"{hub.url(repository)}: {roll_back(hub, repository, tag, Receipts(store, hub.endpoint))}")
    typer.echo("The next publication brings back what the project file makes; change that first.")


def _choose(project: Project, only: str | None) -> tuple[Repository, ...]:
    if project.publish.target != "hub":
        raise InputError("a local folder keeps no history to return to", "publish.target: hub", "make it again instead")
    repositories = name_repositories(project)
    chosen = tuple(r for r in repositories if only in (None, r.folder))
    if not chosen:
        raise InputError(f"no repository {only!r}", f"one of {', '.join(r.folder for r in repositories)}")
    return chosen
