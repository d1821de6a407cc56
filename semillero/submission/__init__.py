"""Submission: the sheet a team copies into the form, and an estimate of the jury's points.

In: the artifacts and the published folder. Out: ``submission.md`` (Spanish, then English) and ``score.json``. The
rubric and the form's fields are data (``rubric_2024.yaml``, ``fields.yaml``): editions change them every year. The
score counts what files can show; it says how many points are left for people to judge.
"""

from semillero.submission.deadline import deadline_instant, time_left
from semillero.submission.rubric import Rubric, load_rubric
from semillero.submission.scoring import Gain, Score, ScoreRow, score_lines, score_project
from semillero.submission.sheet import VERSION, write_submission

__all__ = [
    "VERSION", "Gain", "Rubric", "Score", "ScoreRow", "deadline_instant", "load_rubric", "score_lines",
    "score_project", "time_left", "write_submission",
]  # fmt: skip
