"""Trainers side by side: ``python -m benchmarks.training [--rounds 2] [--steps 6]``, from the repository's root.

Same model, rows, adapter and optimizer for every arm; each arm in a process of its own; arms interleaved over the
rounds, so that what else the machine does falls on all of them. On a CPU: the embedded Gemma 3 270M. With a card: a 7B
Mistral shape and a 2.5B shape with 256,000 tokens, random weights, held to a T4's limits. TRL and Unsloth are no
dependencies: install them into the environment, or into a folder named in ``PYTHONPATH``, or their arms are skipped.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.training.job import Job
from benchmarks.training.table import show

NEEDS = {"trl_packed": "trl", "trl_liger": "trl", "unsloth_plain": "unsloth", "unsloth_packed": "unsloth"}
ON_CPU = ("plain", "trl_packed", "ours")
ON_CARD = ("plain", "trl_packed", "trl_liger", "unsloth_plain", "unsloth_packed", "ours")
T4_GIBIBYTES = 15.0
SEQUENCES_ON_CARD = 16


def main() -> None:
    """Run every arm that this machine can run, and print the table."""
    options = _options()
    work = Path(options.work or tempfile.mkdtemp(prefix="semillero-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    card = _has_card()
    jobs = _card_jobs(work, options) if card else [("Gemma 3 270M on the CPU", _cpu_job(work, options))]
    if not card:
        print("GPU part skipped: torch finds no CUDA device on this machine", flush=True)
    for title, job in jobs:
        results: dict[str, list[dict[str, Any]]] = {}
        for number in range(options.rounds):
            for arm in options.arms or (ON_CARD if card else ON_CPU):
                load = os.getloadavg()[0]
                found = _run(replace(job, arm=arm, seed=options.seed + number), work)
                print(
                    f"round {number + 1} {arm}: {found.get('skipped') or 'done'} (load before: {load:.1f})", flush=True
                )
                results.setdefault(arm, []).append({**found, "load": load})
                (work / f"{job.base.name}.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
        print(f"\n## {title}\n\n{show(results)}\n", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="times that each arm runs")
    parser.add_argument("--steps", type=int, default=6, help="optimizer steps a run; the first is not timed")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="CPU threads")
    parser.add_argument("--arms", nargs="*", help=f"of {', '.join(ON_CARD)}")
    parser.add_argument("--method", choices=("qlora", "lora"), default="qlora", help="on the CPU")
    parser.add_argument("--seed", type=int, default=13, help="of adapter and order; each round adds one")
    parser.add_argument("--work", help="folder for data, weights and results; a temporary one by default")
    return parser.parse_args()


def _has_card() -> bool:
    probe = "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)"
    return subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def _cpu_job(work: Path, options: argparse.Namespace) -> Job:
    from benchmarks.training.data import write_text_rows
    from semillero.models.base import resolve_base
    from semillero.models.chat import load_tokenizer

    base = resolve_base("embedded").folder
    data = work / "rows.json"
    write_text_rows(load_tokenizer(base), Path("projects/quickstart"), 8 * options.steps + 16, 1, data)
    return Job(
        arm="", base=base, data=data, steps=options.steps, batch=8, micro=8, batch_tokens=2048,
        method=options.method, threads=options.threads,
    )  # fmt: skip


def _card_jobs(work: Path, options: argparse.Namespace) -> list[tuple[str, Job]]:
    from benchmarks.training.data import write_random_rows
    from benchmarks.training.shapes import SHAPES, write_random_model

    jobs = []
    for name, title in SHAPES.items():
        base, data = work / name, work / f"{name}-rows.json"
        vocabulary = write_random_model(name, base)
        write_random_rows(vocabulary, SEQUENCES_ON_CARD * (options.steps + 2), 1, data)
        jobs.append((title, Job(
            arm="", base=base, data=data, steps=options.steps, batch=SEQUENCES_ON_CARD, micro=SEQUENCES_ON_CARD,
            batch_tokens=2048, gibibytes=T4_GIBIBYTES, threads=options.threads,
        )))  # fmt: skip
    return jobs


def _run(job: Job, work: Path) -> dict[str, Any]:
    """Run an arm in a process of its own; a stock trainer out of memory tries half the micro-batch."""
    needed = NEEDS.get(job.arm)
    if needed and importlib.util.find_spec(needed) is None:
        return {"skipped": f"{needed} is not installed"}
    job_file, result_file, log = work / "job.json", work / "result.json", work / f"{job.arm}.log"
    result_file.unlink(missing_ok=True)
    job_file.write_text(json.dumps(job.as_json()), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.training.arm", str(job_file), str(result_file)]
    with log.open("w", encoding="utf-8") as output:
        subprocess.run(command, stdout=output, stderr=output, env=_environment(job.threads), check=False)
    if result_file.exists():
        return {**json.loads(result_file.read_text(encoding="utf-8")), "micro": job.micro}
    tail = log.read_text(encoding="utf-8", errors="replace")
    if "out of memory" in tail.lower() and job.micro > 1 and job.arm != "ours":
        return _run(replace(job, micro=job.micro // 2), work)
    lines = [line for line in tail.splitlines() if line.strip()]
    return {"skipped": f"failed: {lines[-1] if lines else 'it said nothing'}"}


def _environment(threads: int) -> dict[str, str]:
    # Shown to help every arm alike on a shared machine; whoever sets them otherwise is asked.
    return {
        "OMP_WAIT_POLICY": "PASSIVE", **os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false", "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    }  # fmt: skip


if __name__ == "__main__":
    main()
