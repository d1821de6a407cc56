"""Review by people: their answers decide, and while too few are there the run ends and waits for them.

In: what `semillero.review.review_records` takes. The rows are in Argilla, what people answered is in the run store
(`snapshots`). With enough answers there, Argilla is not asked: a run long after the review needs no server. Without,
the rows that Argilla lacks are sent, what has been answered is kept, and, if it is still not enough,
`WaitingForPeople` ends the run: nothing is held while people work, and the next run goes on from contents.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.errors import WaitingForPeople
from semillero.progress import say
from semillero.project.models import Project, ReviewSettings
from semillero.review.decisions import read_inputs
from semillero.review.quorum import Quorum, describe, measure_quorum
from semillero.review.snapshots import keep_snapshot, newest_snapshot, read_snapshot
from semillero.review.votes import newest_votes, read_kept_votes, rows_to_review
from semillero.store import Artifact, RunStore

if TYPE_CHECKING:
    import argilla


@dataclass(frozen=True)
class Standing:
    """Where the review of one corpus stands.

    Attributes:
        accepted: its rows (ACCEPTED).
        offered: visitors' votes as rows to rank (ACCEPTED), see `semillero.review.votes`; nobody waits for these.
        votes: the artifact of the votes, or None.
        scores: the judge's scores (SCORES), or None.
        snapshot: the artifact of the responses, or None when nothing was ever collected.
        responses: what people answered (RESPONSES).
        quorum: whether it is enough, and what is missing.
    """

    accepted: pl.DataFrame
    offered: pl.DataFrame
    votes: Artifact | None
    scores: pl.DataFrame | None
    snapshot: Artifact | None
    responses: pl.DataFrame
    quorum: Quorum

    @property
    def shown(self) -> pl.DataFrame:
        """Everything that reviewers are shown: votes and rows."""
        return pl.concat([self.offered, self.accepted])

    def measure_agreement(self, review: ReviewSettings) -> dict[str, Any]:
        """Return what `semillero.review.agreement` says of the answers so far; empty when nobody has answered."""
        from semillero.review.agreement import agreement_report
        from semillero.review.answers import count_answers

        answers = count_answers(self.accepted, self.responses, review)
        return agreement_report(answers) if answers.height else {}


def find_standing(store: RunStore, curated: Artifact, scores: Artifact | None, project: Project) -> Standing:
    """Return where the review stands by the run store alone, without asking Argilla.

    Raises:
        AccountingError: the scores belong to other rows.
    """
    accepted, table = read_inputs(store, curated, scores)
    return _measure(store, project, accepted, table, newest_snapshot(store))


def await_people(store: RunStore, curated: Artifact, scores: Artifact | None, project: Project) -> Standing:
    """Return where the review stands, once it is enough to go on; asks Argilla only when the run store has too little.

    Raises:
        WaitingForPeople: it is not enough yet; says what is missing, and from whom.
        InputError: no server or key is configured, or the server refuses it.
        SemilleroError: the server is down (retryable), or has lost its index.
    """
    standing = find_standing(store, curated, scores, project)
    if not standing.quorum.reached and not store.dry:
        standing = ask(store, curated, project, standing)
    if not standing.quorum.reached:
        raise WaitingForPeople(
            describe(standing.quorum),
            "",
            f"accounts and passwords: semillero review invite {project.file.name}\n"
            f"            go on when they have answered: semillero run {project.file.name}",
        )
    return standing


def collect(store: RunStore, project: Project, client: "argilla.Argilla | None" = None) -> Artifact:
    """Fetch everything that was answered and keep it; answers that Argilla has lost since stay in the table.

    Raises:
        InputError, SemilleroError: as `await_people`.
    """
    from semillero.review.collecting import collect_responses, keep_known
    from semillero.review.connection import connect

    collected = collect_responses(client or connect(project.review), project)
    kept = keep_known(collected, read_snapshot(store, newest_snapshot(store)))
    if kept.height > collected.height:
        say(
            f"  {kept.height - collected.height} answers are not in Argilla any more (an account or a dataset was "
            "deleted); they are kept here, and `semillero review restore` puts them back"
        )
    return keep_snapshot(store, kept)


def ask(store: RunStore, curated: Artifact, project: Project, standing: Standing) -> Standing:
    """Send what Argilla lacks, and collect what has been answered.

    Raises:
        InputError, SemilleroError: as `await_people`.
    """
    from semillero.review.connection import connect
    from semillero.review.pushing import push_for_review
    from semillero.review.team import prepare_workspaces

    client = connect(project.review)
    if strangers := prepare_workspaces(client, project):
        say(f"  without an account yet: {', '.join(strangers)}; `semillero review invite {project.file.name}`")
    report = push_for_review(client, project, standing.shown, standing.scores, curated.content[:12])
    if report.pushed:
        say(f"  {report.pushed} records sent to Argilla, {report.already_there} were there")
    return _measure(store, project, standing.accepted, standing.scores, collect(store, project, client))


def _measure(
    store: RunStore, project: Project, accepted: pl.DataFrame, scores: pl.DataFrame | None, snapshot: Artifact | None
) -> Standing:
    responses = read_snapshot(store, snapshot)
    quorum = measure_quorum(accepted, responses, project.review, datetime.now(UTC))
    votes = newest_votes(store)
    offered = rows_to_review(read_kept_votes(store, votes), project)
    return Standing(accepted, offered, votes, scores, snapshot, responses, quorum)
