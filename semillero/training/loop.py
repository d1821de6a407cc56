"""The training loop: steps of whole sequences, checkpoints, validation, and an orderly stop.

Imports torch: for the training child only. Why not a Trainer: docs/decisions/0005-own-training-loop.md.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import torch
from accelerate import Accelerator
from transformers import get_scheduler

from semillero.digests import digest_json
from semillero.models.batches import plan_batches
from semillero.models.loading import default_device, find_precision
from semillero.training.adapter import trainable
from semillero.training.events import Silent
from semillero.training.guard import Guard, check_supervised
from semillero.training.keeping import Keeper
from semillero.training.objectives import AnswerLikelihood, Batch, Objective, Rows, batch_of
from semillero.training.order import Order
from semillero.training.outcomes import NotFinite, Stopped
from semillero.training.preparation import takes_packs
from semillero.training.ranks import Ranks
from semillero.training.spec import TrainingSpec
from semillero.training.state import Progress, Rng, capture_rng, capture_trainer, restore_trainer

SCHEDULE = "linear"  # after the warm-up the learning rate falls in a line to zero
# Seconds to wait for the copies of checkpoints: at the end of training, and when whoever stops it gives little time.
COPY_SECONDS, COPY_SECONDS_STOPPED = 600.0, 20.0


class _Interrupted(Exception):
    """Asked to stop between two micro-batches."""


class Loop:
    """One training run: its model, its data and where it stands."""

    def __init__(
        self, spec: TrainingSpec, model: Any, train: Rows, validation: Rows, pad_id: int,
        objective: Objective | None = None,
    ) -> None:  # fmt: skip
        self.objective = objective or AnswerLikelihood()
        self.spec, self.model, self.train, self.validation, self.pad_id = spec, model, train, validation, pad_id
        s = spec.settings
        self.device = default_device()
        self.ranks = Ranks(on_cpu=self.device == "cpu")
        self.order = Order(train.lengths, s, spec.batch_tokens, takes_packs(model), self.ranks.count)
        self.steps = self.order.steps
        self.precision = find_precision(self.device, whole=spec.attempt.precision == "float32").autocast
        self.accelerator = Accelerator(mixed_precision=self.precision, cpu=self.device == "cpu")
        self.weights = trainable(model)
        optimizer = torch.optim.AdamW(self.weights.values(), lr=s.learning_rate, weight_decay=s.weight_decay)
        warmup = math.ceil(s.warmup_ratio * self.steps)
        self.scheduler = get_scheduler(SCHEDULE, optimizer, num_warmup_steps=warmup, num_training_steps=self.steps)
        self.optimizer = self.accelerator.prepare(optimizer)
        shapes = {name: list(p.shape) for name, p in self.weights.items()}
        self.keeper = Keeper(
            spec.checkpoints, {**spec.fingerprint, "parameters": shapes}, s.keep_checkpoints, spec.copy_to
        )
        self.guard = Guard(loss_is_scaled=self.accelerator.scaler is not None)
        self.reporter: Silent | None = None
        self.asked_to_stop: Callable[[], bool] = lambda: False
        self.progress = Progress()
        self.resumed_from = 0
        self._saved = (-1, 0)  # step and number of validations of the newest checkpoint
        self._rng: Rng | None = None  # at the start of a step that has begun

    def run(self, reporter: Silent, asked_to_stop: Callable[[], bool]) -> None:
        """Train to the end, from the newest checkpoint if there is one.

        Raises:
            Stopped: ``asked_to_stop`` became true; the state after the last whole step is saved.
            NotFinite: the loss or the gradient is NaN or infinite.
            TrainingError: the loss is zero or has run away; a checkpoint is of another run.
        """
        self.reporter, self.asked_to_stop = reporter, asked_to_stop
        self.resume(reporter)
        done, precision = self.progress.step, self.precision
        reporter.send("started", steps=self.steps, done=done, parameters=self.trainable_parameters, precision=precision)
        try:
            self._go_on(reporter)
        except _Interrupted:
            self.save()
            self.keeper.close(COPY_SECONDS_STOPPED)
            raise Stopped(f"after step {self.progress.step} of {self.steps}") from None
        self.keeper.close(COPY_SECONDS)

    def _go_on(self, reporter: Silent) -> None:
        progress = self.progress
        while True:
            best = self._validate_if_due(reporter)
            if best or progress.step in (0, self.steps) or progress.step % self.spec.settings.save_steps == 0:
                self.save()
            if progress.step == self.steps:
                return
            if self.ranks.count > 1 and self.ranks.total([float(self.asked_to_stop())])[0]:
                raise _Interrupted
            self._breathe()
            loss = self.step()
            reporter.send("step", step=progress.step, loss=loss)
            self.guard.check_course(progress.train, progress.validation[0][1])

    def _breathe(self) -> None:
        """Between two micro-batches: show that this process lives, and stop if asked to. Seconds matter then.

        Several processes stop together, between two steps: one that left alone would be waited for.
        """
        if self.reporter:
            self.reporter.pulse()
        if self.ranks.count == 1 and self.asked_to_stop():
            raise _Interrupted

    def step(self) -> float:
        """Take one optimizer step over ``batch_size`` sequences; the loss is the mean over their answers' tokens."""
        started = time.perf_counter()
        self._rng = capture_rng(self.device)  # a step that is stopped half-way was never begun
        number = self.progress.step + 1
        micro_batches = self.order.plan(self.progress.step)
        count = self.objective.count(self.train, [row for batch in micro_batches for row in batch])
        check_supervised(number, count)
        self.model.train()
        if self.ranks.count > 1:  # a checkpoint holds rank 0's generators alone, so each step has its own numbers
            torch.manual_seed(int(digest_json([self.spec.settings.seed, number, self.ranks.rank])[:12], 16))
        total = 0.0
        for rows in self.ranks.mine(micro_batches):
            self._breathe()
            batch = batch_of(self.train, rows, self.pad_id, self.device, self.order.packed)
            with self.accelerator.autocast():
                loss = self.objective.loss(self.model, batch)
            self.accelerator.backward(loss / count)
            total += loss.item()
        self.ranks.add_gradients(list(self.weights.values()))
        (total,) = self.ranks.total([total])
        norm = self.accelerator.clip_grad_norm_(self.weights.values(), self.spec.settings.max_grad_norm)
        self.guard.check(number, total / count, float(norm))
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()
        self._rng = None
        self.progress.step = number
        self.progress.train.append((number, total / count))
        self.progress.seconds += time.perf_counter() - started
        return total / count

    def validate(self) -> float:
        """Return the loss on the validation split: nats a supervised token."""
        self.model.eval()
        total, count = 0.0, 0.0
        for batch in self.validation_batches():
            self._breathe()
            with self.accelerator.autocast():
                loss, units = self.objective.measure(self.model, batch)
            total, count = total + loss, count + units
        total, count = self.ranks.total([total, count])
        if not math.isfinite(total):
            raise NotFinite(f"the validation loss after step {self.progress.step} is {total}")
        return total / count

    def validation_batches(self) -> Iterator[Batch]:
        """Yield this process's share of the validation split's batches."""
        for rows in self.ranks.mine(plan_batches(self.validation.lengths, self.spec.batch_tokens)):
            yield batch_of(self.validation, rows, self.pad_id, self.device, self.order.packed)

    def _validate_if_due(self, reporter: Silent) -> bool:
        """Measure the validation loss where it is due and not known yet; tell whether it is the best so far."""
        step, known = self.progress.step, self.progress.validation
        if not self._is_evaluated(step) or any(at == step for at, _ in known):
            return False
        known.append((step, self.validate()))
        reporter.send("validation", step=step, loss=known[-1][1])
        return known[-1][1] == min(loss for _, loss in known)

    def save(self) -> None:
        """Write a checkpoint of the last whole step, unless the newest one says as much."""
        progress = self.progress
        if self._saved == (progress.step, len(progress.validation)) or not self.ranks.speaks:
            return
        rng = self._rng or capture_rng(self.device)
        state = {
            "adapter": {name: p.detach() for name, p in self.weights.items()},
            "trainer": capture_trainer(self.optimizer, self.scheduler, self.accelerator.scaler, rng),
            "progress": asdict(progress),
        }
        score = next((loss for step, loss in progress.validation if step == progress.step), None)
        self.keeper.save(progress.step, state, score, last=progress.step == self.steps)
        self._saved = (progress.step, len(progress.validation))

    def resume(self, reporter: Silent) -> None:
        """Continue from the newest checkpoint that verifies, if there is one."""
        state = self.keeper.load(reporter.say) if self.ranks.speaks else None
        self.ranks.wait()  # what is damaged is put aside now, and what was copied elsewhere is here
        if not self.ranks.speaks:
            state = self.keeper.load(reporter.say)
        if state is None:
            return
        with torch.no_grad():
            for name, parameter in self.weights.items():
                parameter.copy_(state["adapter"][name])
        restore_trainer(state["trainer"], self.optimizer, self.scheduler, self.accelerator.scaler, self.device)
        self.progress = Progress(**state["progress"])
        self.resumed_from = self.progress.step
        self._saved = (self.progress.step, len(self.progress.validation))
        reporter.say(f"training goes on after step {self.progress.step} of {self.steps}")

    @property
    def trainable_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(p.numel() for p in self.weights.values())

    def _is_evaluated(self, step: int) -> bool:
        # At 0 (the base), at the end, and between; one right before the end would cost more than it tells.
        every = self.spec.settings.eval_steps
        return step in (0, self.steps) or (step % every == 0 and self.steps - step > every / 2)
