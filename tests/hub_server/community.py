"""Collections, and discussions with their comments."""

import itertools
import re
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.hub_server.accounts import Accounts, Token
from tests.hub_server.api import stamp
from tests.hub_server.state import Refusal


class Community:
    """What people see beside repositories; ``collections`` by slug."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.collections: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/collections", self.list_collections)
        router.add_post("/api/collections", self.create_collection)
        one = "/api/collections/{owner}/{slug}"
        router.add_get(one, self.get_collection)
        router.add_patch(one, self.update_collection)
        router.add_delete(one, self.delete_collection)
        router.add_post(one + "/items", self.add_item)
        router.add_patch(one + "/items/{item}", self.update_item)
        router.add_delete(one + "/items/{item}", self.delete_item)
        api = "/api/{kind:models|datasets|spaces}/{owner}/{repo}/discussions"
        router.add_get(api, self.list_discussions)
        router.add_post(api, self.create_discussion)
        router.add_get(api + "/{num}", self.get_discussion)
        router.add_post(api + "/{num}/{what:comment|status}", self.change_discussion)

    async def list_collections(self, request: web.Request) -> web.Response:
        token, owner = self.accounts.identify(request), request.query.get("owner")
        found = [c for c in self.collections.values() if owner in (None, c["owner"]["name"])]
        seen = [c for c in found if not c["private"] or (token and c["owner"]["name"] in token.namespaces)]
        return web.json_response(seen)

    async def create_collection(self, request: web.Request) -> web.Response:
        token, body = self._writer(request), await request.json()
        owner = body.get("namespace") or token.user
        if owner not in token.namespaces:
            raise Refusal(403, f"no rights in {owner}")
        for slug, other in self.collections.items():
            if other["owner"]["name"] == owner and other["title"] == body["title"]:
                raise Refusal(409, "This collection already exists", slug=slug)
        number = next(self._numbers)
        slug = f"{owner}/{re.sub(r'[^a-z0-9]+', '-', body['title'].lower()).strip('-')}-{number:024x}"
        self.collections[slug] = {
            "slug": slug, "title": body["title"], "description": body.get("description"), "items": [],
            "owner": {"name": owner, "type": "user"}, "lastUpdated": stamp(datetime.now(UTC)), "position": number,
            "private": bool(body.get("private")), "theme": "orange", "upvotes": 0,
        }  # fmt: skip
        return web.json_response(self.collections[slug])

    async def get_collection(self, request: web.Request) -> web.Response:
        return web.json_response(self._collection(request, write=False))

    async def update_collection(self, request: web.Request) -> web.Response:
        collection, body = self._collection(request), await request.json()
        collection.update({key: body[key] for key in ("title", "description", "private", "position") if key in body})
        return web.json_response({"success": True, "data": collection})

    async def delete_collection(self, request: web.Request) -> web.Response:
        del self.collections[self._collection(request)["slug"]]
        return web.json_response({"success": True})

    async def add_item(self, request: web.Request) -> web.Response:
        collection, body = self._collection(request), await request.json()
        item = body["item"]
        if any((old["id"], old["type"]) == (item["id"], item["type"]) for old in collection["items"]):
            raise Refusal(409, "already in the collection")
        note = {"note": {"text": body["note"]}} if "note" in body else {}
        position = len(collection["items"])
        collection["items"].append({"_id": f"{next(self._numbers):024x}", "position": position, **item, **note})
        return web.json_response(collection)

    async def update_item(self, request: web.Request) -> web.Response:
        collection, body = self._collection(request), await request.json()
        item = self._item(collection, request.match_info["item"])
        if "note" in body:
            item["note"] = {"text": body["note"]}
        if "position" in body:
            collection["items"].remove(item)
            collection["items"].insert(body["position"], item)
        return web.json_response({"success": True})

    async def delete_item(self, request: web.Request) -> web.Response:
        collection = self._collection(request)
        collection["items"].remove(self._item(collection, request.match_info["item"]))
        return web.json_response({"success": True})

    def _item(self, collection: dict[str, Any], key: str) -> dict[str, Any]:
        for item in collection["items"]:
            if item["_id"] == key:
                return item
        raise Refusal(404, "no such item")

    def _writer(self, request: web.Request) -> Token:
        token = self.accounts.require(request)
        if token.role != "write":
            raise Refusal(403, "a token that may write is needed")
        return token

    def _collection(self, request: web.Request, write: bool = True) -> dict[str, Any]:
        token = self._writer(request) if write else self.accounts.identify(request)
        collection = self.collections.get(f"{request.match_info['owner']}/{request.match_info['slug']}")
        owned = collection is not None and token is not None and collection["owner"]["name"] in token.namespaces
        if collection is None or (not owned and collection["private"]):
            raise Refusal(404, "Collection not found")
        if write and not owned:
            raise Refusal(403, "not yours")
        return collection

    async def list_discussions(self, request: web.Request) -> web.Response:
        found = self.accounts.open_repo(request).discussions
        return web.json_response({"count": len(found), "start": 0, "discussions": found})

    async def create_discussion(self, request: web.Request) -> web.Response:
        repo, body, user = self.accounts.open_repo(request), await request.json(), self.accounts.require(request).user
        num = len(repo.discussions) + 1
        repo.discussions.append({
            "num": num, "title": body["title"], "status": "open", "isPullRequest": bool(body.get("pullRequest")),
            "author": {"name": user}, "createdAt": stamp(datetime.now(UTC)), "events": [],
            "repo": {"name": repo.name, "type": repo.kind}, "repoOwner": {"name": repo.name.split("/")[0]},
            "changes": {"base": "main"}, "filesWithConflicts": [],
        })  # fmt: skip
        self._add_event(repo.discussions[-1], "comment", user, _comment(body.get("description") or ""))
        return web.json_response({"num": num})

    async def get_discussion(self, request: web.Request) -> web.Response:
        return web.json_response(self._discussion(request))

    async def change_discussion(self, request: web.Request) -> web.Response:
        user, discussion, body = self.accounts.require(request).user, self._discussion(request), await request.json()
        if request.match_info["what"] == "comment":
            event = self._add_event(discussion, "comment", user, _comment(body["comment"]))
        else:
            discussion["status"] = body["status"]
            event = self._add_event(discussion, "status-change", user, {"status": body["status"]})
        return web.json_response({"newMessage": event, "newStatus": event})

    def _discussion(self, request: web.Request) -> dict[str, Any]:
        found = self.accounts.open_repo(request).discussions
        num = int(request.match_info["num"])
        if not 0 < num <= len(found):
            raise Refusal(404, "Discussion not found")
        return found[num - 1]

    def _add_event(self, discussion: dict[str, Any], kind: str, user: str, data: dict[str, Any]) -> dict[str, Any]:
        made = {"id": f"{next(self._numbers):024x}", "type": kind, "createdAt": stamp(datetime.now(UTC))}
        event = {**made, "author": {"name": user}, "data": data}
        discussion["events"].append(event)
        return event


def _comment(text: str) -> dict[str, Any]:
    return {"edited": False, "hidden": False, "latest": {"raw": text}}
