"""Review: who decides which accepted rows stay in the corpus.

In: the curate artifact (``accepted.parquet``) and, where there is a judge, its scores. Out:
``reviewed.parquet`` (every accepted row with its decision, reason, score, reviewers and the text it had
before any edit), ``preferences.parquet`` (pairs from people's edits and rankings; in automatic mode from a
model's rankings, which the pairs say) and ``agreement.json`` (who reviewed, and whether people did). Nothing leaves
silently: accepted = kept + discarded + pending, or the run fails.

Each mode lives in files of its own and returns a `Review`: `automatic` by score; `people` by what reviewers
answered in Argilla, for whom the run waits.
"""

import json

from semillero.project.models import Project, ReviewSettings
from semillero.records import PREFERENCES, REVIEWED, write_records
from semillero.review.automatic import decide_by_score
from semillero.review.decisions import Review, check_accounts, read_inputs
from semillero.store import Artifact, Draft, Recipe, RunStore

__all__ = ["VERSION", "Review", "review_by_people", "review_records"]

VERSION = 3
# What decides; where Argilla is and how long the run waits for it changes no decision.
AUTOMATIC = {"mode", "discard"}
BY_PEOPLE = {"mode", "exclude", "min_submitted", "overlap", "overlap_submitted", "keep_from", "reviewers"}


def review_records(store: RunStore, curated: Artifact, scores: Artifact | None, review: ReviewSettings) -> Artifact:
    """Decide by the filters and the judge's score for every accepted row whether it is kept.

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
    settings = review.model_dump(mode="json", include=AUTOMATIC)
    recipe = Recipe("review", VERSION, inputs=_inputs(curated, scores), settings=settings)
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        accepted, table = read_inputs(store, curated, scores)
        judge = None
        if scores is not None:
            judge = json.loads((store.folder(scores) / "judge.json").read_text(encoding="utf-8"))
        result = decide_by_score(accepted, table, judge, review)
        draft.counts.update(check_accounts(accepted, result.reviewed))
        _write(result, draft)
    return draft.artifact


def review_by_people(store: RunStore, curated: Artifact, scores: Artifact | None, project: Project) -> Artifact:
    """Decide by what reviewers answered in Argilla.

    Args:
        store, curated, scores: see `review_records`; the scores stay with the rows but decide nothing.
        project: the project file: its review section, and what reviewers are told about the project.

    Returns:
        The review artifact, as `review_records`.

    Raises:
        WaitingForPeople: too few answers yet; says what is missing, and from whom.
        CorpusError, AccountingError: as `review_records`.
        SemilleroError: Argilla is needed and cannot be used.
    """
    from semillero.review.aggregation import decide_by_responses, with_votes
    from semillero.review.people import await_people

    standing = await_people(store, curated, scores, project)
    inputs = _inputs(curated, scores) | {"responses": standing.snapshot.content if standing.snapshot else ""}
    if standing.votes:
        inputs["votes"] = standing.votes.content
    settings = project.review.model_dump(mode="json", include=BY_PEOPLE)
    recipe = Recipe("review", VERSION, inputs=inputs, settings=settings)
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        result = decide_by_responses(standing.accepted, standing.scores, standing.responses, project.review)
        draft.counts.update(check_accounts(standing.accepted, result.reviewed))
        if standing.offered.height:
            result = with_votes(result, standing.offered, standing.responses, project.review)
        _write(result, draft)
    return draft.artifact


def _inputs(curated: Artifact, scores: Artifact | None) -> dict[str, str | list[str]]:
    inputs: dict[str, str | list[str]] = {"curated": curated.content}
    return inputs if scores is None else inputs | {"scores": scores.content}


def _write(result: Review, draft: Draft) -> None:
    write_records(result.reviewed, REVIEWED, draft.path / "reviewed.parquet")
    write_records(result.preferences, PREFERENCES, draft.path / "preferences.parquet")
    agreement = json.dumps(result.agreement, ensure_ascii=False, indent=2, sort_keys=True)
    (draft.path / "agreement.json").write_text(agreement + "\n", encoding="utf-8")
