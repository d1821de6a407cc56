"""Spaces: what they run on, their secrets and variables, builds that end as a test wants, and their logs.

A commit to a Space's `main`, a restart and a change of its hardware or settings begin a build; it lasts a number of
looks at the runtime, not of seconds, so that tests need no clock.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiohttp import web

from tests.hub_server.accounts import Accounts
from tests.hub_server.state import Refusal, Repo, State

FLAVORS = {"cpu-basic", "cpu-upgrade", "t4-small", "t4-medium", "l4x1", "a10g-small", "a100-large", "zero-a10g"}
BEFORE = {"RUNNING": ("BUILDING", "APP_STARTING"), "RUNTIME_ERROR": ("BUILDING", "APP_STARTING")}


class Value(NamedTuple):
    """A secret or a variable."""

    value: str
    description: str | None = None


@dataclass
class Build:
    """How a build ends.

    Attributes:
        stage: the last one: RUNNING, BUILD_ERROR, RUNTIME_ERROR, CONFIG_ERROR …
        build_log, run_log: lines.
        polls: how often the runtime is still on its way when somebody looks.
        host: where the app answers.
    """

    stage: str = "RUNNING"
    build_log: tuple[str, ...] = ("===== Build Queued", "--> RUN pip install -r requirements.txt", "DONE 1.0s")
    run_log: tuple[str, ...] = ("===== Application Startup", "* Running on local URL:  http://0.0.0.0:7860")
    polls: int = 2
    host: str = ""


@dataclass
class Space:
    """What a Space has beside its repository.

    Attributes:
        secrets, variables: by name; the value of a secret can be read by tests alone.
        hardware, requested: what it runs on, and what it was last told to run on.
        sleep: seconds.
        head: the commit that is built or runs; ``sha`` the one that runs, or ran last.
        looks: how often somebody has looked at this build; negative while it is not noticed yet.
        builds: the commits built, in order.
    """

    secrets: dict[str, Value] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    hardware: str | None = None
    requested: str = "cpu-basic"
    sleep: int | None = None
    paused: bool = False
    head: str = ""
    sha: str = ""
    former: str = "NO_APP_FILE"
    looks: int = 0
    builds: list[str] = field(default_factory=list)
    build: Build = field(default_factory=Build)

    @property
    def stage(self) -> str:
        """The stage as the next look shows it."""
        if self.paused:
            return "PAUSED"
        if self.looks < 0:
            return self.former
        if self.looks >= self.build.polls:
            return self.build.stage
        before = BEFORE.get(self.build.stage, ("BUILDING",))
        stage = before[min(self.looks * len(before) // max(self.build.polls, 1), len(before) - 1)]
        return f"RUNNING_{stage}" if self.former == "RUNNING" else stage


class Spaces:
    """The endpoints of Spaces.

    Attributes:
        build: called with a Space's name and files; decides how that build ends.
        lag: looks during which a new commit is not noticed yet, and the former stage is told.
    """

    def __init__(self, state: State, accounts: Accounts) -> None:
        self.state, self.accounts = state, accounts
        self.spaces: dict[str, Space] = {}
        self.build: Callable[[str, Mapping[str, bytes]], Build] = lambda name, files: Build()
        self.lag = 0

    def add_routes(self, router: web.UrlDispatcher) -> None:
        api = "/api/{kind:spaces}/{owner}/{repo}"
        router.add_get(api + "/runtime", self.runtime)
        router.add_post(api + "/{what:hardware|sleeptime|pause|restart}", self.control)
        for what in ("secrets", "variables"):
            router.add_get(api + f"/{{what:{what}}}", self.list_values)
            router.add_post(api + f"/{{what:{what}}}", self.set_value)
            router.add_delete(api + f"/{{what:{what}}}", self.delete_value)
        router.add_get(api + "/logs/{log:build|run}", self.logs)

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Make a Space's runtime as `POST /api/repos/create` describes it."""
        space = self.spaces[name] = Space()
        space.requested = self._check_flavor(body.get("hardware") or "cpu-basic")
        space.sleep = body.get("sleepTimeSeconds")
        for values, entries in ((space.secrets, "secrets"), (space.variables, "variables")):
            values.update({e["key"]: Value(e["value"], e.get("description")) for e in body.get(entries) or []})

    def look(self, name: str) -> Space:
        """Return a Space's runtime, with the build begun that its head asks for."""
        repo, space = self.state.find("space", name), self.spaces[name]
        if space.head != repo.branches["main"]:
            self._begin_build(repo, space)
        return space

    def _begin_build(self, repo: Repo, space: Space) -> None:
        former = space.stage
        space.former = "RUNNING" if former.startswith("RUNNING") else former
        space.head, space.looks = repo.branches["main"], -self.lag
        files = {path: self.state.read_object(b.sha256) for path, b in repo.commits[space.head].files.items()}
        space.build = Build("NO_APP_FILE", polls=0) if "app.py" not in files else self.build(repo.name, files)
        space.builds.append(space.head)

    def describe(self, space: Space) -> dict[str, Any]:
        """Return the runtime as the Hub tells it."""
        stage = space.stage
        if stage == "RUNNING" and space.looks >= 0:
            space.hardware, space.sha = space.requested, space.head
        told = {"stage": stage, "hardware": {"current": space.hardware, "requested": space.requested}}
        error = {"errorMessage": space.build.build_log[-1]} if stage.endswith("ERROR") else {}
        sha = {"sha": space.sha} if space.sha else {}
        return {**told, **sha, "gcTimeout": space.sleep, "storage": None, "replicas": {"requested": 1}, **error}

    def _open(self, request: web.Request, write: bool = False) -> Space:
        return self.look(self.accounts.open_repo(request, write=write).name)

    async def runtime(self, request: web.Request) -> web.Response:
        space = self._open(request)
        told = self.describe(space)
        space.looks += 1
        return web.json_response(told)

    async def control(self, request: web.Request) -> web.Response:
        space = self._open(request, write=True)
        what = request.match_info["what"]
        body = await request.json() if request.can_read_body else {}
        if what == "hardware":
            space.requested = self._check_flavor(body["flavor"])
            space.sleep = body.get("sleepTimeSeconds", space.sleep)
            space.looks = 0
        elif what == "sleeptime":
            space.sleep = body["seconds"]
        else:
            space.paused = what == "pause"
            if what == "restart":
                self._begin_build(self.accounts.open_repo(request), space)
        return web.json_response(self.describe(space))

    def _check_flavor(self, flavor: str) -> str:
        if flavor not in FLAVORS:
            raise Refusal(400, f"Invalid hardware flavor: {flavor}")
        return flavor

    async def list_values(self, request: web.Request) -> web.Response:
        space = self._open(request, write=request.match_info["what"] == "secrets")
        if request.match_info["what"] == "secrets":
            return web.json_response({key: {"description": value.description} for key, value in space.secrets.items()})
        return web.json_response({key: value._asdict() for key, value in space.variables.items()})

    async def set_value(self, request: web.Request) -> web.Response:
        space, body = self._open(request, write=True), await request.json()
        self._values(request, space)[body["key"]] = Value(body["value"], body.get("description"))
        space.looks = 0  # it starts again
        return await self.list_values(request)

    async def delete_value(self, request: web.Request) -> web.Response:
        space, body = self._open(request, write=True), await request.json()
        self._values(request, space).pop(body["key"], None)
        return await self.list_values(request)

    def _values(self, request: web.Request, space: Space) -> dict[str, Value]:
        return space.secrets if request.match_info["what"] == "secrets" else space.variables

    async def logs(self, request: web.Request) -> web.StreamResponse:
        space = self._open(request, write=True)
        lines = space.build.build_log if request.match_info["log"] == "build" else space.build.run_log
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        events = [json.dumps({"data": line + "\n", "timestamp": now}) for line in lines]
        text = "".join(f"data: {event}\n\n" for event in events)
        return web.Response(text=text, content_type="text/event-stream")
