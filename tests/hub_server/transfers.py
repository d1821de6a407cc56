"""The endpoints that move bytes: pre-upload, LFS, xet's tokens, commits, downloads."""

import base64
import hashlib
import json
import time
from math import ceil
from typing import Any
from urllib.parse import quote

from aiohttp import web

from tests.hub_server.accounts import Accounts
from tests.hub_server.state import Blob, Refusal, Repo, State, git_oid, pointer
from tests.hub_server.xet import XetStorage

PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}


class Transfers:
    """Uploads and downloads.

    Attributes:
        part_size: bytes; larger LFS files are asked for in parts of that size.
    """

    def __init__(self, state: State, accounts: Accounts, xet: XetStorage) -> None:
        self.state, self.accounts, self.xet = state, accounts, xet
        self.part_size = 8 * 1024 * 1024
        self._parts: dict[tuple[str, int], bytes] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        api = "/api/{kind:models|datasets|spaces}/{owner}/{repo}"
        router.add_post(api + "/preupload/{rev}", self.preupload)
        router.add_post(api + "/commit/{rev}", self.commit)
        router.add_get(api + "/xet-{access:read|write}-token/{rev}", self.xet_token)
        router.add_post("/-/lfs/{oid}/verify", self.verify)
        router.add_post("/-/lfs/{oid}/complete", self.complete)
        router.add_put("/-/lfs/{oid}", self.put)
        router.add_put("/-/lfs/{oid}/{part}", self.put)
        router.add_get("/-/cdn/{oid}", self.cdn)
        for prefix in ("/{kind:datasets|spaces}", ""):
            router.add_post(prefix + "/{owner}/{repo}.git/info/lfs/objects/batch", self.lfs_batch)
            router.add_get(prefix + "/{owner}/{repo}/{action:resolve|raw}/{rev}/{path:.+}", self.resolve)

    async def preupload(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request, write=True)
        body, rev = await request.json(), request.match_info["rev"]
        if len(body["files"]) > 256:
            raise Refusal(400, "more than 256 files")
        there = repo.resolve(rev).files
        answers = []
        for file in body["files"]:
            sample = base64.b64decode(file["sample"])
            large = self.state.is_large(repo, rev, file["path"], file["size"], sample)
            old = there.get(file["path"])
            mode = "lfs" if large else "regular"
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False})
            if old:
                answers[-1]["oid"] = old.etag
        return web.json_response({"files": answers})

    async def lfs_batch(self, request: web.Request) -> web.Response:
        self.accounts.open_repo(request, write=True)
        objects = []
        for entry in (await request.json())["objects"]:
            answer = {"oid": entry["oid"], "size": entry["size"], "authenticated": True}
            if not self.state.has_object(entry["oid"]):
                base = f"{request.url.origin()}/-/lfs/{entry['oid']}"
                upload: dict[str, Any] = {"href": base}
                if entry["size"] > self.part_size:
                    parts = ceil(entry["size"] / self.part_size)
                    header = {f"{n:05d}": f"{base}/{n}" for n in range(1, parts + 1)}
                    upload = {"href": f"{base}/complete", "header": {"chunk_size": str(self.part_size), **header}}
                answer["actions"] = {"upload": upload, "verify": {"href": f"{base}/verify"}}
            objects.append(answer)
        return web.json_response({"transfer": "basic", "objects": objects})

    async def put(self, request: web.Request) -> web.Response:
        data, oid, part = await request.read(), request.match_info["oid"], int(request.match_info.get("part", 0))
        if part:
            self._parts[oid, part] = data
        elif hashlib.sha256(data).hexdigest() != oid:
            raise Refusal(400, "the content does not have the announced sha256")
        else:
            self.state.add_object(data, lfs=True)
        return web.Response(headers={"ETag": f'"{hashlib.md5(data).hexdigest()}"'})

    async def complete(self, request: web.Request) -> web.Response:
        body, oid = await request.json(), request.match_info["oid"]
        data = b"".join(self._parts.get((oid, part["partNumber"]), b"") for part in body["parts"])
        if hashlib.sha256(data).hexdigest() != oid:
            raise Refusal(400, "the parts do not make the announced file")
        self.state.add_object(data, lfs=True)
        return web.json_response({"success": True})

    async def verify(self, request: web.Request) -> web.Response:
        self.accounts.require(request)
        if not self.state.has_object((await request.json())["oid"]):
            raise Refusal(404, "the object has not arrived")
        return web.json_response({"message": "ok"})

    async def xet_token(self, request: web.Request) -> web.Response:
        writing = request.match_info["access"] == "write"
        self.accounts.open_repo(request, content=True, write=writing)
        address = self.xet.open_writable() if writing else self.xet.open_readable()
        expiry = int(time.time()) + 3600
        headers = {"X-Xet-Cas-Url": address, "X-Xet-Access-Token": "xet", "X-Xet-Token-Expiration": str(expiry)}
        return web.json_response({"casUrl": address, "accessToken": "xet", "exp": expiry}, headers=headers)

    async def commit(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request, write=True)
        branch = request.match_info["rev"]
        lines = [json.loads(line) for line in (await request.text()).splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        if branch not in repo.branches:
            raise Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        changed, deleted = {}, []
        for line in lines:
            path = line["value"].get("path", "")
            if line["key"] == "file":
                data = base64.b64decode(line["value"]["content"])
                if self.state.is_large(repo, branch, path, len(data), data[:512]) and data:
                    raise Refusal(400, f"Your push was rejected because {path} should be an LFS file")
                changed[path] = self.state.add_object(data, lfs=False)
            elif line["key"] == "lfsFile":
                changed[path] = self._find_large(line["value"])
            elif line["key"] == "deletedFile":
                deleted.append(path)
            elif line["key"] == "deletedFolder":
                deleted.append(path.rstrip("/") + "/")
        author = self.accounts.require(request).user
        made = self.state.commit(
            repo, branch, changed, deleted, header["summary"], header.get("description", ""), author,
            header.get("parentCommit"),
        )  # fmt: skip
        url = f"{request.url.origin()}/{PREFIXES[repo.kind]}{repo.name}/commit/{made.oid}"
        return web.json_response({"success": True, "commitUrl": url, "commitOid": made.oid, "hookOutput": ""})

    def _find_large(self, value: dict[str, Any]) -> Blob:
        oid = value["oid"]
        if not self.state.has_object(oid) or oid not in self.xet.known:
            self.xet.collect()
        if not self.state.has_object(oid):
            raise Refusal(400, f"LFS pointer pointed to a file that does not exist: {value['path']}")
        size = len(self.state.read_object(oid))
        return Blob(oid, size, git_oid(pointer(oid, size)), True, self.xet.known.get(oid))

    async def resolve(self, request: web.Request) -> web.Response:
        repo = self.accounts.open_repo(request, content=True)
        commit, path = repo.resolve(request.match_info["rev"]), request.match_info["path"]
        headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        blob = commit.files.get(path)
        if blob is None:
            raise Refusal(404, "Entry not found", "EntryNotFound", headers)
        headers["ETag"] = f'"{blob.etag}"'
        if not blob.lfs:
            return _send(request, self.state.read_object(blob.sha256), headers)
        if request.match_info["action"] == "raw":
            return _send(request, pointer(blob.sha256, blob.size), headers)
        headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(blob.size)}
        # As on the Hub, another host: the client stops at it, and does not take its token there.
        headers["Location"] = f"http://localhost:{request.url.port}/-/cdn/{blob.sha256}"
        if blob.xet:
            headers |= self._point_to_xet(request, repo, commit.oid, blob.xet)
        return web.Response(status=302, headers=headers)

    def _point_to_xet(self, request: web.Request, repo: Repo, oid: str, xet: str) -> dict[str, str]:
        route = f"{request.url.origin()}/api/{repo.kind}s/{quote(repo.name)}/xet-read-token/{oid}"
        return {"X-Xet-Hash": xet, "X-Xet-Refresh-Route": route, "Link": f'<{route}>; rel="xet-auth"'}

    async def cdn(self, request: web.Request) -> web.Response:
        oid = request.match_info["oid"]
        if "Authorization" in request.headers:
            raise Refusal(400, "a token was sent to the storage, which is another host")
        return _send(request, self.state.read_object(oid), {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})


def _send(request: web.Request, data: bytes, headers: dict[str, str]) -> web.Response:
    """Return bytes, or the part of them that a Range header asks for."""
    if "Range" not in request.headers:
        return web.Response(body=data, headers=headers, content_type="application/octet-stream")
    start, stop, _ = request.http_range.indices(len(data))
    if start >= stop:
        headers["Content-Range"] = f"bytes */{len(data)}"
        return web.Response(status=416, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(status=206, body=data[start:stop], headers=headers, content_type="application/octet-stream")
