"""Watches the numbers of training: what cannot be learned from, or is being unlearned, stops the run with its cause."""

import math
from collections.abc import Sequence

from semillero.errors import TrainingError
from semillero.training.outcomes import NotFinite

OVERFLOWS = 25  # float16 gradients in a row that the loss scaler skipped; it starts at 2^16 and halves each time
RISEN_STEPS = 5  # one hard step is chance, five in a row are not
RISEN_FACTOR, RISEN_NATS = 2.0, 1.0  # how far above the base model's own loss is no longer learning


class Guard:
    """Checks each optimizer step's loss (nats a supervised token) and gradient norm (before clipping)."""

    def __init__(self, loss_is_scaled: bool) -> None:
        self._scaled, self._overflows, self._norm = loss_is_scaled, 0, math.nan

    def check(self, step: int, loss: float, norm: float) -> None:
        """Refuse a step whose numbers cannot be right, before it is taken.

        Raises:
            NotFinite: the loss is NaN or infinite, or the gradient is (with float16: too many times in a row).
            TrainingError: the loss is exactly zero.
        """
        # With float16 a gradient may overflow now and then; the loss scaler skips that step and scales less.
        self._overflows = 0 if math.isfinite(norm) else self._overflows + 1
        if not math.isfinite(loss) or self._overflows > (OVERFLOWS if self._scaled else 0):
            before = "" if math.isnan(self._norm) else f"; the step before, the norm was {self._norm:.3g}"
            raise NotFinite(f"in step {step} the loss is {loss} and the gradient's norm {norm:.3g}{before}")
        if loss == 0.0:
            raise TrainingError(
                f"in step {step} the loss is exactly 0: there is nothing left to learn, or nothing was asked",
                "a positive loss on the answers' tokens",
                "look for rows that repeat one short answer, and for a base that was trained on these very rows",
            )
        if math.isfinite(norm):
            self._norm = norm

    def check_course(self, losses: Sequence[tuple[int, float]], base_loss: float) -> None:
        """Refuse to go on when the last steps are far worse than the untrained base.

        Args:
            losses: (step, loss) so far.
            base_loss: the base model's validation loss.

        Raises:
            TrainingError: the loss has run away.
        """
        recent = [loss for _, loss in losses[-RISEN_STEPS:]]
        if len(recent) == RISEN_STEPS and min(recent) > base_loss * RISEN_FACTOR + RISEN_NATS:
            raise TrainingError(
                f"the loss has run away: {recent[-1]:.2f} after step {losses[-1][0]}, and above {min(recent):.2f} for "
                f"{RISEN_STEPS} steps, where the untrained base has {base_loss:.2f} (gradient norm {self._norm:.3g})",
                "a loss that falls",
                "lower training.learning_rate (a third is a good next try) or raise training.warmup_ratio",
            )


def check_supervised(step: int, count: int) -> None:
    """Refuse an optimizer step in which nothing is supervised.

    Raises:
        TrainingError: every label of the step is masked.
    """
    if not count:
        raise TrainingError(
            f"step {step} has no token to learn from: every label is masked",
            "answers with at least one token",
            "look at the dataset stage's rows and the base model's chat template",
        )
