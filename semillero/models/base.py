"""Where the base model is, whose it is, how large it is, and what identifies it.

`digest_base` is cheap and goes into recipes; `resolve_base` fetches or converts what is missing and is called only when
a model will be loaded. Nothing here loads one.
"""

import functools
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semillero.digests import digest_file, digest_json
from semillero.errors import InputError, TrainingError
from semillero.models import embedded
from semillero.models.embedded import assemble_embedded_gguf
from semillero.store import RunStore

__all__ = ["BaseModelInfo", "assemble_embedded_gguf", "count_parameters", "digest_base", "name_base", "resolve_base"]

EMBEDDED = "embedded"
# Weights, configuration and tokenizer; no Python and no pickles, whatever else a repository holds.
FILES = (
    "*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "chat_template.*",
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "README.md",
)  # fmt: skip
HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")


@dataclass(frozen=True)
class BaseModelInfo:
    """A base model on this machine's disk.

    Attributes:
        folder: safetensors, configuration and tokenizer.
        name: its public name, such as ``google/gemma-3-270m``.
        license: as the Hub spells it; empty when unknown.
        parameters: how many numbers its weights hold.
        digest: identifies its contents; the same on every machine.
        source: where it came from, in words, without a path.
    """

    folder: Path
    name: str
    license: str
    parameters: int
    digest: str
    source: str


def digest_base(base: str, revision: str | None = None) -> str:
    """Return what identifies a base model, without fetching or converting it.

    Raises:
        InputError: there is no such base.
    """
    if base == EMBEDDED:
        return embedded.conversion_recipe().key
    folder = _local_folder(base)
    if folder is not None:
        return _digest_folder(folder)
    return digest_json({"hub": base, "commit": _hub_commit(base, revision)})


def name_base(base: str) -> str:
    """Return a base model's public name: the one an adapter's configuration carries.

    Raises:
        InputError: there is no such base.
    """
    if base == EMBEDDED:
        return embedded.NAME
    folder = _local_folder(base)
    return base if folder is None else _public_name(folder)


def resolve_base(base: str, revision: str | None = None, max_parameters: float = math.inf) -> BaseModelInfo:
    """Return a base model's folder, made or fetched when it is not there yet.

    Args:
        base: ``embedded``, a folder, or a Hub id such as ``Qwen/Qwen2.5-0.5B``.
        revision: of a Hub base: branch, tag or commit.
        max_parameters: refuse a larger one before any weight is read.

    Raises:
        InputError: there is no such base, or it has no plain safetensors.
        TrainingError: it has more than ``max_parameters``.
    """
    if base == EMBEDDED:
        folder = _convert_embedded(embedded.cache_folder())
        license_, source = embedded.LICENSE, "Q4_K_M GGUF from PyPI, dequantised to bfloat16"
    elif (local := _local_folder(base)) is not None:
        folder, license_, source = local, _license(local), "a local folder"
    else:
        commit = _hub_commit(base, revision)
        folder = _fetch(base, commit, max_parameters)
        license_, source = _license(folder), f"Hugging Face Hub, revision {commit}"
    _check_folder(folder, base)
    parameters = count_parameters(folder)
    _check_size(base, parameters, max_parameters)
    return BaseModelInfo(folder, name_base(base), license_, parameters, digest_base(base, revision), source)


def find_configuration(base: str, revision: str | None = None) -> Path:
    """Return a folder with a base model's ``config.json``: nothing is converted, no weight is fetched.

    Raises:
        InputError: there is no such base, or the embedded one has not been converted yet.
    """
    if base == EMBEDDED:
        store = RunStore(str(embedded.cache_folder() / "bases"), dry=True)
        if found := store.find(embedded.conversion_recipe()):
            return store.folder(found)
        raise InputError("the embedded base has not been converted yet", "", "the first training run does it")
    if (local := _local_folder(base)) is not None:
        return local
    from huggingface_hub import hf_hub_download

    commit = _hub_commit(base, revision)
    try:
        return Path(hf_hub_download(base, "config.json", revision=commit)).parent
    except Exception as error:  # any transport fault, of whichever HTTP client the Hub library uses
        raise _no_base(base, commit, error) from None


