"""Quotas: the most rows that a topic, and then a variety, may keep, so that none of them drowns the others.

Rows are taken in turns, one of each passage (or of each topic) at a time, and among equals in the order of their ids,
which are hashes: neither the first items nor one productive passage fill a quota.
"""

import polars as pl

from semillero.curation.funnel import VERDICT
from semillero.project import FilterSettings


def find_over_quota(rows: pl.DataFrame, filters: FilterSettings) -> pl.DataFrame:
    """Return a verdict for each row beyond its topic's or its variety's quota.

    Args:
        rows: `row`, `id`, `variety`, `topic`, `group` of the rows that every other filter let pass.
        filters: `topic_quota` and `variety_quota`; null means no limit.
    """
    found = pl.DataFrame(schema=VERDICT)
    for keys, turns, quota in (
        (["variety", "topic"], "group", filters.topic_quota),
        (["variety"], "topic", filters.variety_quota),
    ):
        if quota is not None:
            left = rows.join(found, on="row", how="anti", maintain_order="left")
            found = pl.concat([found, _beyond(left, keys, turns, quota)])
    return found


def _beyond(rows: pl.DataFrame, keys: list[str], turns: str, quota: int) -> pl.DataFrame:
    ordered = rows.sort("id").with_columns(pl.int_range(pl.len()).over([*keys, turns]).alias("turn"))
    ordered = ordered.sort("turn", "id").with_columns(pl.int_range(pl.len()).over(keys).alias("place"))
    over = ordered.filter(pl.col("place") >= quota).sort("row")
    name = pl.concat_str([pl.col(key).fill_null("no topic") for key in keys], separator=", ")
    evidence = pl.format(f"{{}}: quota {quota}, place {{}}", name, pl.col("place") + 1)
    return over.select("row", pl.lit("over_quota").alias("reason"), evidence.alias("evidence")).cast(VERDICT)
