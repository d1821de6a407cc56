"""The parent's side: what to train, and the artifact that comes of it."""

import json
import os
from pathlib import Path
from typing import Any

from semillero.errors import InputError
from semillero.models.base import digest_base, name_base, resolve_base
from semillero.project.models import TrainingSettings, settings_json
from semillero.store import Artifact, Draft, Recipe, RunStore
from semillero.training.attempts import train_to_the_end
from semillero.training.child import OnProgress
from semillero.training.figure import draw_loss
from semillero.training.spec import BaseFacts, TrainingSpec

VERSION = 2
PAIRS = "preferences.parquet"
# Where, how long, how often saved, how large at most: none of it changes the adapter. The base counts by its contents.
ELSEWHERE = {
    "enabled", "threads", "save_steps", "keep_checkpoints", "checkpoint_copy", "budget_minutes", "max_parameters",
    "batch_tokens", "processes",
    "base", "base_revision",
}  # fmt: skip


def finetune_adapter(
    store: RunStore, dataset: Artifact, training: TrainingSettings, on_progress: OnProgress | None = None
) -> Artifact:
    """Train an adapter on a dataset's ``train.parquet``; validate on its ``validation.parquet``.

    With ``objective: dpo`` on its ``preferences.parquet``, of which a tenth of the prompts validate.
    Killed or stopped at any moment, the next call goes on from the newest checkpoint.

    Args:
        store: the run store.
        dataset: artifact of the dataset stage.
        training: the project file's training section.
        on_progress: called after each optimizer step with the steps done and their number.

    Returns:
        An artifact with ``adapter/`` (as peft loads it, with tokenizer and chat template), ``training.json`` and
        ``figures/loss.png``; counts trained, left_out, steps and supervised_tokens.

    Raises:
        InputError: the base model cannot be had, or there are no preference pairs to train on.
        TrainingPaused: the time was up or somebody asked for the end; the next call goes on.
        TrainingError: nothing to train on, too large a base, NaN, out of memory, or an adapter that changed nothing.
    """
    recipe = Recipe(
        "train",
        VERSION,
        inputs={
            **{name: dataset.files[file] for name, file in _choose_files(dataset, training).items()},
            "base": digest_base(training.base, training.base_revision),
        },
        settings={**settings_json(training, _irrelevant(training)), "base": name_base(training.base)},
    )
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        spec = _specify(store, dataset, training, recipe, draft)
        draft.run.update(train_to_the_end(spec, store.work(recipe), on_progress))
        report = json.loads((draft.path / "training.json").read_text(encoding="utf-8"))
        draw_loss(report, draft.path / "figures" / "loss.png")
        draft.counts.update(_count(report))
    return draft.artifact


def _choose_files(dataset: Artifact, training: TrainingSettings) -> dict[str, str]:
    """Return the dataset's files that are trained and validated on, by what they are for."""
    if training.objective == "sft":
        return {"train": "train.parquet", "validation": "validation.parquet"}
    if PAIRS not in dataset.files:
        raise InputError(
            "training.objective is dpo, but the dataset has no preference pairs",
            "pairs of answers of which people preferred one",
            "have people correct or rank answers (review.mode: argilla), or set training.objective: sft",
        )
    return {"preferences": PAIRS}


def _irrelevant(training: TrainingSettings) -> set[str]:
    return ELSEWHERE | ({"beta", "rpo_alpha"} if training.objective == "sft" else set())


def _specify(
    store: RunStore, dataset: Artifact, training: TrainingSettings, recipe: Recipe, draft: Draft
) -> TrainingSpec:
    base = resolve_base(training.base, training.base_revision, training.max_parameters)
    folder = store.folder(dataset)
    files = _choose_files(dataset, training)
    return TrainingSpec(
        train=folder / files.get("train", PAIRS),
        validation=folder / files.get("validation", PAIRS),
        base_folder=base.folder.resolve(),
        base=BaseFacts(
            name=base.name,
            license=training.base_license or base.license,
            parameters=base.parameters,
            source=base.source,
            digest=base.digest,
        ),
        recipe=dict(recipe.settings),
        fingerprint={"version": recipe.version, "data": dict(recipe.inputs), "settings": dict(recipe.settings)},
        settings=training,
        threads=training.threads or _default_threads(),
        checkpoints=_absolute(store.work(recipe) / "checkpoints"),
        output=_absolute(draft.path),
        copy_to=_copies(store, training, recipe),
    )


def _copies(store: RunStore, training: TrainingSettings, recipe: Recipe) -> str | None:
    # A store on a URL outlives this machine's disk, so checkpoints are copied there without being asked.
    root = training.checkpoint_copy or (None if store.local else f"{store.root.rstrip('/')}/checkpoints")
    return f"{root.rstrip('/')}/{recipe.key[:16]}" if root else None


def _default_threads() -> int:
    # Whoever limits OpenMP means it; else every core that this process may use (a container may have fewer).
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdigit() and int(limit) else len(os.sched_getaffinity(0))


def _absolute(path: Path) -> Path:
    return path.resolve()


def _count(report: dict[str, Any]) -> dict[str, int]:
    return {
        "trained": report["train_rows"],
        "left_out": report["train_rows_too_long"],
        "steps": report["steps"],
        "supervised_tokens": report["supervised_tokens"],
    }
