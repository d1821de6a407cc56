"""Accounts, workspaces and memberships in a real Argilla."""

from typing import Any

import httpx
import pytest

from semillero.errors import InputError
from semillero.project import Project
from semillero.review.team import NewAccount, ensure_authors, prepare_team, renew_password
from tests.flaky_proxy import LOSE_ANSWER, PASS, Fate, open_proxy
from tests.reviewing import connect_to, make_project, open_account

pytestmark = pytest.mark.slow


def with_reviewers(project: Project, *reviewers: dict[str, Any]) -> Project:
    values = project.model_dump(mode="json", exclude={"corpus": {"techniques"}})
    values["review"] |= {"reviewers": list(reviewers), "overlap": 0.0}
    return Project.model_validate(values)


def members(client: Any, workspace: str) -> set[str]:
    return {user.username for user in client.workspaces(workspace).users}


def test_people_get_an_account_and_the_workspaces_of_what_they_know(
    client: Any, argilla_server: Any, name: str
) -> None:
    ana = {"name": f"{name}-ana", "varieties": ["es-MX", "es-AR"]}
    luis = {"name": f"{name}-luis", "varieties": ["es-AR"]}
    project = with_reviewers(make_project(name), ana, luis)
    shown: list[NewAccount] = []
    made = prepare_team(client, project, shown.append)
    assert [account.name for account in made] == [ana["name"], luis["name"]]
    assert shown == made
    assert all(account.password not in repr(account) for account in made)
    assert members(client, f"{name}-es-mx") == {ana["name"]}
    assert members(client, f"{name}-es-ar") == {ana["name"], luis["name"]}
    assert open_account(argilla_server, luis["name"], made[1].password).me.username == luis["name"]
    assert prepare_team(client, project) == []


def test_who_left_the_file_leaves_the_workspaces_and_who_was_deleted_comes_back(client: Any, name: str) -> None:
    ana = {"name": f"{name}-ana", "varieties": ["es-MX", "es-AR"]}
    luis = {"name": f"{name}-luis", "varieties": ["es-MX", "es-AR"]}
    first = {
        account.name: account.password
        for account in prepare_team(client, with_reviewers(make_project(name), ana, luis))
    }
    project = with_reviewers(make_project(name), ana)
    assert prepare_team(client, project) == []
    assert members(client, f"{name}-es-mx") == {ana["name"]}
    assert client.users(luis["name"]) is not None  # the account stays, and with it the answers
    client.users(ana["name"]).delete()
    (again,) = prepare_team(client, project)
    assert again.name == ana["name"]
    assert again.password != first[ana["name"]]
    assert members(client, f"{name}-es-ar") == {ana["name"]}


def test_an_owner_cannot_be_a_reviewer(client: Any, name: str) -> None:
    owner = {"name": client.me.username, "varieties": ["es-MX", "es-AR"]}
    with pytest.raises(InputError, match="is owner in Argilla"):
        prepare_team(client, with_reviewers(make_project(name), owner))
    assert name not in " ".join(workspace.name for workspace in client.workspaces)


def test_a_lost_password_is_replaced_and_the_old_one_ends(client: Any, argilla_server: Any, name: str) -> None:
    project = make_project(name)
    first = prepare_team(client, project)[0]
    renewed = renew_password(client, project, first.name)
    assert renewed.varieties == first.varieties
    open_account(argilla_server, first.name, renewed.password)
    with pytest.raises(httpx.HTTPStatusError):
        open_account(argilla_server, first.name, first.password)
    with pytest.raises(InputError, match="no account to renew"):
        renew_password(client, project, client.me.username)


def test_authors_of_restored_answers_join_no_workspace(client: Any, name: str) -> None:
    (made,) = ensure_authors(client, [f"{name}-alguien", client.me.username])
    assert made.name == f"{name}-alguien"
    assert ensure_authors(client, [made.name]) == []


@pytest.mark.chaos
def test_an_account_whose_making_was_not_confirmed_has_the_password_that_is_shown(
    client: Any, argilla_server: Any, name: str
) -> None:
    def lose_what_is_made(method: str, path: str) -> Fate:
        return LOSE_ANSWER if (method, path) == ("POST", "/api/v1/users") else PASS

    with open_proxy(argilla_server.url, lose_what_is_made) as proxy:
        shaky = connect_to(proxy.url, argilla_server.api_key)
        (account,) = ensure_authors(shaky, [f"{name}-eva"])
    assert open_account(argilla_server, account.name, account.password).me.username == account.name
