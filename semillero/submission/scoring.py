"""`score_project`: an estimate of the rubric's points from what files can show, and what gains most next."""

from dataclasses import dataclass
from pathlib import Path

from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import RunStore
from semillero.submission.checks import CHECKS
from semillero.submission.evidence import Evidence, gather_evidence
from semillero.submission.rubric import Criterion, Rubric, load_rubric

NOTE = "An estimate of what a jury can check from files; people judge the rest."
NOTE_ES = "Una estimación de lo que un jurado puede comprobar en los archivos; lo demás lo juzgan personas."


@dataclass(frozen=True)
class ScoreRow:
    """A criterion: points won of those possible, or points that people alone can give.

    Attributes:
        section, criterion: their ids in the rubric.
        en, es: the criterion in words.
        points: won, as far as files show; 0 where only people can judge.
        possible: the criterion's points.
        people: only people can judge it.
        evidence: one line a check.
    """

    section: str
    criterion: str
    en: str
    es: str
    points: float
    possible: float
    people: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Gain:
    """What to do next, and how many points of this estimate it can gain."""

    points: float
    criterion: str
    check: str
    found: str
    remedy: str


@dataclass(frozen=True)
class Score:
    """The rubric's points as far as files show them.

    Attributes:
        rubric: its name.
        points: won, after the cap.
        measurable: the most that checks can give; the rest of ``total`` is for people.
        people: points that people alone can give.
        total: of the rubric.
        cap: the most a project without a model can get, or None when there is one.
        rows: one a criterion, in the rubric's order.
        gains: what to do next, most points first.
        note: what this is and what it is not.
        bonus: what the rubric says of extra points.
    """

    rubric: str
    points: float
    measurable: float
    people: float
    total: float
    cap: float | None
    rows: tuple[ScoreRow, ...]
    gains: tuple[Gain, ...]
    note: str
    bonus: str


def score_project(store: RunStore, project: Project, outputs: Outputs | None, rubric: Path | None = None) -> Score:
    """Score a project at any stage; what is not there yet scores 0 and is named among the gains.

    Args:
        store: the run store.
        project: the project.
        outputs: its artifacts, or None when there is no dataset yet.
        rubric: a rubric file; SomosNLP's of 2024 by default.

    Raises:
        InputError: the rubric cannot be used.
    """
    return apply_rubric(load_rubric(rubric), gather_evidence(store, project, outputs))


def apply_rubric(rubric: Rubric, evidence: Evidence) -> Score:
    """Return the score that a rubric gives to the evidence."""
    rows, gains = [], []
    for section in rubric.sections:
        for criterion in section.criteria:
            row, more = _score_criterion(section.id, criterion, evidence)
            rows.append(row)
            gains += more
    cap = None if evidence.trained else rubric.corpus_only_cap
    points = sum(row.points for row in rows)
    people = sum(row.possible for row in rows if row.people)
    return Score(
        rubric=rubric.name,
        points=round(points if cap is None else min(points, cap), 2),
        measurable=round(rubric.total - people, 2),
        people=round(people, 2),
        total=rubric.total,
        cap=cap,
        rows=tuple(rows),
        gains=tuple(sorted(gains, key=lambda gain: (-gain.points, gain.criterion, gain.check))),
        note=NOTE,
        bonus=rubric.bonus,
    )


def score_lines(score: Score) -> list[str]:
    """Return the score as lines for a terminal."""
    cap = f" (no model yet: at most {score.cap:g})" if score.cap is not None else ""
    lines = [
        f"{score.rubric}: {score.points:.2f} of the {score.measurable:g} points that files can show{cap};",
        f"{score.people:g} more are for people to judge. {score.note}",
        "",
    ]
    section = ""
    for row in score.rows:
        if row.section != section:
            section = row.section
            lines.append(section)
        won = "people" if row.people else f"{row.points:.2f}"
        lines.append(f"  {won:>6} of {row.possible:.2f}  {row.en}")
    if score.gains:
        lines += ["", "What gains most next:"]
        lines += [f"  +{gain.points:.2f}  {gain.found}: {gain.remedy}" for gain in score.gains[:8]]
    return lines


def _score_criterion(section: str, criterion: Criterion, evidence: Evidence) -> tuple[ScoreRow, list[Gain]]:
    points, lines, gains = 0.0, [], []
    for name in criterion.checks:
        finding = CHECKS[name](evidence)
        worth = criterion.points / len(criterion.checks)
        points += worth * finding.share
        lines.append(finding.evidence)
        missing = round(worth * (1 - finding.share), 3)
        if missing > 0:
            gains.append(Gain(missing, criterion.id, name, finding.evidence, finding.remedy))
    row = ScoreRow(
        section=section,
        criterion=criterion.id,
        en=criterion.en,
        es=criterion.es,
        points=round(points, 3),
        possible=criterion.points,
        people=criterion.people,
        evidence=tuple(lines),
    )
    return row, gains
