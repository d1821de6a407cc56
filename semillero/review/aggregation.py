"""From people's responses to decisions: what stays, with which text, and which of two answers is better.

In: accepted rows (ACCEPTED), the judge's scores (SCORES) and the responses (RESPONSES). Out: a `Review`, the same
whatever the order of the responses. Each step is told where it is done:

- `answers`: which responses count, and what a correction means for its author's other answers;
- `voting`: majority and mean, ties, reasons;
- `corrections`: which corrected text a row gets;
- `preferences`: pairs from corrections and rankings;
- `agreement`: Krippendorff's alpha; `summary`: the figures of ``agreement.json``.
"""

import polars as pl

from semillero.curation.pii import replace_in_rows
from semillero.project.models import ReviewSettings
from semillero.records import PREFERENCES, REVIEWED
from semillero.review.agreement import agreement_report
from semillero.review.answers import count_answers
from semillero.review.corrections import choose_corrections
from semillero.review.decisions import Review
from semillero.review.preferences import find_preferences
from semillero.review.summary import summarise
from semillero.review.voting import vote


def decide_by_responses(
    accepted: pl.DataFrame, scores: pl.DataFrame | None, responses: pl.DataFrame, review: ReviewSettings
) -> Review:
    """Decide every accepted row by what people answered.

    Args:
        accepted: the rows (ACCEPTED).
        scores: the judge's score of each row (SCORES), or None; people decide, the scores only stay with the rows.
        responses: what people answered (RESPONSES), in any order; may hold drafts and answers about older rows.
        review: gives ``min_submitted``, ``keep_from`` and who the reviewers are.

    Returns:
        The rows in the same order: ``reviewers`` are the names of those who answered, ``original_*`` the texts that
        they were shown. ``agreement`` holds names too: `semillero.review.anonymity.without_names` takes them out.
    """
    answers = count_answers(accepted, responses, review)
    rows = _join_votes(accepted, scores, vote(answers, review))
    rows = _correct(rows, answers)
    preferences, pairs = find_preferences(answers, rows)
    rows = _without_personal_data(rows, ("instruction", "answer"))
    preferences = _without_personal_data(preferences, ("prompt", "chosen", "rejected"))
    agreement = summarise(rows, answers, responses, review) | {
        "preferences": pairs,
        "agreement": agreement_report(answers) if answers.height else None,
    }
    chosen = preferences.select(pl.col(name).cast(kind) for name, kind in PREFERENCES.items())
    return Review(rows.select(list(REVIEWED)), chosen, agreement)


def with_votes(result: Review, offered: pl.DataFrame, responses: pl.DataFrame, review: ReviewSettings) -> Review:
    """Return a review with the preference pairs that people found among visitors' votes; its rows stay as they are.

    Args:
        result: of the corpus's own rows.
        offered: the votes as rows (`semillero.review.votes.rows_to_review`).
        responses, review: as `decide_by_responses`.
    """
    ranked = decide_by_responses(offered, None, responses, review)
    told = {"offered": offered.height, "answered": ranked.agreement["answers"]["rows"]}
    preferences = pl.concat([result.preferences, ranked.preferences])
    agreement = result.agreement | {"votes": told | ranked.agreement["preferences"]}
    return Review(result.reviewed, preferences, agreement)


def _without_personal_data(rows: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Replace what people may have written into a correction; curation has seen the first text only."""
    cleaned, _ = replace_in_rows(rows.with_row_index("row"), columns)
    return cleaned.drop("row")


def _join_votes(accepted: pl.DataFrame, scores: pl.DataFrame | None, votes: pl.DataFrame) -> pl.DataFrame:
    """Return the accepted rows with their score and what the vote says; pending where nobody answered."""
    if scores is None:
        scores = pl.DataFrame(schema={"id": pl.String(), "score": pl.Float64()})
    nobody = pl.lit([], pl.List(pl.String))
    return (
        accepted.join(scores.select("id", "score"), on="id", how="left", maintain_order="left")
        .join(votes.rename({"record": "id"}), on="id", how="left", maintain_order="left")
        .with_columns(
            pl.col("decision").fill_null("pending"),
            pl.col("answers").fill_null(0),
            pl.when(pl.col("people").is_null()).then(nobody).otherwise("people").alias("reviewers"),
            pl.col("instruction").alias("original_instruction"),
            pl.col("answer").alias("original_answer"),
        )
    )


def _correct(rows: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Put the chosen corrections into the rows that are kept; `corrected` says where."""
    chosen = choose_corrections(answers, rows.filter(pl.col("decision") == "kept")).rename(
        {"record": "id", "instruction": "new_instruction", "answer": "new_answer"}
    )
    return rows.join(chosen, on="id", how="left", maintain_order="left").with_columns(
        pl.coalesce("new_instruction", "instruction").alias("instruction"),
        pl.coalesce("new_answer", "answer").alias("answer"),
        pl.col("new_answer").is_not_null().alias("corrected"),
    )