def count_parameters(folder: Path) -> int:
    """Return how many parameters a folder's safetensors hold, from their headers alone."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise InputError(f"{path} is damaged: its header is longer than the file", "safetensors")
            header: dict[str, Any] = json.loads(file.read(length))
        total += sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    return total


@functools.cache
def _convert_embedded(cache: Path) -> Path:
    # Verifying half a gigabyte once a process is enough; ``cache`` is the key, tests move it.
    return embedded.convert_embedded()


def _local_folder(base: str) -> Path | None:
    path = Path(base).expanduser()
    if (path / "config.json").is_file():
        return path
    if path.is_dir() or not HUB_ID.match(base):
        raise InputError(
            f"training.base {base!r} is no model folder (it has no config.json)",
            "embedded, a folder with a model, or a Hub id such as Qwen/Qwen2.5-0.5B",
        )
    return None


def _check_folder(folder: Path, base: str) -> None:
    if not any(folder.glob("*.safetensors")):
        raise InputError(f"the base model {base!r} has no safetensors", "weights as *.safetensors", "name another base")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "quantization_config" in config:
        raise InputError(
            f"the base model {base!r} is quantised already", "the original weights", "name the base it was made from"
        )


def _check_size(base: str, parameters: int, limit: float) -> None:
    if parameters > limit:
        raise TrainingError(
            f"the base model {base!r} has {parameters / 1e9:.2f}B parameters",
            f"at most {limit / 1e9:g}B (training.max_parameters)",
            "name a smaller base; a jury that limits size gives no points for a larger one",
        )


def _digest_folder(folder: Path) -> str:
    paths = sorted({path for pattern in FILES for path in folder.glob(pattern)})
    return digest_json({path.name: digest_file(path) for path in paths if path.name != "README.md"})


def _public_name(folder: Path) -> str:
    name = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_name_or_path", "")
    return name if HUB_ID.match(str(name)) else folder.resolve().name


def _license(folder: Path) -> str:
    card = folder / "README.md"
    match = re.search(r"^license:\s*(\S+)\s*$", card.read_text(encoding="utf-8"), re.M) if card.is_file() else None
    return match.group(1).strip("'\"") if match else ""


def _hub_commit(base: str, revision: str | None) -> str:
    """Return the commit a revision stands for: asked of the Hub, or known from the cache when it cannot be reached."""
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
    from huggingface_hub.errors import RevisionNotFoundError as NoRevision

    if revision and re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    try:
        if not constants.is_offline_mode():
            return str(HfApi().model_info(base, revision=revision, timeout=10).sha)
    except (RepositoryNotFoundError, GatedRepoError, NoRevision) as error:
        raise _no_base(base, revision, error) from None
    except Exception as error:  # any transport fault, of whichever HTTP client the Hub library uses
        reason: Exception = error
    else:
        reason = OSError("the Hub is switched off (HF_HUB_OFFLINE)")
    try:
        cached = snapshot_download(base, revision=revision, local_files_only=True, allow_patterns=["config.json"])
    except (LocalEntryNotFoundError, OSError, ValueError):
        raise _no_base(base, revision, reason) from None
    return Path(cached).name


def _fetch(base: str, commit: str, max_parameters: float) -> Path:
    from huggingface_hub import get_safetensors_metadata, snapshot_download

    try:
        return Path(snapshot_download(base, revision=commit, local_files_only=True, allow_patterns=list(FILES)))
    except (OSError, ValueError):
        pass
    try:
        known = get_safetensors_metadata(base, revision=commit).parameter_count
        _check_size(base, sum(known.values()), max_parameters)  # before gigabytes are fetched
        return Path(snapshot_download(base, revision=commit, allow_patterns=list(FILES)))
    except TrainingError:
        raise
    except Exception as error:  # as above
        raise _no_base(base, commit, error) from None


def _no_base(base: str, revision: str | None, error: Exception) -> InputError:
    return InputError(
        f"the base model {base!r} (revision {revision or 'main'}) cannot be had: {type(error).__name__}: {error}",
        "embedded, a folder, or a Hub id that this machine can reach",
        "check the name, the connection, HF_TOKEN and that you accepted the model's terms; or use base: embedded",
    )
