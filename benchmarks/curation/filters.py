"""Recall and false positives of each filter on the labelled rows in ``tests/fixtures/curation``.

    python -m benchmarks.curation.filters        # writes the table into docs/curation.md; a test compares it

A fixture is JSON lines with `instruction`, `answer`, `variety` and `label`: what a filter should say of the row. To add
a filter, add a line to `FILTERS`: its name, its fixture, a function that returns what it says of each row (a label, or
None), and the labels it must find. Every row that carries none of these labels counts as one to leave alone.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from semillero.curation.comparing import compare_rows
from semillero.curation.contamination import Protected, find_contaminated
from semillero.curation.normalisation import add_plain_columns, normalise_rows
from semillero.curation.screening import screen_rows
from semillero.curation.signatures import sign_rows
from semillero.project import FilterSettings
from semillero.project.sources import Sources
from semillero.records import GENERATED, record_id

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "curation"
PAGE = ROOT / "docs" / "curation.md"
OPEN, CLOSE = "<!-- filters -->\n", "<!-- /filters -->"
NOTHING = Sources(topics=(), seeds=(), passages=(), reserved=(), benchmarks=())
Said = list[str | None]


def say_heuristics(rows: pl.DataFrame) -> Said:
    """What the rules for one row say. Language is left to its own page: no text is long enough to be judged."""
    filters = FilterSettings(min_language_words=10_000)
    funnel = screen_rows(rows, Protected(NOTHING, 0.6), filters, sorted(set(rows["variety"]))).funnel
    return _by_row(rows, funnel.verdicts)


def say_duplicates(rows: pl.DataFrame) -> Said:
    """What comparing the rows says; a link is said of the later row."""
    rows = add_plain_columns(normalise_rows(rows))
    filters = FilterSettings()
    signed = sign_rows(rows, filters.near_duplicate).with_columns(pl.lit([], pl.List(pl.String())).alias("flags"))
    compared = compare_rows(signed, lambda some: rows.filter(pl.col("row").is_in(some.implode())), filters)
    numbers = rows.select(linked="id", other="row")
    links = compared.linked.explode("linked").join(numbers, on="linked").filter(pl.col("other") < pl.col("row"))
    # A row may have links of both kinds; across varieties is what its fixture's label asks for.
    flags = links.select("row", reason=pl.col("flags").list.first()).unique("row", keep="first")
    return _by_row(rows, pl.concat([compared.funnel.verdicts.select("row", "reason"), flags]))


def say_contamination(rows: pl.DataFrame) -> Said:
    """What decontamination says, with the rows labelled ``protected`` as the reserved questions."""
    reserved = rows.filter(pl.col("label") == "protected")["instruction"].to_list()
    protected = Protected(NOTHING.model_copy(update={"benchmarks": tuple(reserved)}), FilterSettings().contamination)
    return _by_row(rows, find_contaminated(add_plain_columns(normalise_rows(rows)), protected))


class Filter(NamedTuple):
    """A line of the table: how many of the rows labelled ``labels`` are called ``said``, and how many others are."""

    name: str
    fixture: str
    say: Callable[[pl.DataFrame], Said]
    labels: Sequence[str]
    said: Sequence[str]


HEURISTICS = ("unparseable", "instruction_too_short", "instruction_too_long", "answer_too_short", "few_letters",
              "prompt_leak", "broken_ending", "repetition", "not_a_request", "echo")  # fmt: skip
FILTERS = [
    *(Filter(name, "heuristics", say_heuristics, [name], [name]) for name in HEURISTICS),
    Filter("exact_duplicate", "duplicates", say_duplicates, ["exact"], ["exact_duplicate"]),
    Filter("near_duplicate", "duplicates", say_duplicates, ["near"], ["near_duplicate"]),
    Filter("across_varieties (link)", "duplicates", say_duplicates, ["linked"], ["across_varieties"]),
    Filter("reworded (flag)", "duplicates", say_duplicates, ["reworded"], ["reworded"]),
    Filter("contaminated", "contamination", say_contamination, ["contaminated"], ["contaminated"]),
]


def read_fixture(name: str) -> pl.DataFrame:
    """Return a fixture's rows as generation would hand them over, and their `label`."""
    blank = {**dict.fromkeys(GENERATED), "technique": "backtranslation", "status": "answered"}
    rows = []
    for number, line in enumerate((FIXTURES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()):
        row = {**blank, **json.loads(line), "item": f"{name}/{number:04d}"}
        rows.append({**row, "id": record_id(row["item"], row["instruction"], row["answer"])})
    return pl.DataFrame(rows, schema={**GENERATED, "label": pl.String()}).with_row_index("row")


def measure_filters(filters: Sequence[Filter] = FILTERS) -> str:
    """Return the Markdown table."""
    heads = ["filter", "rows to find", "found", "recall", "rows to leave alone", "wrongly found"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    said: dict[tuple[str, Callable[[pl.DataFrame], Said]], list[tuple[str, str | None]]] = {}
    for each in filters:
        key = each.fixture, each.say
        if key not in said:
            rows = read_fixture(each.fixture)
            pairs = zip(rows["label"], each.say(rows), strict=True)
            said[key] = [pair for pair in pairs if pair[0] != "protected"]
        wanted = [found in each.said for label, found in said[key] if label in each.labels]
        others = [found in each.said for label, found in said[key] if label not in each.labels]
        cells = [each.name, len(wanted), sum(wanted), f"{sum(wanted) / len(wanted):.2f}", len(others), sum(others)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def fill_page(page: str, table: str) -> str:
    """Return the page with its table replaced."""
    before, rest = page.split(OPEN)
    return before + OPEN + table + CLOSE + rest.split(CLOSE)[1]


def _by_row(rows: pl.DataFrame, verdicts: pl.DataFrame) -> Said:
    found = rows.select("row").join(verdicts, on="row", how="left", maintain_order="left")
    return found["reason"].to_list()


if __name__ == "__main__":
    PAGE.write_text(fill_page(PAGE.read_text(encoding="utf-8"), measure_filters()), encoding="utf-8")
