"""The training loop: steps of whole sequences, checkpoints, validation, and an orderly stop.

Imports torch: for the training child only. Why not a Trainer: docs/decisions/0005-own-training-loop.md.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from transformers import get_scheduler

from semillero.models.batches import each_batch, plan_batches, plan_epoch
from semillero.models.loading import default_device
from semillero.models.loss import answer_loss, sequence_losses
from semillero.training.adapter import trainable
from semillero.training.checkpoints import load_checkpoint, save_checkpoint
from semillero.training.events import Reporter
from semillero.training.outcomes import NotFinite, Stopped
from semillero.training.rows import Split
from semillero.training.spec import TrainingSpec

SCHEDULE = "linear"  # after the warm-up the learning rate falls in a line to zero


@dataclass
class Progress:
    """What a checkpoint remembers beside tensors; losses are nats a supervised token, by optimizer step."""

    step: int = 0
    seconds: float = 0.0
    train: list[tuple[int, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)


class Loop:
    """One training run: its model, its data and where it stands."""

    def __init__(self, spec: TrainingSpec, model: Any, train: Split, validation: Split, pad_id: int) -> None:
        self.spec, self.model, self.train, self.validation, self.pad_id = spec, model, train, validation, pad_id
        s = spec.settings
        self.steps_per_epoch = math.ceil(len(train.examples) / s.batch_size)
        self.steps = s.max_steps or max(1, round(s.epochs * self.steps_per_epoch))
        self.device = default_device()
        self.accelerator = Accelerator(mixed_precision=_mixed_precision(self.device), cpu=self.device == "cpu")
        self.weights = trainable(model)
        optimizer = torch.optim.AdamW(self.weights.values(), lr=s.learning_rate, weight_decay=s.weight_decay)
        warmup = math.ceil(s.warmup_ratio * self.steps)
        self.scheduler = get_scheduler(SCHEDULE, optimizer, num_warmup_steps=warmup, num_training_steps=self.steps)
        self.optimizer = self.accelerator.prepare(optimizer)
        shapes = {name: list(p.shape) for name, p in self.weights.items()}
        self.fingerprint = {**spec.fingerprint, "parameters": shapes}
        self.progress = Progress()
        self.resumed_from = 0
        self._epoch, self._plan = -1, [[[0]]]

    def run(self, reporter: Reporter, asked_to_stop: Callable[[], bool]) -> None:
        """Train to the end, from the newest checkpoint if there is one.

        Raises:
            Stopped: ``asked_to_stop`` became true; the state is saved.
            NotFinite: the loss or the gradient is NaN or infinite.
        """
        self.resume(reporter)
        progress, settings = self.progress, self.spec.settings
        reporter.send("started", steps=self.steps, done=progress.step, parameters=self.trainable_parameters)
        saved = progress.step if progress.validation else -1
        while True:
            if self._is_evaluated(progress.step) and not any(at == progress.step for at, _ in progress.validation):
                progress.validation.append((progress.step, self.validate()))
                reporter.send("validation", step=progress.step, loss=progress.validation[-1][1])
            last = progress.step == self.steps
            if progress.step != saved and (last or progress.step % settings.save_steps == 0):
                saved = self.save(1 if last else settings.keep_checkpoints)
            if last:
                return
            if asked_to_stop():
                if progress.step != saved:
                    self.save(settings.keep_checkpoints)
                raise Stopped(f"after step {progress.step} of {self.steps}")
            loss = self.step()
            reporter.send("step", step=progress.step, loss=loss)

    def step(self) -> float:
        """Take one optimizer step over ``batch_size`` sequences; the loss is the mean over their answers' tokens."""
        started = time.perf_counter()
        micro_batches = self.plan(self.progress.step)
        rows = [row for batch in micro_batches for row in batch]
        count = sum(self.train.supervised[row] for row in rows)
        self.model.train()
        total = 0.0
        for _, batch in each_batch(self.train.examples, micro_batches, self.pad_id, self.device):
            with self.accelerator.autocast():
                nats, _ = answer_loss(self.model, batch)
            self.accelerator.backward(nats / count)
            total += nats.item()
        norm = self.accelerator.clip_grad_norm_(self.weights.values(), self.spec.settings.max_grad_norm)
        self._refuse_nan(total / count, norm)
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()
        self.progress.step += 1
        self.progress.train.append((self.progress.step, total / count))
        self.progress.seconds += time.perf_counter() - started
        return total / count

    def validate(self) -> float:
        """Return the loss on the validation split: nats a supervised token."""
        self.model.eval()
        nats, count = 0.0, 0
        batches = plan_batches(self.validation.lengths, self.spec.settings.batch_tokens)
        for _, batch in each_batch(self.validation.examples, batches, self.pad_id, self.device):
            with self.accelerator.autocast():
                sums, counts = sequence_losses(self.model, batch)
            nats, count = nats + sums.double().sum().item(), count + int(counts.sum())
        if not math.isfinite(nats):
            raise NotFinite(f"the validation loss after step {self.progress.step} is {nats}")
        return nats / count

    def plan(self, step: int) -> list[list[int]]:
        """Return the micro-batches of an optimizer step, counted from 0 over all epochs."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            s = self.spec.settings
            self._epoch = epoch
            self._plan = plan_epoch(self.train.lengths, s.batch_size, s.batch_tokens, s.seed, epoch)
        return self._plan[index]

    def save(self, keep: int) -> int:
        """Write a checkpoint and return its step."""
        trainer = {
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else {},
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if self.device != "cpu" else [],
        }
        state = {"adapter": {n: p.detach() for n, p in self.weights.items()}, "trainer": trainer}
        state["progress"] = asdict(self.progress)
        save_checkpoint(self.spec.checkpoints, self.progress.step, state, self.fingerprint, keep)
        return self.progress.step

    def resume(self, reporter: Reporter) -> None:
        """Continue from the newest checkpoint that verifies, if there is one."""
        state = load_checkpoint(self.spec.checkpoints, self.fingerprint, reporter.say)
        if state is None:
            return
        with torch.no_grad():
            for name, parameter in self.weights.items():
                parameter.copy_(state["adapter"][name])
        trainer = state["trainer"]
        self.optimizer.load_state_dict(trainer["optimizer"])
        self.scheduler.load_state_dict(trainer["scheduler"])
        if self.accelerator.scaler and trainer["scaler"]:
            self.accelerator.scaler.load_state_dict(trainer["scaler"])
        torch.set_rng_state(trainer["rng"])
        if self.device != "cpu" and len(trainer["cuda_rng"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(trainer["cuda_rng"])
        self.progress = Progress(**state["progress"])
        self.resumed_from = self.progress.step
        reporter.say(f"training goes on after step {self.progress.step} of {self.steps}")

    @property
    def trainable_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(p.numel() for p in self.weights.values())

    def _is_evaluated(self, step: int) -> bool:
        # At 0 (the base), at the end, and between; one right before the end would cost more than it tells.
        every = self.spec.settings.eval_steps
        return step in (0, self.steps) or (step % every == 0 and self.steps - step > every / 2)

    def _refuse_nan(self, loss: float, norm: torch.Tensor) -> None:
        # With float16 a gradient may overflow now and then; the loss scaler skips that step and scales less.
        if not math.isfinite(loss) or (not self.accelerator.scaler and not torch.isfinite(norm)):
            raise NotFinite(
                f"in step {self.progress.step + 1} the loss is {loss} and the gradient's norm {norm.item()}"
            )


def _mixed_precision(device: str) -> str:
    if device == "cpu":
        return "no"
    return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"
