"""The reviewers in Argilla: an account each, and membership in the workspaces of the varieties they know.

The project file decides. Who is in it gets an account and the workspaces of their varieties; who is not (any more)
leaves this project's workspaces, but keeps their account and their answers. Passwords are generated, handed over once,
and kept nowhere: Argilla stores a hash.
"""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from semillero.errors import InputError
from semillero.project.models import Project
from semillero.review.accounts import Announce, NewAccount, add_accounts, list_users, make_password, set_password
from semillero.review.connection import explain_faults
from semillero.review.patience import look_again
from semillero.review.routing import name_workspace

if TYPE_CHECKING:
    import argilla

__all__ = ["Announce", "NewAccount", "ensure_authors", "prepare_team", "prepare_workspaces", "renew_password"]


def prepare_team(client: "argilla.Argilla", project: Project, announce: Announce | None = None) -> list[NewAccount]:
    """Make accounts, workspaces and memberships what the project file says; a second call changes nothing.

    Args:
        client: an owner's.
        project: its reviewers and varieties.
        announce: called with each new account at once, so that a password is shown even if a later step fails.

    Returns:
        The accounts made now. Someone deleted by hand is made again, with a new password.

    Raises:
        InputError: a reviewer's name is that of an owner or admin.
        SemilleroError: the server is down (retryable).
    """
    with explain_faults(client.api_url):
        _refuse_privileged(project, list_users(client))
        made = add_accounts(client, {one.name: one.varieties for one in project.review.reviewers}, announce)
        _set_all_members(client, project, list_users(client))
    return made


def prepare_workspaces(client: "argilla.Argilla", project: Project) -> list[str]:
    """Make workspaces and memberships what the project file says, and no account: a run can show nobody a password.

    Returns:
        The reviewers who have no account yet.

    Raises:
        InputError, SemilleroError: as `prepare_team`.
    """
    with explain_faults(client.api_url):
        users = list_users(client)
        _refuse_privileged(project, users)
        _set_all_members(client, project, users)
    return _name_strangers(project, users)


def find_strangers(client: "argilla.Argilla", project: Project) -> list[str]:
    """Return the reviewers who have no account yet; changes nothing.

    Raises:
        InputError, SemilleroError: as `prepare_team`.
    """
    with explain_faults(client.api_url):
        users = list_users(client)
        _refuse_privileged(project, users)
    return _name_strangers(project, users)


def ensure_authors(
    client: "argilla.Argilla", names: Iterable[str], announce: Announce | None = None
) -> list[NewAccount]:
    """Make accounts for the authors of restored responses that Argilla does not know; they join no workspace.

    Raises:
        SemilleroError: the server is down (retryable).
    """
    with explain_faults(client.api_url):
        return add_accounts(client, dict.fromkeys(sorted(set(names)), ()), announce)


def renew_password(client: "argilla.Argilla", project: Project, name: str) -> NewAccount:
    """Give a reviewer of the project a new password, for when the first one was lost.

    Raises:
        InputError: there is no such reviewer, or no such account yet.
        SemilleroError: the server is down (retryable).
    """
    reviewer = next((one for one in project.review.reviewers if one.name == name), None)
    with explain_faults(client.api_url):
        users = list_users(client)
        if reviewer is None or name not in users:
            named = ", ".join(one.name for one in project.review.reviewers if one.name in users)
            raise InputError(f"{name} has no account to renew", f"one of: {named}", "see review.reviewers")
        _refuse_privileged(project, users)
        account = NewAccount(name, make_password(), reviewer.varieties)
        set_password(client, users[name], account.password)
    return account


def _name_strangers(project: Project, users: "dict[str, argilla.User]") -> list[str]:
    return [reviewer.name for reviewer in project.review.reviewers if reviewer.name not in users]


def _list_workspaces(project: Project) -> dict[str, str]:
    return {variety.code: name_workspace(project, variety.code) for variety in project.corpus.varieties}


def _refuse_privileged(project: Project, users: "dict[str, argilla.User]") -> None:
    """An owner or admin sees every answer: as a reviewer they would not judge independently, and could change all."""
    for reviewer in project.review.reviewers:
        user = users.get(reviewer.name)
        if user is not None and user.role != "annotator":
            raise InputError(
                f"the reviewer {reviewer.name} is {user.role.value} in Argilla",
                "an annotator: reviewers see only their own answers",
                "give this person another name in review.reviewers; an account of their own will be made",
            )


def _set_all_members(client: "argilla.Argilla", project: Project, users: "dict[str, argilla.User]") -> None:
    for code, name in _list_workspaces(project).items():
        known = {one.name for one in project.review.reviewers if code in one.varieties and one.name in users}
        look_again(partial(_set_members, _ensure_workspace(client, name), known, users))


def _ensure_workspace(client: "argilla.Argilla", name: str) -> "argilla.Workspace":
    import argilla as rg

    def find_or_make() -> "argilla.Workspace":
        found = next((workspace for workspace in client.workspaces.list() if workspace.name == name), None)
        return found or rg.Workspace(name=name, client=client).create()

    return look_again(find_or_make)


def _set_members(workspace: "argilla.Workspace", wanted: set[str], users: "dict[str, argilla.User]") -> None:
    present = {str(user.username): user for user in workspace.users if user.role == "annotator"}
    for name in sorted(wanted - set(present)):
        users[name].add_to_workspace(workspace)
    for name in sorted(set(present) - wanted):
        present[name].remove_from_workspace(workspace)
