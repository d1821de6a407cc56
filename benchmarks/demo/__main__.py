"""How fast the demo answers on this machine's processor: llama.cpp against transformers, the Space's own code.

    python -m benchmarks.demo [--questions 3] [--tokens 64] [--engines llama.cpp transformers]

The quickstart's Space is built for both, with an adapter of random numbers on the embedded base (speed does not depend
on what it learned), and each answers the same questions in a process of its own: one model alone, then both.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from semillero.demo import build_space, find_base
from semillero.models.base import resolve_base
from semillero.outputs import Outputs
from semillero.project import Project, load_project
from semillero.store import Artifact, Recipe, RunStore

HARDWARE = {"llama.cpp": "cpu-basic", "transformers": "t4-small"}
QUESTIONS = (
    "¿Cómo se prepara el tejate y en qué ocasiones se toma en los pueblos de Oaxaca?",
    "¿Por qué se dice que el mate se ceba y no se prepara, y quién lo ceba en una ronda?",
    "¿Qué diferencia hay entre una arepa de huevo y una arepa boyacense, y dónde se come cada una?",
    "¿Qué es una colla castellera y cómo se reparten los papeles entre la pinya, el tronc y el pom de dalt?",
)
# Runs inside the Space's folder. A warm-up first; the seconds of loading are counted apart.
MEASURE = """
import json, resource, sys, time
start = time.perf_counter()
from answers import answer
from prompts import TOKENIZER
loaded = time.perf_counter() - start
tokens = lambda texts: sum(len(TOKENIZER(text, add_special_tokens=False)["input_ids"]) for text in texts.values())
list(answer("¿Qué hora es?", ["tuned"]))
results = {"load": loaded}
for models in (["tuned"], ["base", "tuned"]):
    first, count, seconds = [], 0, 0.0
    for question in json.loads(sys.argv[1]):
        start = time.perf_counter()
        begun = None
        for texts in answer(question, models):
            begun = begun or time.perf_counter() - start
        first.append(begun)
        count, seconds = count + tokens(texts), seconds + time.perf_counter() - start
    results[" + ".join(models)] = {"first": sorted(first)[len(first) // 2], "rate": count / seconds}
results["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(results))
"""


def write_random_adapter(folder: Path, project: Project) -> None:
    """Write an adapter of the project's rank on its base, and the base's tokenizer."""
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save_file

    base, training = resolve_base(project.training.base).folder, project.training
    random, matrices = np.random.default_rng(13), {}
    for file in base.glob("*.safetensors"):
        with safe_open(file, "np") as weights:
            for name in weights.keys():  # noqa: SIM118 (not a dictionary)
                layer = name.removesuffix(".weight")
                if layer.rpartition(".")[2] not in training.target_modules:
                    continue
                rows, columns = weights.get_slice(name).get_shape()
                for half, shape in (("A", (training.lora_r, columns)), ("B", (rows, training.lora_r))):
                    values = random.normal(scale=0.01, size=shape).astype(np.float32)
                    matrices[f"base_model.model.{layer}.lora_{half}.weight"] = values
    folder.mkdir(parents=True)
    save_file(matrices, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": training.lora_r, "lora_alpha": training.lora_alpha,
        "target_modules": list(training.target_modules), "base_model_name_or_path": "google/gemma-3-270m",
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(base / name, folder / name)


def measure(engine: str, project: Project, store: RunStore, adapter: Artifact, questions: list[str]) -> dict[str, Any]:
    """Return seconds, tokens a second and MiB of one engine."""
    demo = project.demo.model_copy(update={"hardware": HARDWARE[engine], "examples": tuple(questions)})
    outputs = Outputs((adapter,), adapter, None, adapter, adapter, adapter)
    space = build_space(store, project.model_copy(update={"demo": demo}), outputs)
    assert space is not None
    folder = store.folder(space)
    environment = {
        **os.environ,
        "SEMILLERO_BASE": str(find_base(folder, project)),
        "SEMILLERO_ADAPTER": str(store.folder(adapter) / "adapter"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", MEASURE, json.dumps(questions)]
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=3, choices=range(1, len(QUESTIONS) + 1))
    parser.add_argument("--tokens", type=int, default=64, help="longest answer")
    parser.add_argument("--engines", nargs="+", default=list(HARDWARE), choices=list(HARDWARE))
    chosen = parser.parse_args()
    project = load_project(Path("projects/quickstart.yaml"))
    demo = project.demo.model_copy(update={"max_new_tokens": chosen.tokens})
    project = project.model_copy(update={"demo": demo})
    with tempfile.TemporaryDirectory() as root:
        store = RunStore(root)
        with store.draft(Recipe("train", 1, {}, {})) as draft:
            write_random_adapter(draft.path / "adapter", project)
        print("| | first token | one model | both, side by side | start | memory |\n|---|---|---|---|---|---|")
        for engine in chosen.engines:
            found = measure(engine, project, store, draft.artifact, list(QUESTIONS[: chosen.questions]))
            one, both = found["tuned"], found["base + tuned"]
            print(
                f"| {engine} | {one['first']:.2f} s | {one['rate']:.1f} tokens/s | {both['rate']:.1f} tokens/s "
                f"| {found['load']:.0f} s | {found['memory']:,.0f} MiB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
