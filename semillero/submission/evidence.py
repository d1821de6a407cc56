"""What the checks look at: the artifacts' own reports and what lies in the published folder."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semillero.cards import split_card
from semillero.cards.model_facts import describe_evaluation
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import Artifact, RunStore

KINDS = ("dataset", "model", "space")
CARDS = ("README.md", "README_ES.md")


@dataclass(frozen=True)
class Evidence:
    """Everything a check may read; what is not there yet is empty.

    Attributes:
        project: the project file.
        statistics, curation, agreement: the dataset's, the curation's and the review's reports.
        judged: rows have a judge's score.
        trained: there is an adapter.
        evaluation: base against tuned, or None (see `semillero.cards.model_facts.describe_evaluation`).
        files: names of the files in each published repository, by kind.
        cards: text of each published card, by ``kind/name``.
    """

    project: Project
    statistics: dict[str, Any] = field(default_factory=dict)
    curation: dict[str, Any] = field(default_factory=dict)
    agreement: dict[str, Any] = field(default_factory=dict)
    judged: bool = False
    trained: bool = False
    evaluation: dict[str, Any] | None = None
    files: dict[str, frozenset[str]] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)

    def card(self, kind: str, name: str = "README.md") -> str:
        """Return a published card's text, empty when there is none."""
        return self.cards.get(f"{kind}/{name}", "")

    def front_matter(self, kind: str) -> dict[str, Any]:
        """Return a published card's front matter, empty when there is none."""
        return split_card(self.card(kind))[0]

    def has(self, kind: str, name: str) -> bool:
        """Tell whether a published repository has a file."""
        return name in self.files.get(kind, frozenset())


def gather_evidence(store: RunStore, project: Project, outputs: Outputs | None) -> Evidence:
    """Read what there is, at any stage of the project."""
    files, cards = _read_published(project)
    if outputs is None:
        return Evidence(
            project, trained="adapter_model.safetensors" in files.get("model", ()), files=files, cards=cards
        )
    evaluation = outputs.evaluation
    return Evidence(
        project,
        statistics=_read_report(store, outputs.dataset, "statistics.json"),
        curation=_read_report(store, outputs.curated, "curation.json"),
        agreement=_read_report(store, outputs.reviewed, "agreement.json"),
        judged=outputs.scores is not None,
        trained=outputs.adapter is not None,
        evaluation=None if evaluation is None else describe_evaluation(store.folder(evaluation), evaluation),
        files=files,
        cards=cards,
    )


def published_folder(project: Project, kind: str, name: str = "") -> Path:
    """Return where a repository is published; by default the project's own of a kind."""
    return project.resolve(project.publish.folder) / f"{kind}s" / (name or project.repository)


def _read_published(project: Project) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    files, cards = {}, {}
    for kind in KINDS:
        folder = published_folder(project, kind)
        if not folder.is_dir():
            continue
        files[kind] = frozenset(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        for name in CARDS:
            if (folder / name).is_file():
                cards[f"{kind}/{name}"] = (folder / name).read_text(encoding="utf-8", errors="replace")
    return files, cards


def _read_report(store: RunStore, artifact: Artifact, name: str) -> dict[str, Any]:
    value = json.loads((store.folder(artifact) / name).read_text(encoding="utf-8"))
    return value if isinstance(value, dict) else {}
