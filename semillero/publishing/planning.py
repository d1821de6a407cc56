"""What goes into each repository: every file with its sha256, before anything is written."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semillero.cards.model_facts import describe_base
from semillero.cards.review_facts import name_guidelines
from semillero.digests import digest_file
from semillero.errors import PublishError
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.publishing.reproduction import write_manifest, write_project
from semillero.review.anonymity import without_names
from semillero.review.guidelines import render_guidelines
from semillero.review.routing import list_places
from semillero.store import Artifact, RunStore

DATASET_FILES = ("train.parquet", "validation.parquet", "test.parquet", "preferences.parquet")
LINK_INTO_ARGILLA = re.compile(r"\[([^\]]*)\]\(#priority\)")
EVALUATION_FILES = ("evaluation.json", "evaluation.md", "samples.jsonl")


@dataclass(frozen=True)
class PlannedFile:
    """A file to publish.

    Attributes:
        name: its path inside the repository.
        sha256: of its bytes.
        source: where the bytes are, or the bytes themselves.
    """

    name: str
    sha256: str
    source: Path | bytes

    def read(self) -> bytes:
        """Return the bytes."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True)
class Repository:
    """A repository to publish; ``kind`` is dataset, model or space, ``name`` is ORG/NAME."""

    kind: str
    name: str
    files: tuple[PlannedFile, ...]

    @property
    def folder(self) -> str:
        """Its folder under the published root."""
        return f"{self.kind}s/{self.name}"


def plan_repositories(
    store: RunStore, project: Project, outputs: Outputs, cards: Artifact, space: Artifact | None
) -> tuple[Repository, ...]:
    """Return the repositories in the order they are published: dataset, model, Space.

    Raises:
        PublishError: two artifacts want the same file name, or a card is missing.
    """
    plans = [("dataset", _plan_dataset(store, project, outputs, cards))]
    if outputs.adapter is not None:
        plans.append(("model", _plan_model(store, project, outputs, outputs.adapter, cards)))
    if space is not None:
        plans.append(("space", _from_artifact(store, space, {name: name for name in space.files})))
    return tuple(Repository(kind, project.repository, _collect(files)) for kind, files in plans)


def _plan_dataset(store: RunStore, project: Project, outputs: Outputs, cards: Artifact) -> Iterator[PlannedFile]:
    dataset = outputs.dataset
    names = {name: f"data/{name}" for name in DATASET_FILES if name in dataset.files}
    names |= {name: name for name in dataset.files if name.startswith("figures/")}
    names["statistics.json"] = "statistics.json"
    yield from _from_artifact(store, dataset, names)
    yield from _from_artifact(store, outputs.curated, {"curation.json": "curation.json"})
    if outputs.report is not None:  # all but the page: the gate lets nothing through that a browser would run
        yield from _from_artifact(
            store,
            outputs.report,
            {name: f"report/{name}" for name in outputs.report.files if not name.endswith(".html")},
        )
    yield from _plan_review(store, project, outputs.reviewed)
    yield _made("reproduction/project.yaml", write_project(project))
    yield _made("reproduction/manifest.json", write_manifest(store, outputs))
    yield from _cards(store, cards, "dataset")


def _plan_review(store: RunStore, project: Project, reviewed: Artifact) -> Iterator[PlannedFile]:
    """Yield ``agreement.json`` without people's names, and the guidelines that they followed."""
    agreement = json.loads((store.folder(reviewed) / "agreement.json").read_text(encoding="utf-8"))
    if not agreement["human_reviewed"]:
        yield from _from_artifact(store, reviewed, {"agreement.json": "agreement.json"})
        return
    text = json.dumps(without_names(agreement), ensure_ascii=False, indent=2, sort_keys=True)
    yield _made("agreement.json", f"{text}\n".encode())
    pairs = agreement["preferences"]["ranked"] > 0
    # A variety's first place is the one without overlap; the others differ in a sentence.
    places = {place.variety: place for place in reversed(list_places(project)) if place.pairs == pairs}
    for variety in agreement["varieties"]:
        guidelines = LINK_INTO_ARGILLA.sub(r"\1", render_guidelines(project, places[variety]))
        yield _made(name_guidelines(variety), f"{guidelines.strip()}\n".encode())


def _plan_model(
    store: RunStore, project: Project, outputs: Outputs, adapter: Artifact, cards: Artifact
) -> Iterator[PlannedFile]:
    report = json.loads((store.folder(adapter) / "training.json").read_text(encoding="utf-8"))
    base = describe_base(project, report)
    # PEFT writes a README of its own, and the local path of the base into adapter_config.json: both are replaced.
    replaced = {"adapter/README.md", "adapter/adapter_config.json"}
    names = {n: n.removeprefix("adapter/") for n in adapter.files if n.startswith("adapter/") and n not in replaced}
    names |= {name: name for name in adapter.files if name.startswith("figures/")}
    names["training.json"] = "training.json"
    yield from _from_artifact(store, adapter, names)
    config = store.folder(adapter) / "adapter" / "adapter_config.json"
    yield _made("adapter_config.json", _name_base(config, base))
    if base["notice"]:
        yield _made("NOTICE", f"{base['notice']}\n".encode())
    if outputs.evaluation is not None:
        figures = [name for name in outputs.evaluation.files if name.startswith("figures/")]
        reports = [name for name in EVALUATION_FILES if name in outputs.evaluation.files]
        yield from _from_artifact(store, outputs.evaluation, {name: name for name in (*figures, *reports)})
    yield from _cards(store, cards, "model")


def _from_artifact(store: RunStore, artifact: Artifact, names: dict[str, str]) -> Iterator[PlannedFile]:
    folder = store.folder(artifact)
    for name, target in names.items():
        yield PlannedFile(target, artifact.files[name], folder / name)


def _cards(store: RunStore, cards: Artifact, kind: str) -> Iterator[PlannedFile]:
    # Cards tell energy and are not part of the artifact's content: their hashes are taken here.
    for name in ("README_ES.md", "README.md"):
        path = store.folder(cards) / kind / name
        if not path.is_file():
            raise PublishError(f"the {kind}'s card {name} was not written", "a card for each repository")
        yield PlannedFile(name, digest_file(path), path)


def _made(name: str, data: bytes) -> PlannedFile:
    return PlannedFile(name, hashlib.sha256(data).hexdigest(), data)


def _name_base(config: Path, base: dict[str, Any]) -> bytes:
    values = json.loads(config.read_text(encoding="utf-8"))
    values["base_model_name_or_path"] = base["hub_id"] or base["name"]
    values["revision"] = base["revision"]
    return (json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _collect(files: Iterator[PlannedFile]) -> tuple[PlannedFile, ...]:
    planned: dict[str, PlannedFile] = {}
    for file in files:
        if file.name in planned and planned[file.name].sha256 != file.sha256:
            raise PublishError(
                f"two artifacts have a file called {file.name}", "one file a name", "report this as a bug"
            )
        planned[file.name] = file
    # README last: whoever sees it finds everything it speaks of.
    return tuple(sorted(planned.values(), key=lambda file: (file.name == "README.md", file.name)))
