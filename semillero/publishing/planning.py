"""What goes into each repository: every file with its sha256, before anything is written."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semillero.cards.exports import render_export_card
from semillero.cards.model_facts import describe_base
from semillero.cards.review_facts import name_guidelines
from semillero.digests import digest_file
from semillero.errors import PublishError
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.publishing.exports import NO_EXPORTS, Exports
from semillero.publishing.reproduction import write_manifest, write_project
from semillero.review.anonymity import without_names
from semillero.review.guidelines import render_guidelines
from semillero.review.routing import list_places
from semillero.store import Artifact, RunStore

DATASET_FILES = ("train.parquet", "validation.parquet", "test.parquet", "preferences.parquet")
LINK_INTO_ARGILLA = re.compile(r"\[([^\]]*)\]\(#priority\)")
MERGED, GGUF = "-merged", "-GGUF"  # what the names of a model's other forms end with
GIT = "git:"  # what the identity of a file in git begins with
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

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def is_at(self, identity: str) -> bool:
        """Tell whether a target that gives a file this identity holds these very bytes.

        Args:
            identity: a sha256; or ``git:`` and a blob's id, for files that the Hub keeps in git itself.
        """
        if not identity.startswith(GIT):
            return identity == self.sha256
        data = self.read()
        return identity == GIT + hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Repository:
    """A repository to publish.

    Attributes:
        kind: dataset, model or space.
        name: ORG/NAME.
        files: in the order they are written.
        form_of: the repository whose model this is in another form; its card is short and points there.
    """

    kind: str
    name: str
    files: tuple[PlannedFile, ...] = ()
    form_of: str = ""

    @property
    def folder(self) -> str:
        """Its folder under the published root."""
        return f"{self.kind}s/{self.name}"


def name_repositories(project: Project) -> tuple[Repository, ...]:
    """Return every repository that the project file asks for, without files, in the order of `plan_repositories`."""
    name = project.repository
    names = [Repository("dataset", name)]
    if project.training.enabled:
        names.append(Repository("model", name))
        names += [Repository("model", f"{name}{MERGED}", form_of=name)] * project.publish.merged
        names += [Repository("model", f"{name}{GGUF}", form_of=name)] * project.publish.gguf
        names.append(Repository("space", name))
    return tuple(names)


def plan_repositories(
    store: RunStore,
    project: Project,
    outputs: Outputs,
    cards: Artifact,
    space: Artifact | None,
    exports: Exports = NO_EXPORTS,
) -> tuple[Repository, ...]:
    """Return the repositories in the order they are published: dataset, model, its other forms, Space.

    Raises:
        PublishError: two artifacts want the same file name, or a card is missing.
    """
    name = project.repository
    plans = [("dataset", name, _plan_dataset(store, project, outputs, cards))]
    if outputs.adapter is not None:
        plans.append(("model", name, _plan_model(store, project, outputs, outputs.adapter, cards)))
        for suffix, export in ((MERGED, exports.merged), (GGUF, exports.gguf)):
            if export is not None:
                plans.append(("model", name + suffix, _plan_export(store, project, outputs.adapter, cards, export)))
    if space is not None:
        plans.append(("space", name, _from_artifact(store, space, {name: name for name in space.files})))
    return tuple(
        Repository(kind, called, _collect(files), form_of=name if called != name else "")
        for kind, called, files in plans
    )


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


def _plan_export(
    store: RunStore, project: Project, adapter: Artifact, cards: Artifact, export: Artifact
) -> Iterator[PlannedFile]:
    yield from _from_artifact(store, export, {name: name for name in export.files})
    report = json.loads((store.folder(adapter) / "training.json").read_text(encoding="utf-8"))
    if notice := describe_base(project, report)["notice"]:
        yield _made("NOTICE", f"{notice}\n".encode())
    whole = (store.folder(cards) / "model" / "README.md").read_text(encoding="utf-8")
    for language, name in (("es", "README_ES.md"), ("en", "README.md")):
        facts = {
            "merged_too": project.publish.merged,
            "file": next((n for n in export.files if n.endswith(".gguf")), ""),
        }
        yield _made(name, render_export_card(export.stage, language, whole, project, facts).encode())


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
