"""A Hub on loopback, a publisher connected to it, and a client library that does not sleep."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from semillero.publishing import hub as hub_module
from semillero.publishing.history import HubReceipt, Receipts
from semillero.publishing.hub import Hub, Patience
from semillero.publishing.planning import PlannedFile, Repository
from semillero.publishing.sending import name_publication, publish_repository
from semillero.store import RunStore
from tests.hub_server import Hub as Server
from tests.hub_server import open_hub

PATIENCE = Patience(timeout=1.0, attempts=8, first_wait=0.001, longest_wait=0.01)
CARD = b"---\nlicense: apache-2.0\n---\n# corpus\n"


def plan(**changed: bytes | None) -> Repository:
    """A small dataset: one file for LFS, two for git; ``changed`` by name, with _ for the point (None: left out)."""
    contents: dict[str, bytes | None] = {
        "data/train.parquet": b"PAR1" + b"x" * 3000, "statistics.json": b"{}\n", "README.md": CARD,
    }  # fmt: skip
    contents |= {name.replace("__", "/").replace("_", "."): data for name, data in changed.items()}
    files = [
        PlannedFile(name, hashlib.sha256(data).hexdigest(), data) for name, data in contents.items() if data is not None
    ]
    return Repository("dataset", "semillero/corpus", tuple(files))


class Publisher:
    """Publishes to the test server as one team on one machine; `lose_disk` makes it another machine."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        self.receipts = Receipts(RunStore(str(folder / "store")), hub.endpoint)

    def lose_disk(self) -> None:
        self.receipts = Receipts(RunStore(str(self.folder / f"store-{time.monotonic_ns()}")), self.hub.endpoint)

    def publish(self, repository: Repository, load: Callable[[Repository, str], None] | None = None) -> HubReceipt:
        return publish_repository(self.hub, repository, name_publication([repository]), self.receipts, load)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # The library waits a second before each of its own retries.
    from huggingface_hub.utils import _http

    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, 0.01))))
    monkeypatch.setattr(hub_module, "say", lambda text: None)
    with open_hub(tmp_path / "server") as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", server.token)
        yield server


@pytest.fixture
def publisher(server: Server, tmp_path: Path) -> Iterator[Publisher]:
    with hub_module.open_hub("HF_TOKEN", PATIENCE) as hub:
        yield Publisher(hub, tmp_path)


def our_commits(server: Server, kind: str = "dataset", name: str = "semillero/corpus") -> list[str]:
    """The ids of the commits that the server's user made, without the one that the Hub begins with."""
    return [c.oid for c in server.commits(kind, name) if c.author == server.user and c.parent is not None]


@pytest.fixture
def without_xet(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without hf-xet: large files go by LFS."""
    monkeypatch.setattr("huggingface_hub._commit_api.is_xet_available", lambda: False)
