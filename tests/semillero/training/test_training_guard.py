"""Numbers that cannot be right stop the run with their cause."""

import math

import pytest

from semillero.errors import TrainingError
from semillero.training.guard import OVERFLOWS, Guard, check_supervised
from semillero.training.outcomes import NotFinite


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (2.0, math.nan), (2.0, math.inf)])
def test_what_is_no_number_stops_at_once(loss: float, norm: float) -> None:
    guard = Guard(loss_is_scaled=False)
    guard.check(1, 2.0, 0.5)
    with pytest.raises(NotFinite, match=r"in step 2 .* the step before, the norm was 0.5"):
        guard.check(2, loss, norm)


def test_the_loss_scaler_may_skip_some_steps_but_not_for_ever() -> None:
    guard = Guard(loss_is_scaled=True)
    for step in range(OVERFLOWS):
        guard.check(step, 2.0, math.inf)
    guard.check(90, 2.0, 1.0)
    for step in range(OVERFLOWS):
        guard.check(step, 2.0, math.inf)
    with pytest.raises(NotFinite):
        guard.check(99, 2.0, math.inf)


def test_a_loss_of_zero_and_a_step_without_labels_are_refused() -> None:
    with pytest.raises(TrainingError, match="exactly 0"):
        Guard(loss_is_scaled=False).check(3, 0.0, 0.0)
    with pytest.raises(TrainingError, match="step 3 has no token to learn from"):
        check_supervised(3, 0)
    check_supervised(3, 1)


def test_a_loss_that_runs_away_is_stopped_but_a_hard_step_is_not() -> None:
    guard = Guard(loss_is_scaled=False)
    calm = [(n, 3.0) for n in range(1, 10)]
    guard.check_course([*calm, (10, 99.0)], base_loss=3.5)
    guard.check_course([(n, 9.0) for n in range(1, 5)], base_loss=3.5)
    with pytest.raises(TrainingError, match=r"run away: 9.00 after step 14") as caught:
        guard.check_course([*calm, *((n, 9.0) for n in range(10, 15))], base_loss=3.5)
    assert "learning_rate" in caught.value.remedy
