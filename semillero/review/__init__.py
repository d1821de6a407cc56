"""Review: who decides which accepted rows stay in the corpus.

In: the curate artifact (``accepted.parquet``) and, where there is a judge, its scores. Out:
``reviewed.parquet`` (every accepted row with its decision, reason, score, reviewers and the text it had
before any edit), ``preferences.parquet`` (pairs from edits and rankings; none in automatic mode) and
``agreement.json`` (who reviewed, and whether people did). Nothing leaves silently:
accepted = kept + discarded + pending, or the run fails.

Each mode lives in a file of its own and returns a `Review`; this file chooses the mode, checks and stores.
"""

import json

from semillero.project.models import ReviewSettings, settings_json
from semillero.records import ACCEPTED, PREFERENCES, REVIEWED, SCORES, read_records, write_records
from semillero.review.automatic import decide_by_score
from semillero.review.decisions import Review, check_accounts, check_scores
from semillero.store import Artifact, Recipe, RunStore

__all__ = ["VERSION", "Review", "review_records"]

VERSION = 1


def review_records(store: RunStore, curated: Artifact, scores: Artifact | None, review: ReviewSettings) -> Artifact:
    """Decide for every accepted row whether it is kept.

    Args:
        store: the run store.
        curated: the curate artifact.
        scores: the judge artifact, or None when nothing judged.
        review: the project file's review section.

    Returns:
        The review artifact; counts accepted, kept, discarded, pending.

    Raises:
        CorpusError: no row is kept.
        AccountingError: rows were lost, doubled or left undecided, or the scores belong to other rows.
    """
    inputs: dict[str, str | list[str]] = {"curated": curated.content}
    if scores is not None:
        inputs["scores"] = scores.content
    recipe = Recipe("review", VERSION, inputs=inputs, settings=settings_json(review))
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        accepted = read_records(store.folder(curated) / "accepted.parquet", ACCEPTED)
        table, judge = None, None
        if scores is not None:
            table = read_records(store.folder(scores) / "scores.parquet", SCORES)
            judge = json.loads((store.folder(scores) / "judge.json").read_text(encoding="utf-8"))
            check_scores(accepted, table)
        result = decide_by_score(accepted, table, judge, review)
        draft.counts.update(check_accounts(accepted, result.reviewed))
        write_records(result.reviewed, REVIEWED, draft.path / "reviewed.parquet")
        write_records(result.preferences, PREFERENCES, draft.path / "preferences.parquet")
        agreement = json.dumps(result.agreement, ensure_ascii=False, indent=2, sort_keys=True)
        (draft.path / "agreement.json").write_text(agreement + "\n", encoding="utf-8")
    return draft.artifact
