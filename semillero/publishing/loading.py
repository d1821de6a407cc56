"""What was published loads for somebody else: into an empty cache, in a process of its own, with their libraries.

``python -m semillero.publishing.loading`` reads a `LoadSpec` as JSON from its standard input. The libraries read the
endpoint and the place of their cache when they are imported, so only a new process sees what a stranger sees.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from semillero.digests import digest_file
from semillero.errors import InputError, PublishError
from semillero.models.base import find_configuration
from semillero.processes import dies_with_parent
from semillero.project import Project
from semillero.publishing.hub import Hub
from semillero.publishing.planning import PlannedFile, Repository

LARGEST = 2 << 30  # bytes; larger files are known by the sha256 under which the Hub keeps them, and not fetched again
TIMEOUT = 1800.0  # seconds for everything of one repository


@dataclass(frozen=True)
class LoadSpec:
    """What to load and what should come of it.

    Attributes:
        kind, name, revision: the repository and its commit.
        files: sha256 of each file to fetch, by path; everything is fetched when there are none.
        rows: rows of each split, by configuration, of a dataset; every configuration is loaded when there are none.
        base: folder with the configuration of an adapter's base; None when it is not on this machine.
    """

    kind: str
    name: str
    revision: str
    files: dict[str, str]
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    base: str | None = None


class ColdLoader:
    """Loads a repository's commit as a stranger would; to be given to `publish_repository`."""

    def __init__(self, hub: Hub, project: Project) -> None:
        self._hub, self._project = hub, project

    def __call__(self, repository: Repository, commit: str) -> None:
        """Load it.

        Raises:
            PublishError: it cannot be fetched, has other bytes, or a library refuses it.
        """
        with tempfile.TemporaryDirectory(prefix="semillero-cold-") as cache:
            done = subprocess.run(
                [sys.executable, "-m", "semillero.publishing.loading"],
                input=json.dumps(asdict(self._specify(repository, commit))),
                env=self._environment(cache),
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                preexec_fn=dies_with_parent(),
                check=False,
            )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise PublishError(
                f"{self._hub.url(repository)} does not load from an empty cache: {reason[:500]}",
                "what was published, as others get it",
                "it is not tagged and not made public; run the same command again when the cause is gone",
                retryable=True,
            )

    def _specify(self, repository: Repository, commit: str) -> LoadSpec:
        files = {file.name: file.sha256 for file in repository.files if file.size <= LARGEST}
        rows = count_splits(repository.files) if repository.kind == "dataset" else {}
        base = self._find_base() if repository.kind == "model" else None
        return LoadSpec(repository.kind, repository.name, commit, files, rows, base)

    def _find_base(self) -> str | None:
        try:
            return str(find_configuration(self._project.training.base, self._project.training.base_revision))
        except InputError:  # trained on another machine
            return None

    def _environment(self, cache: str) -> dict[str, str]:
        away = ("HF_", "HUGGING", "TRANSFORMERS_OFFLINE", "TRANSFORMERS_CACHE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(away)}
        timeout = f"{self._hub.patience.timeout:.0f}"
        return kept | {
            "HF_ENDPOINT": self._hub.endpoint,
            "HF_TOKEN": self._hub.token,
            "HF_HOME": cache,
            "HF_HUB_DOWNLOAD_TIMEOUT": timeout,
            "HF_HUB_ETAG_TIMEOUT": timeout,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }


def count_splits(files: tuple[PlannedFile, ...]) -> dict[str, dict[str, int]]:
    """Return the rows of each split of a dataset, by configuration; preferences are a configuration of their own."""
    from semillero.cards.dataset_facts import count_rows

    rows: dict[str, dict[str, int]] = {}
    for file in files:
        path = PurePosixPath(file.name)
        if path.suffix == ".parquet" and isinstance(file.source, Path):
            pairs = path.stem == "preferences"
            split = rows.setdefault("preferences" if pairs else "default", {})
            split["train" if pairs else path.stem] = count_rows(file.source)
    return rows


def load(spec: LoadSpec) -> None:
    """Fetch, compare and load; in a process whose cache is empty.

    Raises:
        ValueError: what came is not what was published.
    """
    from huggingface_hub import snapshot_download

    folder = Path(
        snapshot_download(
            spec.name, repo_type=spec.kind, revision=spec.revision, allow_patterns=list(spec.files) or None
        )
    )
    wrong = [name for name, sha256 in spec.files.items() if digest_file(folder / name) != sha256]
    if wrong:
        raise ValueError(f"other bytes than were published: {', '.join(wrong[:5])}")
    if spec.kind == "dataset":
        _load_dataset(spec)
    elif (folder / "adapter_config.json").exists():
        _load_adapter(spec)
    elif spec.kind == "model" and (folder / "config.json").exists():
        from transformers import AutoConfig, AutoTokenizer

        AutoConfig.from_pretrained(spec.name, revision=spec.revision)
        AutoTokenizer.from_pretrained(spec.name, revision=spec.revision)


def _load_dataset(spec: LoadSpec) -> None:
    from datasets import get_dataset_config_names, load_dataset

    rows = spec.rows or dict.fromkeys(get_dataset_config_names(spec.name, revision=spec.revision), None)
    for configuration, expected in rows.items():
        loaded = load_dataset(spec.name, configuration, revision=spec.revision)
        found = {name: split.num_rows for name, split in loaded.items()}
        if expected is not None and found != expected:
            raise ValueError(f"configuration {configuration} has the rows {found}, published were {expected}")


def _load_adapter(spec: LoadSpec) -> None:
    """Load the adapter on its base's shape: every weight must find its place, and none of the base's is read."""
    from peft import PeftModel, get_peft_model_state_dict, load_peft_weights

    weights = load_peft_weights(spec.name, device="cpu", revision=spec.revision)
    if not weights:
        raise ValueError("the adapter has no weights")
    if spec.base is None:
        return
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(spec.base))
    model = PeftModel.from_pretrained(base, spec.name, revision=spec.revision, low_cpu_mem_usage=True)
    # On an empty base peft puts no numbers anywhere, but it has built every place for them.
    places = {
        name: place.shape for name, place in get_peft_model_state_dict(model, save_embedding_layers=False).items()
    }
    if {name: weight.shape for name, weight in weights.items()} != places:
        raise ValueError(f"the adapter's {len(weights)} weights do not fit the {len(places)} places in its base")


if __name__ == "__main__":
    load(LoadSpec(**json.load(sys.stdin)))
