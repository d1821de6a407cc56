"""The steps that need all rows at once: duplicates, links, reworded rows, quotas. They work on signatures."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from semillero.curation.candidates import PAIR, keep_first
from semillero.curation.duplicates import (
    FetchTexts,
    describe,
    find_alike,
    find_exact_duplicates,
    find_near_duplicates,
)
from semillero.curation.funnel import Funnel
from semillero.curation.laps import Laps
from semillero.curation.quotas import find_over_quota
from semillero.curation.rewording import find_reworded
from semillero.project import FilterSettings

LINK = pl.Schema({"row": pl.UInt32(), "other": pl.UInt32(), "flag": pl.String()})


@dataclass(frozen=True)
class Compared:
    """What the comparison of all rows found.

    Attributes:
        funnel: the signatures of the rows that stay, and the verdicts on the others.
        linked: `row`, `linked` (ids, sorted) and `flags` of the rows that stay and have a link.
        told: what ``curation.json`` says of these steps: how many pairs were compared, what was left out.
    """

    funnel: Funnel
    linked: pl.DataFrame
    told: dict[str, Any]


def compare_rows(
    signed: pl.DataFrame, fetch: FetchTexts, filters: FilterSettings, laps: Laps | None = None
) -> Compared:
    """Take out what other rows make superfluous, and link what resembles rows that stay.

    Args:
        signed: signatures of all rows that passed the screening, sorted by row (see `signatures.sign_rows`).
        fetch: gives the texts of some rows.
        filters: the thresholds.
        laps: notes how long each step takes.
    """
    laps = laps or Laps()
    funnel = Funnel(signed)
    funnel.drop(find_exact_duplicates(funnel.rows))
    laps.lap("exact duplicates")
    alike = find_alike(funnel.rows, fetch, filters.near_duplicate)
    funnel.drop(find_near_duplicates(funnel.rows, alike, filters.near_duplicate))
    laps.lap("near-duplicates")
    reworded, searched = _search_reworded(funnel.rows, fetch, filters)
    if filters.reworded == "drop":
        repeats = keep_first(reworded)
        funnel.drop(describe(repeats, funnel.rows, "reworded", filters.reworded_similarity))
        reworded = reworded.clear()
    laps.lap("reworded")
    funnel.drop(find_over_quota(funnel.rows, filters))
    across = alike.pairs.filter(pl.col("across")).select("left", "right")
    links = pl.concat([_links(across, "across_varieties", both=True), _links(reworded, "reworded")])
    told = {
        "near_duplicates": {"pairs_compared": alike.candidates, "pairs_not_compared": alike.not_compared},
        "reworded": searched,
    }
    linked = _name_links(links, funnel.rows)
    laps.lap("quotas and links")
    return Compared(funnel, linked, told)


def _search_reworded(
    signed: pl.DataFrame, fetch: FetchTexts, filters: FilterSettings
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the verified pairs of all varieties, and by variety whether it was searched and what was left out."""
    pairs = [pl.DataFrame(schema=PAIR)]
    told: dict[str, dict[str, Any]] = {}
    for variety in sorted(set(signed["variety"])):
        rows = signed.filter(pl.col("variety") == variety)["row"]
        told[variety] = {"rows": len(rows), "searched": False}
        if filters.reworded == "off":
            continue
        if len(rows) > filters.reworded_max_rows:
            told[variety]["why_not"] = f"more rows than filters.reworded_max_rows, {filters.reworded_max_rows}"
            continue
        found, left_out = find_reworded(fetch(rows), filters.reworded_similarity)
        told[variety] |= {"searched": True, "pairs_found": found.height, "pairs_not_compared": left_out}
        pairs.append(found)
    return pl.concat(pairs), told


def _links(pairs: pl.DataFrame, flag: str, both: bool = False) -> pl.DataFrame:
    links = pairs.select(row="right", other="left", flag=pl.lit(flag))
    if both:
        links = pl.concat([links, pairs.select(row="left", other="right", flag=pl.lit(flag))])
    return links.cast(LINK)


def _name_links(links: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `row`, `linked`, `flags` for links of which both ends stay."""
    ids = rows.select(other="row", id="id")
    links = links.join(rows, on="row", how="semi").join(ids, on="other")
    named = links.group_by("row").agg(
        pl.col("id").unique().sort().alias("linked"), pl.col("flag").unique().sort().alias("flags")
    )
    return named.sort("row")
