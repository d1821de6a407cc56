"""How long does it take to push a corpus to Argilla, and to collect what people answered?

    python -m benchmarks.review [--push 10000] [--rows 2000] [--people 3]

Starts a local Argilla in a temporary folder (the real server, as `semillero argilla up` starts it), and measures:

- pushing ``--push`` rows of one variety, and pushing them again (nothing is new);
- putting ``--people`` responses to each of ``--rows`` rows back from a snapshot (`restore_responses`);
- collecting them, and aggregating them with agreement and its bootstrap intervals.
"""

import argparse
import os
import platform
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from semillero.project import Project, ReviewSettings
from semillero.records import RESPONSES, record_id
from semillero.review.aggregation import decide_by_responses
from semillero.review.backup import restore_responses
from semillero.review.collecting import collect_responses
from semillero.review.connection import connect
from semillero.review.pushing import push_for_review
from semillero.review.questions import REASONS
from semillero.review.server import start_argilla, stop_argilla
from semillero.review.team import prepare_team
from tests.reviewing import make_accepted, make_project, make_scores

T = TypeVar("T")
CODE = "es-MX"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--push", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--people", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semillero-review-") as folder:
        argilla = timed("starting Argilla", 0, lambda: start_argilla(Path(folder), port=0))
        try:
            os.environ["ARGILLA_API_KEY"] = argilla.api_key
            client = connect(ReviewSettings(url=argilla.url))
            if options.push:
                measure_push(client, options.push)
            if options.rows:
                measure_collect(client, options.rows, options.people)
        finally:
            stop_argilla(Path(folder))
    cpu = resource.getrusage(resource.RUSAGE_SELF)
    print(f"this process: {cpu.ru_utime + cpu.ru_stime:.0f} CPU s, peak {cpu.ru_maxrss / 1024:.0f} MiB")
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the end")


def measure_push(client: Any, count: int) -> None:
    project = make_project("banco-push", (CODE,), people=1, overlap=0.0, overlap_submitted=1)
    accepted = make_rows(count)
    prepare_team(client, project)
    scores = make_scores(accepted)
    timed("pushing", count, lambda: push_for_review(client, project, accepted, scores, "0123456789ab"))
    timed("pushing the same again", count, lambda: push_for_review(client, project, accepted, scores, "0123456789ab"))


def measure_collect(client: Any, rows: int, people: int) -> None:
    project = make_project("banco-collect", (CODE,), people=people, overlap=1.0, overlap_submitted=people)
    accepted = make_rows(rows)
    snapshot = make_responses(accepted, project)
    count = snapshot.height
    timed("restoring responses", count, lambda: restore_responses(client, project, snapshot, accepted))
    collected = timed("collecting responses", count, lambda: collect_responses(client, project))
    assert collected.drop("updated_at").equals(snapshot.drop("updated_at"))
    timed("aggregating", count, lambda: decide_by_responses(accepted, None, collected, project.review))


def make_rows(count: int) -> pl.DataFrame:
    """Rows with questions of 10 words and answers of 30 to 40."""
    few = make_accepted((CODE,), groups=10)
    copies = few.join(pl.DataFrame({"copy": range(count // few.height + 1)}), how="cross", maintain_order="right_left")
    rows = copies.head(count).with_columns(pl.format("{} Versión {}.", "instruction", "copy").alias("instruction"))
    ids = [record_id(*row) for row in rows.select("item", "instruction", "answer").iter_rows()]
    assert len(set(ids)) == count
    return rows.with_columns(pl.Series("id", ids)).drop("copy")


def make_responses(accepted: pl.DataFrame, project: Project) -> pl.DataFrame:
    """Answers that mostly agree, a tenth of them corrections and a tenth rejections."""
    dice = random.Random(13)
    rows = []
    for row in accepted.sort("id").iter_rows(named=True):
        quality = dice.randint(2, 5)
        for person in project.review.reviewers:
            rejected = dice.random() < 0.1
            rows.append(
                {
                    "record": row["id"], "variety": row["variety"], "reviewer": person.name,
                    "status": "discarded" if rejected else "submitted",
                    "quality": max(1, quality - dice.randint(0, 1)),
                    "fits_variety": dice.choice(("yes", "yes", "yes", "unsure", "no")),
                    "variety_label": row["variety"], "instruction": None,
                    "answer": f"{row['answer']} Corregida." if dice.random() < 0.1 else None,
                    "reasons": [dice.choice(list(REASONS)[:5])] if rejected else [],
                    "ranking": None, "comment": None, "updated_at": "2026-11-23T12:00:00.000000+00:00",
                }
            )  # fmt: skip
    return pl.DataFrame(rows, schema=RESPONSES).sort("record", "reviewer")


def timed(what: str, count: int, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    rate = f", {count / seconds:,.0f} a second" if count else ""
    print(f"{what}: {seconds:.1f} s{f' for {count:,}' if count else ''}{rate}", flush=True)
    return result


if __name__ == "__main__":
    main()
