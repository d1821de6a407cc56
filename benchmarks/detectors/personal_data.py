"""How many of the planted personal data are replaced by the right placeholder, and what else is."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.detectors.harmless import each_harmless
from benchmarks.detectors.planted import KINDS, each_planted
from semillero.curation.pii import replace_pii

CLEAN = Path("tests/semillero/curation/clean")
SENTENCES = Path("tests/semillero/curation/languages")
QUICKSTART = Path("projects/quickstart")
REGIONS = ("ES", "MX", "AR", "CO", "CL", "BR")  # a clean text must stay clean whichever country is assumed
SEED = 2026


class Findings(NamedTuple):
    """(name, country) → planted, and → found; placeholder → times put where nothing of the kind was; misses."""

    planted: Counter[tuple[str, str]]
    found: Counter[tuple[str, str]]
    wrong: Counter[str]
    missed: list[tuple[str, str]]


def plant(seed: int = SEED) -> Findings:
    """Run the detector over the planted sentences."""
    result = Findings(Counter(), Counter(), Counter(), [])
    for kind, text, clean in each_planted(seed):
        name = (kind.name, kind.region)
        replaced, placeholders = replace_pii(text, kind.region)
        result.planted[name] += 1
        result.found[name] += replaced == clean
        result.wrong.update(each for each in placeholders if each != kind.placeholder)
        if replaced != clean:
            result.missed.append((text, replaced))
    return result


def each_clean() -> Iterator[tuple[str, str]]:
    """Yield (where it is from, text) of every text without personal data."""
    for folder, name in ((CLEAN, "sentences full of numbers"), (SENTENCES, "sentences in eleven languages")):
        for path in sorted(folder.glob("*.txt")):
            yield from ((name, line) for line in path.read_text(encoding="utf-8").splitlines())
    yield from (("invented dates, amounts, book numbers …", text) for _, text in each_harmless(SEED))
    for path in sorted(QUICKSTART.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield from (("the quickstart's texts", row[key]) for key in ("instruction", "answer", "text") if key in row)


class Touched(NamedTuple):
    """Where clean texts are from → how many; the changed ones with what they became; placeholder → times put there."""

    texts: Counter[str]
    changed: list[tuple[str, str]]
    wrong: Counter[str]


def touch_clean() -> Touched:
    """Run the detector over the clean texts, under each of `REGIONS`; a text changed under any counts once."""
    result = Touched(Counter(), [], Counter())
    for name, text in each_clean():
        result.texts[name] += 1
        versions = [(version, each) for version, each in (replace_pii(text, region) for region in REGIONS) if each]
        if versions:
            result.changed.append((text, versions[0][0]))
            result.wrong.update(versions[0][1])
    return result


def precision(result: Findings, touched: Touched) -> dict[str, float]:
    """Return, for each placeholder, the share of its uses that stand for a datum of that kind."""
    right: Counter[str] = Counter()
    for kind in {(kind.name, kind.region): kind for kind in KINDS}.values():
        right[kind.placeholder] += result.found[kind.name, kind.region]
    return {each: n / (n + result.wrong[each] + touched.wrong[each]) for each, n in right.items()}


def personal_table(result: Findings, touched: Touched) -> str:
    """Return the table of planted data."""
    lines = ["| kind | country | placeholder | planted | found | recall | precision |", "|---|---|---|---|---|---|---|"]
    precise = precision(result, touched)
    for name, placeholder in {(kind.name, kind.region): kind.placeholder for kind in KINDS}.items():
        planted, found = result.planted[name], result.found[name]
        row = [*name, f"`{placeholder}`", planted, found, f"{found / planted:.3f}", f"{precise[placeholder]:.3f}"]
        lines.append("| " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines)


def clean_table(touched: Touched) -> str:
    """Return the table of clean texts."""
    rows = [f"| {name} | {number:,} |" for name, number in touched.texts.items()]
    total = f"| **changed, under any of {', '.join(REGIONS)}** | **{len(touched.changed)}** |"
    return "\n".join(["| clean texts | number |", "|---|---|", *rows, total])
