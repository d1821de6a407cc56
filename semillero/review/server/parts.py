"""The four parts of a local Argilla: how each is started, and how it shows that it works.

| part | program | keeps |
|---|---|---|
| search | osmem-server, as OpenSearch | the index, in memory: rebuilt from the database at every start |
| redis | Valkey, with a password | jobs not yet done, in an append-only file |
| argilla | page and API (`inside.py`) | everything, in SQLite |
| worker | Argilla's own job worker | nothing |
"""

import contextlib
import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from semillero.digests import digest_json
from semillero.ports import HOST
from semillero.review.server.environment import Environment
from semillero.review.server.keys import OWNER, Keys, write_private
from semillero.review.server.places import Home
from semillero.review.server.processes import TOKEN_VARIABLE

ORDER = ("search", "redis", "argilla", "worker")


@dataclass(frozen=True)
class Part:
    """One process of a local Argilla.

    Attributes:
        name: one of `ORDER`.
        command: program and arguments; no secret is among them, since anybody can list those.
        settings: its environment.
    """

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(repr=False)

    @property
    def recipe(self) -> str:
        """Digest of what it is started from; a process with another recipe is replaced."""
        return digest_json([self.command, dict(self.settings)])


def describe_parts(home: Home, made: Environment, keys: Keys, ports: Mapping[str, int]) -> dict[str, Part]:
    """Return the four parts, in the order in which they are started."""
    token = {TOKEN_VARIABLE: keys.token}
    python = {**token, **argilla_settings(home, keys, ports)}
    owner = {"OWNER": OWNER, "PASSWORD": keys.password, "API_KEY": keys.api_key, "PROGRESS": str(home.progress)}
    inside = str(files("semillero.review.server") / "inside.py")
    parts = (
        Part("search", (str(made.search), "-no-stdin-watch", "-no-ja", "-addr", f"{HOST}:{ports['search']}"), token),
        Part("redis", (str(made.redis), str(redis_file(home))), {**token, "REDIS_RECIPE": str(ports["redis"])}),
        Part(
            "argilla",
            (str(made.python), inside, "serve", HOST, str(ports["argilla"])),
            {**python, **{f"SEMILLERO_ARGILLA_{name}": value for name, value in owner.items()}},
        ),
        Part("worker", (str(made.python), "-m", "argilla_server", "worker", "--num-workers", "1"), python),
    )
    return {part.name: part for part in parts}


def argilla_settings(home: Home, keys: Keys, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the environment of Argilla's own processes."""
    pages = [f"http://{host}:{ports['argilla']}" for host in (HOST, "localhost")]
    return {
        "ARGILLA_HOME_PATH": str(home.folder),
        "ARGILLA_DATABASE_URL": f"sqlite+aiosqlite:///{home.database}?check_same_thread=False",
        "ARGILLA_DATABASE_SQLITE_TIMEOUT": "60",  # seconds that one writer waits for another
        "ARGILLA_SEARCH_ENGINE": "opensearch",
        "ARGILLA_ELASTICSEARCH": f"http://{HOST}:{ports['search']}",
        "ARGILLA_REDIS_URL": f"redis://:{keys.redis_password}@{HOST}:{ports['redis']}/0",
        "ARGILLA_AUTH_SECRET_KEY": keys.auth_secret,
        "ARGILLA_AUTH_OAUTH_CFG": str(home.folder / "oauth.yaml"),  # not whatever lies in the working folder
        "ARGILLA_CORS_ORIGINS": json.dumps(pages),  # the default lets every website in
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "PYTHONSAFEPATH": "1",  # files beside inside.py or in the working folder shadow no package
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "160",  # of the worker's log
        "TMPDIR": str(home.scratch),  # each import of Argilla leaves a copy of its page there
    }


def redis_file(home: Home) -> Path:
    """Return where Valkey's configuration is."""
    return home.folder / "redis.conf"


def write_redis_file(home: Home, keys: Keys, port: int) -> None:
    """Write Valkey's configuration; its password stays out of the command line."""
    folder = home.folder / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    lines = (
        f"bind {HOST}",
        f"port {port}",
        f"requirepass {keys.redis_password}",
        f'dir "{folder}"',
        'save ""',
        "appendonly yes",  # a restart loses no webhook that was still to be sent
        "aof-load-truncated yes",
        "daemonize no",
        "set-proc-title no",  # a title would be written over the environment, and with it our token
    )
    write_private(redis_file(home), "\n".join(lines) + "\n")


def answers(name: str, keys: Keys, ports: Mapping[str, int], seconds: float) -> bool:
    """Tell whether a part that lives does its work; the worker, which has no port, is taken at its word."""
    probes = {
        "search": partial(get_json, f"http://{HOST}:{ports['search']}/"),
        "argilla": partial(get_json, f"http://{HOST}:{ports['argilla']}/api/v1/version"),
        "redis": partial(_ping_redis, ports["redis"], keys.redis_password),
    }
    return name not in probes or probes[name](seconds) is not None


def get_json(url: str, seconds: float) -> Any | None:
    """Return what an address answers within some seconds, or None."""
    with contextlib.suppress(urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        # No proxy of the user's stands between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=seconds) as reply:
            return json.load(reply)
    return None


def _ping_redis(port: int, password: str, seconds: float) -> str | None:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=seconds) as connection:
        connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        reply = b""
        while b"PONG" not in reply and not reply.startswith(b"-") and (more := connection.recv(256)):
            reply += more
        return "PONG" if b"PONG" in reply else None
    return None
