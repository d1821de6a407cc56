"""The filters that look at one row at a time: what they say does not depend on which other rows are at hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from semillero.curation.contamination import Protected, find_contaminated
from semillero.curation.funnel import Funnel
from semillero.curation.heuristics import (
    find_bad_lengths,
    find_bad_texts,
    find_echoes,
    find_repetition,
    flag_passage_references,
)
from semillero.curation.histories import clean_histories, find_contaminated_histories
from semillero.curation.language import find_other_languages
from semillero.curation.laps import Laps
from semillero.curation.normalisation import add_plain_columns, find_unparseable, normalise_rows
from semillero.curation.offensive import flag_offensive
from semillero.curation.pii import HIT, replace_in_rows
from semillero.curation.signatures import sign_rows
from semillero.project import FilterSettings

OTHER_TEXTS = ("alternative", "source", "prompt")


@dataclass(frozen=True)
class Screened:
    """What became of some rows.

    Attributes:
        funnel: the rows still in (texts normalised, personal data replaced, plain forms added) and the verdicts.
        hits: one line a placeholder put into a row that is still in: `row`, `placeholder`.
    """

    funnel: Funnel
    hits: pl.DataFrame

    def sign(self, filters: FilterSettings) -> pl.DataFrame:
        """Return what the rest of curation needs of each row that is still in: signature, `flags`, `placeholders`."""
        signed = sign_rows(self.funnel.rows, filters.near_duplicate)
        found = self.hits.group_by("row").agg(pl.col("placeholder").sort().alias("placeholders"))
        signed = signed.join(self.funnel.flags, on="row", how="left", maintain_order="left")
        signed = signed.join(found, on="row", how="left", maintain_order="left")
        return signed.with_columns(pl.col("flags", "placeholders").fill_null([]))


def screen_rows(
    rows: pl.DataFrame,
    protected: Protected,
    filters: FilterSettings,
    varieties: Sequence[str],
    laps: Laps | None = None,
) -> Screened:
    """Send answered rows through the filters, in the order of the reasons table.

    Args:
        rows: `row` and the columns of GENERATED that filters read.
        protected: what must not be in the corpus.
        filters: the thresholds.
        varieties: every variety of the corpus, whether among these rows or not: language identification chooses among
            their languages.
        laps: notes how long each step takes.
    """
    laps = laps or Laps()
    funnel = Funnel(rows.filter(pl.col("status") == "answered"))
    funnel.drop(find_unparseable(funnel.rows))
    funnel.rows = add_plain_columns(normalise_rows(funnel.rows))
    laps.lap("normalisation")
    funnel.drop(find_bad_lengths(funnel.rows, filters))
    funnel.drop(find_bad_texts(funnel.rows))
    funnel.drop(find_repetition(funnel.rows, filters))
    funnel.drop(find_echoes(funnel.rows))
    funnel.flag(flag_passage_references(funnel.rows))
    laps.lap("heuristics")
    other, flags = find_other_languages(funnel.rows, filters, varieties)
    funnel.drop(other)
    funnel.flag(flags)
    laps.lap("language")
    cleaned, hits = replace_in_rows(funnel.rows, ("instruction", "answer"))
    funnel.rows = add_plain_columns(cleaned)  # anew: rows that differed in a phone number only are duplicates now
    funnel.flag(hits.select("row", pl.lit("pii").alias("flag")).unique())
    funnel.flag(flag_offensive(funnel.rows))
    laps.lap("personal data")
    funnel.drop(find_contaminated(funnel.rows, protected))
    funnel.drop(find_contaminated_histories(funnel.rows, protected))
    laps.lap("decontamination")
    return Screened(funnel, hits.join(funnel.rows, on="row", how="semi").select(list(HIT)))


def record_outcome(rows: pl.DataFrame, screened: Screened) -> pl.DataFrame:
    """Return all rows with `reason` and `evidence`, and the texts of those still in: `new_instruction`, `new_answer`.

    Personal data in the other texts of rows still in (`OTHER_TEXTS`, earlier turns) is replaced in place.
    """
    kept = screened.funnel.rows
    others, _ = replace_in_rows(kept, tuple(name for name in OTHER_TEXTS if name in kept.columns))
    changed = others.select("row", *(name for name in OTHER_TEXTS if name in kept.columns))
    new = kept.select("row", new_instruction="instruction", new_answer="answer")
    changed = changed.join(clean_histories(kept).select("row", "history"), on="row", maintain_order="left")
    outcome = rows.update(changed, on="row", maintain_order="left")
    outcome = outcome.join(new, on="row", how="left", maintain_order="left")
    return outcome.join(screened.funnel.verdicts, on="row", how="left", maintain_order="left")
