"""From the arms' results to a table."""

from statistics import mean
from typing import Any

HEAD = (
    "| arm | real tokens/s | × plain | real tokens/CPU s | × plain | padding | layers recomputed | peak GiB "
    "| loss after | load |\n|---|---|---|---|---|---|---|---|---|---|"
)


def show(results: dict[str, list[dict[str, Any]]]) -> str:
    """Return a Markdown table; rates are of all rounds together, ratios against ``plain``."""
    measured = {arm: [r for r in runs if "skipped" not in r] for arm, runs in results.items()}
    plain = measured.get("plain") or []
    lines = [HEAD, *(_line(arm, runs, plain) for arm, runs in measured.items() if runs)]
    lines += [f"| {arm} | {runs[0]['skipped']} |||||||||" for arm, runs in results.items() if not measured[arm]]
    notes = sorted({f"{arm}: {note}" for arm, runs in measured.items() for run in runs for note in run["notes"]})
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]).rstrip()


def _line(arm: str, runs: list[dict[str, Any]], plain: list[dict[str, Any]]) -> str:
    wall, cpu = _rate(runs, "seconds"), _rate(runs, "cpu_seconds")
    ratios = [
        f"{rate / _rate(plain, unit):.2f}" if plain else "–" for rate, unit in ((wall, "seconds"), (cpu, "cpu_seconds"))
    ]
    padding = 1 - sum(r["real"] for r in runs) / sum(r["held"] for r in runs)
    losses = " ".join(f"{r['after']:.3f}" for r in runs)
    cells = [
        arm, f"{wall:.1f}", ratios[0], f"{cpu:.1f}", ratios[1], f"{padding:.1%}", str(runs[0]["recomputed"]),
        f"{max(r['peak_gib'] for r in runs):.2f}", losses, f"{mean(r['load'] for r in runs):.1f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _rate(runs: list[dict[str, Any]], unit: str) -> float:
    return sum(r["real"] for r in runs) / sum(r[unit] for r in runs)
