"""The endpoints about repositories: who asks, make, change and delete them, what is in them."""

import itertools
import json
import math
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

import yaml
from aiohttp import web

from tests.hub_server.accounts import Accounts
from tests.hub_server.spaces import Spaces
from tests.hub_server.state import Blob, Commit, Refusal, Repo, State, read_front_matter
from tests.hub_server.transfers import PREFIXES

NAME = re.compile(r"[\w][\w.-]{0,95}\Z")


def stamp(date: datetime) -> str:
    """Return a date as the client reads it; it knows no other form."""
    return date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Repositories:
    """Repositories, their trees, references and commits.

    Attributes:
        page_size: entries on a page of a tree or a list of commits.
    """

    def __init__(self, state: State, accounts: Accounts, spaces: Spaces) -> None:
        self.state, self.accounts, self.spaces = state, accounts, spaces
        self.page_size = 1000

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/agent-harnesses", self.agent_harnesses)
        router.add_get("/api/whoami-v2", self.whoami)
        router.add_post("/api/validate-yaml", self.validate_yaml)
        router.add_post("/api/repos/create", self.create)
        router.add_delete("/api/repos/delete", self.delete)
        router.add_post("/api/repos/move", self.move)
        api = "/api/{kind:models|datasets|spaces}/{owner}/{repo}"
        router.add_get(api, self.info)
        router.add_get(api + "/revision/{rev}", self.info)
        router.add_put(api + "/settings", self.settings)
        router.add_get(api + "/auth-check", self.auth_check)
        router.add_get(api + "/auth-check/write", self.auth_check)
        router.add_get(api + "/tree/{rev}", self.tree)
        router.add_get(api + "/tree/{rev}/{path:.+}", self.tree)
        router.add_post(api + "/paths-info/{rev}", self.paths_info)
        router.add_get(api + "/refs", self.refs)
        router.add_get(api + "/commits/{rev}", self.commits)
        router.add_post(api + "/branch/{branch}", self.create_branch)
        router.add_delete(api + "/branch/{branch}", self.delete_branch)
        router.add_post(api + "/tag/{rev}", self.create_tag)
        router.add_delete(api + "/tag/{rev}", self.delete_tag)

    async def agent_harnesses(self, request: web.Request) -> web.Response:
        return web.json_response({"standardEnvVars": [], "harnesses": {}})

    async def whoami(self, request: web.Request) -> web.Response:
        return web.json_response(self.accounts.require(request).describe())

    async def validate_yaml(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            found = read_front_matter(body["content"].encode())
        except yaml.YAMLError as error:
            return web.json_response({"errors": [{"message": str(error)}], "warnings": []}, status=400)
        warnings = [] if found else [{"message": "empty or missing yaml metadata in repo card"}]
        errors = [] if isinstance(found, dict) else [{"message": "the metadata is not a mapping"}]
        if body.get("repoType") == "space" and not errors and "sdk" not in found:
            errors.append({"message": '"sdk" is required'})
        status = 400 if errors else 200
        return web.json_response({"errors": errors, "warnings": warnings}, status=status)

    async def create(self, request: web.Request) -> web.Response:
        token, body = self.accounts.require(request), await request.json()
        kind, owner = body.get("type") or "model", body.get("organization") or token.user
        name = f"{owner}/{body['name']}"
        url = f"{request.url.origin()}/{PREFIXES[kind]}{name}"
        if not NAME.match(body["name"]):
            raise Refusal(400, f"Invalid repository name: {body['name']}")
        if token.role != "write" or owner not in token.namespaces:
            raise Refusal(403, f'You don\'t have the rights to create a {kind} under the namespace "{owner}"')
        if (kind, name) in self.state.repos:
            raise Refusal(409, f"You already created this {kind} repo", url=url)
        private = body.get("visibility") == "private" or body.get("private") is True
        if kind == "space":
            self.spaces.create(name, body)
        self.state.create(kind, name, private, token.user)
        return web.json_response({"url": url, "name": name})

    async def delete(self, request: web.Request) -> web.Response:
        body = await request.json()
        repo = self._named(request, body, f"{body.get('organization') or ''}/{body['name']}")
        del self.state.repos[repo.kind, repo.name]
        return web.json_response({})

    async def move(self, request: web.Request) -> web.Response:
        body = await request.json()
        repo = self._named(request, body, body["fromRepo"])
        if (repo.kind, body["toRepo"]) in self.state.repos:
            raise Refusal(409, f"{body['toRepo']} exists")
        self.state.repos[repo.kind, body["toRepo"]] = self.state.repos.pop((repo.kind, repo.name))
        if repo.kind == "space":
            self.spaces.spaces[body["toRepo"]] = self.spaces.spaces.pop(repo.name)
        repo.name = body["toRepo"]
        return web.json_response({})

    def _named(self, request: web.Request, body: dict[str, Any], name: str) -> Repo:
        token = self.accounts.require(request)
        name = name if not name.startswith("/") else f"{token.user}{name}"
        repo = self.state.repos.get((body.get("type") or "model", name))
        if repo is None:
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if not token.owns(repo) or token.role != "write":
            raise Refusal(403, "Forbidden")
        return repo

    async def settings(self, request: web.Request) -> web.Response:
        repo, body = self.accounts.open_repo(request, write=True), await request.json()
        if "visibility" in body or "private" in body:
            repo.private = body.get("visibility") == "private" or body.get("private") is True
        repo.gated = body.get("gated", repo.gated)
        return web.json_response({"private": repo.private, "gated": repo.gated})

    async def auth_check(self, request: web.Request) -> web.Response:
        self.accounts.open_repo(request, content=True, write=request.path.endswith("/write"))
        return web.json_response({})

    async def info(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request)
        return web.json_response(self.describe(repo, repo.resolve(request.match_info.get("rev", "main"))))

    def describe(self, repo: Repo, commit: Commit) -> dict[str, Any]:
        """Return what the Hub tells about a repository at a commit."""
        readme = commit.files.get("README.md")
        card = read_front_matter(self.state.read_object(readme.sha256)) if readme else {}
        card = card if isinstance(card, dict) else {}
        tags = [str(tag) for tag in card.get("tags") or []]
        tags += [f"license:{card['license']}"] if card.get("license") else []
        tags += [f"base_model:{card['base_model']}"] if isinstance(card.get("base_model"), str) else []
        siblings = []
        for path, blob in sorted(commit.files.items()):
            siblings.append({"rfilename": path, "size": blob.size, "blobId": blob.oid})
            if blob.lfs:
                siblings[-1]["lfs"] = _lfs(blob) | {"sha256": blob.sha256}
        return {
            "_id": "0" * 24, "id": repo.name, "author": repo.name.split("/")[0], "sha": commit.oid,
            "private": repo.private, "gated": repo.gated, "disabled": False, "tags": tags, "cardData": card,
            "lastModified": stamp(commit.date), "createdAt": stamp(repo.created), "downloads": 0, "likes": 0,
            "siblings": siblings, "usedStorage": sum(blob.size for blob in commit.files.values()),
            **(self._describe_space(repo, card) if repo.kind == "space" else {}), **self._describe_weights(commit),
        }  # fmt: skip

    def _describe_space(self, repo: Repo, card: dict[str, Any]) -> dict[str, Any]:
        space = self.spaces.look(repo.name)
        host = {"host": space.build.host, "subdomain": repo.name.replace("/", "-")} if space.build.host else {}
        return {"sdk": card.get("sdk", "gradio"), "runtime": self.spaces.describe(space), **host}

    def _describe_weights(self, commit: Commit) -> dict[str, Any]:
        """Count the parameters of a model's weights, as the Hub does from their header."""
        if "model.safetensors" not in commit.files:
            return {}
        data = self.state.read_object(commit.files["model.safetensors"].sha256)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        counts = [math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"]
        return {"safetensors": {"parameters": {"F32": sum(counts)}, "total": sum(counts)}}

    async def tree(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request)
        commit = repo.resolve(request.match_info["rev"])
        folder = request.match_info.get("path", "").strip("/")
        entries = list_tree(commit, folder, request.query.get("recursive", "").lower() in {"true", "1"})
        if folder and not entries:
            raise Refusal(404, f"{folder} does not exist on {request.match_info['rev']}", "EntryNotFound")
        return self._page(request, entries)

    async def paths_info(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request)
        commit = repo.resolve(request.match_info["rev"])
        form = await request.post()
        wanted = {str(path).strip("/") for path in form.getall("paths", [])}
        entries = [entry for entry in list_tree(commit, "", recursive=True) if entry["path"] in wanted]
        return web.json_response(entries)

    async def refs(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request)
        branches = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": oid} for n, oid in repo.branches.items()]
        tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": oid} for n, oid in repo.tags.items()]
        return web.json_response({"branches": branches, "converts": [], "tags": tags, "pullRequests": []})

    async def commits(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request)
        entries = [
            {
                "id": commit.oid, "title": commit.title, "message": commit.description,
                "authors": [{"user": commit.author}], "date": stamp(commit.date),
            }
            for commit in repo.history(request.match_info["rev"])
        ]  # fmt: skip
        return self._page(request, entries)

    async def create_branch(self, request: web.Request) -> web.Response:
        repo, branch = self.accounts.open_repo(request, write=True), request.match_info["branch"]
        body = await request.json() if request.can_read_body else {}
        if branch in repo.branches:
            raise Refusal(409, f"Reference already exists: refs/heads/{branch}")
        repo.branches[branch] = repo.resolve(body.get("startingPoint") or "main").oid
        return web.json_response({})

    async def delete_branch(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request, write=True)
        if request.match_info["branch"] == "main" or repo.branches.pop(request.match_info["branch"], None) is None:
            raise Refusal(404, "no such branch", "RevisionNotFound")
        return web.json_response({})

    async def create_tag(self, request: web.Request) -> web.Response:
        repo, body = self.accounts.open_repo(request, write=True), await request.json()
        if body["tag"] in repo.tags:
            raise Refusal(409, f"Tag reference exists already: {body['tag']}")
        repo.tags[body["tag"]] = repo.resolve(request.match_info["rev"]).oid
        return web.json_response({})

    async def delete_tag(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request, write=True)
        if repo.tags.pop(request.match_info["rev"], None) is None:
            raise Refusal(404, "no such tag", "RevisionNotFound")
        return web.json_response({})

    def _page(self, request: web.Request, entries: list[dict[str, Any]]) -> web.Response:
        start = int(request.query.get("cursor", 0))
        headers = {}
        if start + self.page_size < len(entries):
            query = dict(request.query) | {"cursor": str(start + self.page_size)}
            joined = "&".join(f"{key}={quote(value)}" for key, value in query.items())
            headers["Link"] = f'<{request.url.origin()}{request.rel_url.raw_path}?{joined}>; rel="next"'
        return web.json_response(entries[start : start + self.page_size], headers=headers)


def list_tree(commit: Commit, folder: str, recursive: bool) -> list[dict[str, Any]]:
    """Return what is in a folder of a commit, or that file itself, as the Hub describes files and folders."""
    inside = {p: b for p, b in commit.files.items() if not folder or p == folder or p.startswith(f"{folder}/")}
    parents = itertools.chain.from_iterable(itertools.accumulate(p.split("/")[:-1], "{}/{}".format) for p in inside)
    folders = {path for path in parents if path.startswith(f"{folder}/" if folder else "")}
    entries = [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders]
    for path, blob in inside.items():
        entries.append({"type": "file", "path": path, "oid": blob.oid, "size": blob.size})
        if blob.lfs:
            entries[-1] |= {"lfs": _lfs(blob), **({"xetHash": blob.xet} if blob.xet else {})}
    depth = folder.count("/") + 1 if folder else 0
    return sorted(
        (entry for entry in entries if recursive or entry["path"].count("/") <= depth), key=lambda entry: entry["path"]
    )


def _lfs(blob: Blob) -> dict[str, Any]:
    return {"oid": blob.sha256, "size": blob.size, "pointerSize": 134}
