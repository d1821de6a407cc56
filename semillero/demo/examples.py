"""Questions to try on the page, taken from the held-out split."""

from pathlib import Path

import polars as pl

EACH = 4  # of a variety: the page shows so many at a time
LONGEST = 110  # characters; longer questions make the buttons unreadable on a phone


def choose_examples(test: Path, varieties: list[str], each: int = EACH) -> list[dict[str, str]]:
    """Return up to ``each`` questions of every variety, the varieties taking turns in their order.

    Args:
        test: ``test.parquet`` of a dataset artifact; uses the columns `id`, `pregunta`, `variedad`.
        varieties: BCP-47 codes in the project file's order.
        each: how many questions of a variety.

    Returns:
        `text` and `variety` each; no text twice.
    """
    rows = pl.read_parquet(test, columns=["id", "pregunta", "variedad"])
    rows = rows.filter(pl.col("pregunta").str.len_chars().is_between(12, LONGEST)).sort("id")
    rows = rows.unique("pregunta", keep="first", maintain_order=True)
    queues = {code: rows.filter(pl.col("variedad") == code)["pregunta"].to_list()[:each] for code in varieties}
    turns = (
        {"text": queue[turn], "variety": code}
        for turn in range(each)
        for code, queue in queues.items()
        if turn < len(queue)
    )
    return list(turns)
