"""Who asks, and what they may: tokens that read, that write, and fine-grained ones that reach named repositories."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.hub_server.state import Refusal, Repo, State


@dataclass
class Token:
    """A token of ``user``'s.

    Attributes:
        role: read, write or fineGrained.
        writes: repositories that a fine-grained token may read and write: ``datasets/ORG/NAME``.
        expired: the Hub no longer knows it.
        pays: the user and the organisations have a payment method.
    """

    user: str
    role: str
    orgs: tuple[str, ...] = ()
    writes: frozenset[str] = frozenset()
    expired: bool = False
    pays: bool = False

    @property
    def namespaces(self) -> set[str]:
        return {self.user, *self.orgs}

    def owns(self, repo: Repo) -> bool:
        """Tell whether the repository is among those that the token reaches as its owner's."""
        if self.role == "fineGrained":
            return f"{repo.kind}s/{repo.name}" in self.writes
        return repo.name.split("/")[0] in self.namespaces

    def describe(self) -> dict[str, Any]:
        """Return what whoami tells about it."""
        access: dict[str, Any] = {"displayName": self.role, "role": self.role, "createdAt": "2026-01-01T00:00:00.000Z"}
        if self.role == "fineGrained":
            entities = [name.partition("/")[::2] for name in sorted(self.writes)]
            access["fineGrained"] = {
                "global": [],
                "canReadGatedRepos": False,
                "scoped": [
                    {
                        "entity": {"_id": "0" * 24, "type": kind.removesuffix("s"), "name": name},
                        "permissions": ["repo.content.read", "repo.write"],
                    }
                    for kind, name in entities
                ],
            }
        orgs = [
            {"type": "org", "name": org, "fullname": org, "roleInOrg": "admin", "canPay": self.pays}
            for org in self.orgs
        ]
        name = {"name": self.user, "fullname": self.user.title()}
        who = {"type": "user", "id": "0" * 24, **name, "isPro": False, "canPay": self.pays}
        return {**who, "orgs": orgs, "auth": {"type": "access_token", "accessToken": access}}


@dataclass
class Accounts:
    """All tokens, and the checks that every endpoint begins with."""

    state: State
    tokens: dict[str, Token] = field(default_factory=dict)

    def identify(self, request: web.Request) -> Token | None:
        """Return the caller's token, None for an anonymous caller.

        Raises:
            Refusal: the token is none of ours.
        """
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        token = self.tokens.get(value)
        if scheme != "Bearer" or token is None or token.expired:
            message = "Invalid credentials in Authorization header"
            raise Refusal(401, message, headers={"X-Error-Message": message})
        return token

    def require(self, request: web.Request) -> Token:
        """Return the caller's token.

        Raises:
            Refusal: the caller is anonymous.
        """
        token = self.identify(request)
        if token is None:
            raise Refusal(401, "Invalid username or password.")
        return token

    def open_repo(self, request: web.Request, *, content: bool = False, write: bool = False) -> Repo:
        """Return the repository that a request names.

        Args:
            content: its files are asked for, which a gated repository gives to those alone whom its owner let in.
            write: it is to be changed.

        Raises:
            Refusal: there is none, or the caller may not; as the Hub does, what may not be seen "is not there".
        """
        token = self.identify(request)
        # `resolve` and git's addresses have no prefix for models.
        kind = request.match_info.get("kind", "models").removesuffix("s")
        name = f"{request.match_info['owner']}/{request.match_info['repo']}"
        repo = self.state.repos.get((kind, name))
        owned = repo is not None and token is not None and token.owns(repo)
        if repo is None or (repo.private and not owned):
            message = "Repository not found" if token else "Invalid username or password."
            raise Refusal(404 if token else 401, message, "RepoNotFound")
        if content and repo.gated and not owned and (token is None or token.user not in repo.granted):
            message = f"Access to {kind} {name} is restricted."
            raise Refusal(403 if token else 401, message, "GatedRepo", {"X-Error-Message": message})
        if write and not (owned and token is not None and token.role != "read"):
            message = "You don't have the rights to write to this repository"
            raise Refusal(403 if token else 401, message, headers={"X-Error-Message": message})
        return repo
