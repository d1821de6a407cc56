"""A Hugging Face Hub on loopback for tests: the HTTP API that the real clients call, and faults on order.

>>> with open_hub(tmp_path) as hub:                                          # doctest: +SKIP
...     hub.fault("POST .*/commit/", "lose-response")        # lands, but its answer does not
...     HfApi(endpoint=hub.url, token=hub.token).create_repo("semillero/corpus", repo_type="dataset")
...     hub.push("dataset", "semillero/corpus", {"notes.md": b"another writer's"})
...     print(hub.commits("dataset", "semillero/corpus"), hub.files("dataset", "semillero/corpus"))

`server` has `open_hub` and what a test reads and orders; `state` the repositories, `accounts` who may do what;
`api`, `transfers`, `xet`, `spaces` and `community` are the endpoints; `faults` what can go wrong.

Clients read HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE once, when they are imported: run what reads them (datasets, peft)
in a child process with `hub.environment(cold_cache)`, or pass `endpoint=hub.url` to HfApi.
"""

from tests.hub_server.server import Hub, open_hub
from tests.hub_server.spaces import Build

__all__ = ["Build", "Hub", "open_hub"]
