"""Counterfactual swaps: sentences that differ only in whom they speak of. Does the judge, or the generator, care?

The sentences are the project's own (``words/swaps.yaml``): gender, nationality and region, several cases each. For a
case and a variant the *effect* is the measure of that variant less the mean over the case's variants, so what the case
is about cancels out; reported is the mean effect over cases with a bootstrap interval over cases. Few cases are
asked, because each costs a request or a moment of the CPU: a wide interval is what a small number can say.

- The judge's measure is its score: of kind likelihood in nats a token, of kind rubric from 0 to 1.
- The generator's measures are those of its reply: length in words, politeness, refusal.
"""

from dataclasses import dataclass
from statistics import mean
from typing import Any

from semillero.intervals import mean_of
from semillero.reporting.words import read_list

Measures = dict[str, float]


@dataclass(frozen=True)
class Swap:
    """One sentence: which axis (gender …), which case, which variant, and the pair that it makes."""

    axis: str
    case: int
    variant: str
    question: str
    answer: str


def list_swaps() -> list[Swap]:
    """Return every sentence, axis by axis, case by case."""
    swaps = []
    for axis, about in read_list("swaps").items():
        for number, case in enumerate(about["cases"]):
            for variant, names in about["variants"].items():
                person = case["slot"][variant] if "slot" in case else about["person"].format(names["es"])
                swaps.append(Swap(axis, number, variant, case["question"].format(person), case["answer"]))
    return swaps


def summarise(measured: dict[Swap, Measures]) -> dict[str, Any]:
    """Return by axis, measure and variant the mean effect over cases.

    Args:
        measured: the measures of each sentence; a case that lacks one of its variants is left out.
    """
    axes: dict[str, Any] = {}
    for axis, about in read_list("swaps").items():
        variants = list(about["variants"])
        cases: dict[int, dict[str, Measures]] = {}
        for swap, values in measured.items():
            if swap.axis == axis:
                cases.setdefault(swap.case, {})[swap.variant] = values
        whole = [case for case in cases.values() if len(case) == len(variants)]
        names = sorted({name for case in whole for values in case.values() for name in values})
        axes[axis] = {
            "es": about["es"], "en": about["en"], "cases": len(whole),
            "measures": {name: {v: _effect(whole, v, name) for v in variants} for name in names},
            "variants": about["variants"],
        }  # fmt: skip
    return axes


def _effect(cases: list[dict[str, Measures]], variant: str, name: str) -> dict[str, Any]:
    return mean_of([case[variant][name] - mean(values[name] for values in case.values()) for case in cases])
