"""What publishing on the Hub needs, tried before anything is made: the token and its rights, names, metadata."""

from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from typing import Any, Literal

from semillero.project import Project
from semillero.publishing.history import list_publications
from semillero.publishing.hub import Hub, open_hub
from semillero.publishing.planning import Repository, name_repositories

Outcome = Literal["ok", "warns", "fails"]
Tried = tuple[str, Outcome, str]


def try_publishing(project: Project) -> Iterator[Tried]:
    """Try what publishing on the Hub needs; sends nothing.

    Yields:
        What was tried, ``ok``, ``warns`` or ``fails``, and what was found.

    Raises:
        SemilleroError: there is no token, or the Hub does not answer.
    """
    yield _try_license(project.project.license)
    with open_hub(project.publish.token_env) as hub:
        who: dict[str, Any] = hub.settle("token", hub.api.whoami)
        yield _try_role(hub, who)
        yield _try_owner(project, who)
        for repository in name_repositories(project):
            yield hub.settle(repository.folder, partial(_try_name, hub, repository))


def _try_license(name: str) -> Tried:
    known = files("semillero.publishing").joinpath("licenses.txt").read_text(encoding="utf-8").split()
    if name in known:
        return "licence", "ok", name
    return "licence", "warns", f"{name}: the Hub knows no licence of this name, and shows it as unknown"


def _try_role(hub: Hub, who: dict[str, Any]) -> Tried:
    role = who.get("auth", {}).get("accessToken", {}).get("role", "unknown")
    whose = f"{who.get('name')} on {hub.endpoint}"
    if role == "read":
        return (
            "token",
            "fails",
            f"{whose}: it may only read; make a fine-grained one that writes",
        )
    if role == "write":
        return (
            "token",
            "warns",
            f"{whose}: it may write everywhere; a fine-grained one is safer",
        )
    return "token", "ok", f"{whose}, {role}"


def _try_owner(project: Project, who: dict[str, Any]) -> Tried:
    owner, orgs = project.project.organization, [org.get("name") for org in who.get("orgs", [])]
    if owner == who.get("name") or owner in orgs:
        return "organization", "ok", owner
    mine = ", ".join(str(name) for name in (who.get("name"), *orgs))
    return "organization", "fails", f"the token's user is not in {owner}; project.organization can be: {mine}"


def _try_name(hub: Hub, repository: Repository) -> Tried:
    online = hub.look(repository)
    if online is None:
        return repository.folder, "ok", "the name is free"
    ours = bool(list_publications(hub, repository))
    if not ours and not online.private:
        return repository.folder, "fails", "a public one that this project did not publish: take another name"
    hub.check_write(repository)
    if ours:
        return repository.folder, "ok", "published by this project before; the token may write there"
    return repository.folder, "warns", "there is one already, private; its files stay, ours are added beside them"
