"""Questions to try on the page, taken from the held-out split."""

from pathlib import Path

import polars as pl

EXAMPLES = 4
LONGEST = 110  # characters; longer questions make the buttons unreadable on a phone


def choose_examples(test: Path, varieties: list[str], wanted: int = EXAMPLES) -> list[str]:
    """Return up to ``wanted`` questions of the test split, the varieties taking turns in their order.

    Args:
        test: ``test.parquet`` of a dataset artifact; uses the columns `id`, `pregunta`, `variedad`.
        varieties: BCP-47 codes in the project file's order.
        wanted: how many questions.
    """
    rows = pl.read_parquet(test, columns=["id", "pregunta", "variedad"])
    rows = rows.filter(pl.col("pregunta").str.len_chars().is_between(12, LONGEST)).sort("id")
    of_variety = (rows.filter(pl.col("variedad") == code)["pregunta"] for code in varieties)
    queues = [questions.unique(maintain_order=True).to_list() for questions in of_variety]
    chosen: list[str] = []
    while len(chosen) < wanted and any(queues):
        for queue in queues:
            if queue and len(chosen) < wanted and (question := queue.pop(0)) not in chosen:
                chosen.append(question)
    return chosen
