"""`open_hub`: the server in a thread of its own, and what a test reads from it and orders of it."""

import contextlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from tests.hub_server.accounts import Accounts, Token
from tests.hub_server.api import Repositories
from tests.hub_server.community import Community
from tests.hub_server.faults import Action, Fault, Handler, Request, answer
from tests.hub_server.spaces import Space, Spaces
from tests.hub_server.state import Refusal, Repo, State
from tests.hub_server.transfers import Transfers
from tests.hub_server.xet import XetStorage
from tests.loopback import serve


class CommitLine(NamedTuple):
    """A commit of a branch, as `Hub.commits` lists them."""

    oid: str
    parent: str | None
    title: str
    author: str


class Hub:
    """A running Hub.

    Attributes:
        url: what HF_ENDPOINT should say.
        token, read_token: of user ``user``, who is in the organisations ``orgs``.
        requests: everything that arrived, in order.
    """

    def __init__(self, folder: Path, user: str, orgs: tuple[str, ...]) -> None:
        self.url, self.user, self.orgs = "", user, orgs
        self.token, self.read_token = "hf_" + "w" * 34, "hf_" + "r" * 34
        self.requests: list[Request] = []
        self.state = State(folder)
        self.accounts = Accounts(self.state)
        self.accounts.tokens = {self.token: Token(user, "write", orgs), self.read_token: Token(user, "read", orgs)}
        self.spaces = Spaces(self.state, self.accounts)
        self.repositories = Repositories(self.state, self.accounts, self.spaces)
        self.community = Community(self.accounts)
        self.transfers = Transfers(self.state, self.accounts, XetStorage(folder / "xet", self.state))
        self._faults: list[Fault] = []

    def fault(self, match: str, action: Action, times: int | None = 1, after: int = 0) -> Fault:
        """Order a fault; earlier ones go first.

        Args:
            match: regular expression, searched in ``METHOD /path`` (no query; the path as it was sent).
            action: see `faults.Action`. A function's repositories may be changed by it; it returns a status or None.
            times: how many requests it strikes, None for all.
            after: how many matching requests are spared first.
        """
        self._faults.append(Fault(re.compile(match), action, times, after))
        return self._faults[-1]

    def clear_faults(self) -> None:
        """From now on all goes well."""
        self._faults.clear()

    def add_token(self, value: str, user: str, role: str = "write", writes: Collection[str] = ()) -> str:
        """Let in another token; ``writes`` are what a fineGrained one reaches, as ``datasets/ORG/NAME``."""
        self.accounts.tokens[value] = Token(user, role, (), frozenset(writes))
        return value

    def revoke(self) -> None:
        """Forget the token `token`, as if it had expired: 401 from now on."""
        self.accounts.tokens[self.token].expired = True

    def renew(self) -> str:
        """Give the user another token in its place, and return it."""
        self.revoke()
        self.token = f"hf_{len(self.accounts.tokens):034d}"
        self.accounts.tokens[self.token] = Token(self.user, "write", self.orgs)
        return self.token

    def create(self, kind: str, name: str, private: bool = False, gated: str | bool = False) -> None:
        """Make a repository as somebody else would have."""
        self.state.create(kind, name, private, self.user).gated = gated
        if kind == "space":
            self.spaces.create(name, {})

    def push(self, kind: str, name: str, files: Mapping[str, bytes], delete: Collection[str] = ()) -> str:
        """Commit as another writer; return the commit's oid."""
        return self.state.push(kind, name, files, delete, "somebody-else").oid

    def commits(self, kind: str, name: str, revision: str = "main") -> list[CommitLine]:
        """Return the commits of a revision, newest first; the last is the Hub's own."""
        with self.state.lock:
            history = self._repo(kind, name).history(revision)
        return [CommitLine(commit.oid, commit.parent, commit.title, commit.author) for commit in history]

    def files(self, kind: str, name: str, revision: str = "main") -> dict[str, bytes]:
        """Return every file of a revision."""
        with self.state.lock:
            blobs = self._repo(kind, name).resolve(revision).files
        return {path: self.state.read_object(blob.sha256) for path, blob in sorted(blobs.items())}

    def tags(self, kind: str, name: str) -> dict[str, str]:
        """Return the oid of each tag."""
        return dict(self._repo(kind, name).tags)

    def info(self, kind: str, name: str) -> dict[str, Any]:
        """Return what the Hub tells about a repository's head (``private``, ``tags``, ``cardData`` …)."""
        with self.state.lock:
            repo = self._repo(kind, name)
            return self.repositories.describe(repo, repo.resolve("main"))

    def exists(self, kind: str, name: str) -> bool:
        """Tell whether there is such a repository."""
        return (kind, name) in self.state.repos

    def space(self, name: str) -> Space:
        """Return a Space's runtime: its hardware, secrets, variables, builds."""
        return self.spaces.look(name)

    def collections(self) -> dict[str, list[str]]:
        """Return the items of each collection, by its title."""
        found = self.community.collections.values()
        return {c["title"]: [f"{item['type']} {item['id']}" for item in c["items"]] for c in found}

    def environment(self, cold: Path, token: str | None = None) -> dict[str, str]:
        """Return the environment of a child process that talks to this Hub, with its caches in an empty folder."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING", "TRANSFORMERS_OFFLINE"))}
        token = self.token if token is None else token
        settings = {"HF_ENDPOINT": self.url, "HF_HOME": str(cold), "HF_HUB_DISABLE_TELEMETRY": "1"}
        return kept | settings | ({"HF_TOKEN": token} if token else {})

    def _repo(self, kind: str, name: str) -> Repo:
        return self.state.find(kind, name)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        seen = Request(request.method, request.rel_url.raw_path, request.query_string, token)
        self.requests.append(seen)
        try:
            response = await answer(request, handler, self._faults, seen)
        except Refusal as refusal:
            headers = refusal.headers | ({"X-Error-Code": refusal.code} if refusal.code else {})
            body = {"error": refusal.message, **refusal.body}
            response = web.json_response(body, status=refusal.status, headers=headers)
        except web.HTTPException as error:
            response = web.json_response({"error": error.reason}, status=error.status)
        seen.status = response.status
        return response

    def application(self) -> web.Application:
        """Return the web application; its router has every endpoint."""
        app = web.Application(client_max_size=1 << 30, middlewares=[self._answer])
        for part in (self.repositories, self.spaces, self.community, self.transfers):
            part.add_routes(app.router)
        return app


@contextlib.contextmanager
def open_hub(folder: Path, user: str = "ana", orgs: tuple[str, ...] = ("semillero",)) -> Iterator[Hub]:
    """Serve a Hub on a free port of loopback, in a thread of its own, until the block ends.

    Args:
        folder: where its objects are kept; a hub opened on the same folder begins empty all the same.
        user, orgs: whose tokens `Hub.token` and `Hub.read_token` are, and which organisations are theirs.
    """
    hub = Hub(folder / "hub", user, orgs)
    with serve(hub.application()) as hub.url:
        yield hub
