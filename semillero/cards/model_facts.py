"""What the model card tells of base, training and evaluation, from ``training.json`` and ``evaluation.json``."""

import json
from pathlib import Path
from typing import Any

from semillero.cards.wording import LANGUAGES
from semillero.evaluation.report import NAMES
from semillero.models.embedded import LICENSE, NAME
from semillero.project import Project
from semillero.store import Artifact

GEMMA_NOTICE = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"
# Settings that change the adapter; the others only say where and how long.
SETTINGS = {
    "objective", "beta", "rpo_alpha", "method", "lora_r", "lora_alpha", "lora_dropout", "target_modules",
    "learning_rate", "warmup_ratio", "weight_decay",
    "max_grad_norm", "epochs", "max_steps", "batch_size", "max_length", "seed",
}  # fmt: skip


def describe_model(folder: Path, project: Project, adapter: Artifact) -> dict[str, Any]:
    """Return the base, its licence, the settings and what ``training.json`` says of the run.

    Args:
        folder: where the adapter artifact's files are.
        project: the project.
        adapter: the train artifact.
    """
    settings = project.training.model_dump(mode="json", include=SETTINGS)
    if project.training.objective == "sft":
        settings = {name: value for name, value in settings.items() if name not in ("beta", "rpo_alpha")}
    settings["target_modules"] = ", ".join(project.training.target_modules)
    report = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return {
        "base": describe_base(project, report),
        "settings": {name: value for name, value in settings.items() if value is not None},
        "facts": {name: value for name, value in report.items() if isinstance(value, (str, int, float))},
        "adapter_bytes": (folder / "adapter" / "adapter_model.safetensors").stat().st_size,
        "figures": sorted(name for name in adapter.files if name.startswith("figures/")),
    }


def describe_base(project: Project, report: dict[str, Any]) -> dict[str, Any]:
    """Return the base model's kind, name, Hub id (None for a folder), revision, licence and notice.

    Args:
        project: says which base.
        report: ``training.json``; its licence is the declared one, or else what the base's own card says.
    """
    training = project.training
    if training.base == "embedded":
        return {
            "kind": "embedded",
            "name": "Gemma 3 270M, Q4_K_M, dequantised",
            "hub_id": NAME,
            "revision": None,
            "license": LICENSE,
            "notice": GEMMA_NOTICE,
        }
    is_folder = project.resolve(Path(training.base)).is_dir()
    licence = training.base_license or report.get("base", {}).get("license") or "unknown"
    return {
        "kind": "folder" if is_folder else "hub",
        "name": Path(training.base).name if is_folder else training.base,
        "hub_id": None if is_folder else training.base,
        "revision": None if is_folder else training.base_revision,
        "license": licence,
        "notice": GEMMA_NOTICE if licence == "gemma" else None,
    }


def describe_evaluation(folder: Path, evaluation: Artifact) -> dict[str, Any]:
    """Return base against tuned overall, per variety and on the reserved pairs, and whether tuned is better."""
    report = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    varieties = sorted(report["varieties"].items())
    return {
        "better": report["better"],
        "conclusive": report["conclusive"],
        "overall": _list_measures(report["overall"]),
        "varieties": [{"code": code, "metrics": _list_measures(measures)} for code, measures in varieties],
        "reserved": _list_measures(report.get("reserved", {})),
        "confidence": report["confidence"],
        "figures": sorted(name for name in evaluation.files if name.startswith("figures/")),
    }


def _list_measures(section: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one flat row a measure that was taken of both models; bare counts of rows are left out."""
    rows = []
    for name, measure in section.items():
        if not isinstance(measure, dict) or not {"base", "tuned", "difference"} <= set(measure):
            continue
        words = NAMES.get(name, {})
        row: dict[str, Any] = {"name": name, "rows": measure.get("rows")}
        row |= {language: words.get(language, name) for language in LANGUAGES}
        for part in ("base", "tuned", "difference"):
            prefix = "" if part == "difference" else f"{part}_"
            value = measure[part]
            row |= {part: value["value"], f"{prefix}low": value["low"], f"{prefix}high": value["high"]}
        rows.append(row)
    return rows
