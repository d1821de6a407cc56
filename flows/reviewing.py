"""Commands of human review: who is awaited, what was answered, accounts, backup and restore."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flows.looking import newest_inputs_of_review
from semillero.errors import InputError, SemilleroError
from semillero.project import Project, load_project
from semillero.store import Artifact, RunStore

if TYPE_CHECKING:
    from semillero.review.people import Standing
    from semillero.review.team import NewAccount

NOBODY = "review.mode is automatic: nobody is asked"


def look_at_review(file: Path, required: bool) -> "tuple[Standing, dict[str, Any], str]":
    """Collect, and return where the review stands, how far people agree, and a note when Argilla could not be asked.

    Args:
        file: the project file.
        required: fail when Argilla cannot be asked.
    """
    from semillero.review.people import collect, find_standing

    project, store, curated, scores = _open(file)
    note = ""
    try:
        collect(store, project)
    except SemilleroError as error:
        if required:
            raise
        note = f"Argilla could not be asked ({error.found}); this is what was collected before"
    standing = find_standing(store, curated, scores, project)
    return standing, standing.measure_agreement(project.review), note


def collect_votes(file: Path, folder: Path | None) -> str:
    """Bring visitors' votes to human review; returns what became of them, in a sentence.

    Args:
        file: the project file.
        folder: of votes; the Space's private dataset and this machine's own demo by default.
    """
    from semillero.review.people import ask, find_standing
    from semillero.review.vote_sources import find_vote_folders
    from semillero.review.votes import keep_votes, read_votes

    project, store, curated, scores = _open(file)
    votes, counts = read_votes([folder] if folder else find_vote_folders(project), project)
    kept = keep_votes(store, votes)
    standing = ask(store, curated, project, find_standing(store, curated, scores, project))
    left_out = kept.counts["votes"] - standing.offered.height
    return (
        f"{counts['read']} votes read ({counts['unreadable']} unreadable, {counts['doubled']} twice), "
        f"{kept.counts['votes']} kept; {standing.offered.height} are offered to reviewers, before everything else"
        + (f", {left_out} are not: no preference, no known variety, or two equal answers" if left_out else "")
    )


def find_review(file: Path) -> "Standing":
    """Return where the review stands by the run store alone."""
    from semillero.review.people import find_standing

    project, store, curated, scores = _open(file)
    return find_standing(store, curated, scores, project)


def back_up(file: Path, target: Path | None) -> tuple[Path, int, str]:
    """Write every response to a parquet file; returns its path, how many there are, and a note as `look_at_review`.

    Raises:
        InputError: nothing was ever collected, or the file is there already.
    """
    from semillero.records import RESPONSES, write_records

    standing, _, note = look_at_review(file, required=False)
    project = load_project(file)
    if standing.snapshot is None:
        raise InputError("there are no responses to back up", "some", note or f"see semillero review status {file}")
    path = target or project.folder / time.strftime("responses-%Y%m%d-%H%M%S.parquet", time.gmtime())
    if path.exists():
        raise InputError(f"{path} is there already", "a new file", "name another one")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_records(standing.responses, RESPONSES, path)
    return path, standing.responses.height, note


def restore(file: Path, backup: Path | None) -> None:
    """Put accounts, records and every response of a backup (or of the newest snapshot) back into Argilla."""
    from semillero.review.backup import restore_responses
    from semillero.review.connection import connect
    from semillero.review.people import collect, find_standing
    from semillero.review.snapshots import read_backup

    project, store, curated, scores = _open(file)
    standing = find_standing(store, curated, scores, project)
    responses = read_backup(backup) if backup else standing.responses
    if responses.height == 0:
        raise InputError("there are no responses to restore", "a backup or a snapshot", "name a backup file")
    client = connect(project.review)
    report = restore_responses(
        client, project, responses, standing.shown, standing.scores, curated.content[:12], show_account
    )
    collect(store, project, client)
    typer.echo(
        f"{report.restored} responses restored, {report.already_there} were there, "
        f"{report.without_record} belong to rows that are not in the corpus any more."
    )


def invite(file: Path, renew: str | None) -> None:
    """Make the reviewers' accounts, or give one of them a new password; each password is shown once, here."""
    from semillero.review.connection import connect
    from semillero.review.team import prepare_team, renew_password

    project = people_project(file)
    client = connect(project.review)
    if renew:
        show_account(renew_password(client, project, renew))
        return
    made = prepare_team(client, project, show_account)
    names = {account.name for account in made}
    there = [reviewer.name for reviewer in project.review.reviewers if reviewer.name not in names]
    if there:
        typer.echo(f"Have an account already: {', '.join(there)}")
    typer.echo(f"They log in at {client.api_url}")


def show_account(account: "NewAccount") -> None:
    """Show a new account's password, the only time it is seen."""
    typer.echo(f"{account.name:<20} password {account.password}   {', '.join(account.varieties)}")


def people_project(file: Path) -> Project:
    """Return a project whose review is by people.

    Raises:
        InputError: it is not.
    """
    project = load_project(file)
    _refuse_automatic(project)
    return project


def _refuse_automatic(project: Project) -> None:
    if project.review.mode != "argilla":
        raise InputError(NOBODY, "review.mode: argilla", f"change it in {project.file}")


def _open(file: Path) -> tuple[Project, RunStore, Artifact, Artifact | None]:
    project, curated, scores = newest_inputs_of_review(file)
    _refuse_automatic(project)
    if curated is None:
        raise InputError(f"{file} has no rows to review yet", "a finished curation", f"semillero run {file}")
    return project, RunStore(project.store_root), curated, scores
