"""The turns of a conversation before its last question: what the filters of single texts do not look at.

Goes in: rows with `row`, `variety` and `history`. Language and form of earlier turns are not judged here: generation
has refused turns that were cut off or copied.
"""

import polars as pl

from semillero.curation.contamination import Protected, find_contaminated
from semillero.curation.normalisation import add_plain_columns, normalise_text
from semillero.curation.pii import replace_in_rows


def clean_histories(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with earlier turns normalised and personal data in them replaced."""
    turns = _list_turns(rows).rename({"row": "record"}).with_row_index("row")
    cleaned, _ = replace_in_rows(turns.with_columns(normalise_text(pl.col("content"))), ("content",))
    histories = cleaned.group_by("record", maintain_order=True).agg(pl.struct("role", "content").alias("history"))
    return rows.drop("history").join(
        histories.rename({"record": "row"}), on="row", how="left", maintain_order="left"
    )  # rows without turns get null


def find_contaminated_histories(rows: pl.DataFrame, protected: Protected) -> pl.DataFrame:
    """Return a verdict for each row that holds a protected text in an earlier turn; see `find_contaminated`."""
    turns = _list_turns(rows)
    questions = turns.filter(pl.col("role") == "user").select("row", instruction="content", answer=pl.lit(""))
    answers = turns.filter(pl.col("role") != "user").select("row", instruction=pl.lit(""), answer="content")
    return find_contaminated(add_plain_columns(pl.concat([questions, answers]).sort("row")), protected)


def _list_turns(rows: pl.DataFrame) -> pl.DataFrame:
    spoken = rows.select("row", "variety", "history").filter(pl.col("history").list.len() > 0)
    return spoken.explode("history").unnest("history")
