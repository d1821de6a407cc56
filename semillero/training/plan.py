"""The memory plan: before a run, what fits, worked out from shapes and not by running out of memory.

A plan says how many tokens a micro-batch holds, how many layers are recomputed on the way back, and which optimizer
state is kept; and what each of these weighs. Of the plans that fit, the one with the least work a token is taken:
recomputing every layer costs half as much again (with frozen weights a backward pass is as dear as a forward pass), a
small micro-batch costs the unpacking of all NF4 weights more often.

The cross-entropy is always in blocks (`semillero.models.loss`); whole logits would be the largest thing in memory.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from semillero.models.precision import Precision
from semillero.models.shape import Shape
from semillero.training.footprint import GIBIBYTE, Footprint, weigh

# Most tokens a micro-batch may hold; beyond 16k nothing is gained on any card we know.
BUDGETS = (16_384, 12_288, 8192, 6144, 4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256)
# What one more micro-batch costs, in tokens' worth of time: unpacking NF4 two or three times, and starting kernels.
OVERHEAD = 150
ROOM_ON_CARD, ROOM_ON_CPU = 0.90, 0.80  # share of the memory that a plan may fill: fragmentation, other processes
CONTEXT = 0.4 * GIBIBYTE  # of CUDA and its libraries, outside the allocator


@dataclass(frozen=True)
class Device:
    """A card, or a CPU (``capability`` None).

    Attributes:
        name: as it calls itself.
        gibibytes: memory, of a CPU what is free.
        capability: compute capability.
    """

    name: str
    gibibytes: float
    capability: tuple[int, int] | None = None

    @property
    def room(self) -> float:
        """Bytes that a plan may fill."""
        if self.capability is None:
            return ROOM_ON_CPU * self.gibibytes * GIBIBYTE
        return ROOM_ON_CARD * (self.gibibytes * GIBIBYTE - CONTEXT)


@dataclass(frozen=True)
class Need:
    """What is to be trained on what.

    Attributes:
        rank, targets: of the adapter.
        quantize: NF4 for the layers.
        longest: tokens of the longest sequence (of the longest pair, for preferences).
        step_tokens: tokens of an optimizer step, at most.
    """

    rank: int
    targets: tuple[str, ...]
    quantize: bool
    longest: int
    step_tokens: int


@dataclass(frozen=True)
class Plan:
    """How a run fits.

    Attributes:
        batch_tokens: most tokens a micro-batch holds.
        recomputed_layers: layers whose activations are computed again on the way back, the first ones.
        unpacked: NF4 numbers kept unpacked (on a CPU with room: the arithmetic is the same, unpacking is saved).
        optimizer: ``adamw``, or ``adamw-8bit``, whose two moments take a byte each.
        precision: number types.
        footprint: predicted bytes, by part.
        fits: whether the peak is within the device's room.
    """

    batch_tokens: int
    recomputed_layers: int
    unpacked: bool
    optimizer: Literal["adamw", "adamw-8bit"]
    precision: Precision
    footprint: Footprint
    fits: bool

    def work(self, layers: int, step_tokens: int) -> float:
        """Return the relative cost of a token under this plan."""
        packs = math.ceil(step_tokens / self.batch_tokens)
        return (1 + 0.5 * self.recomputed_layers / layers) * (1 + OVERHEAD * packs / step_tokens)


def plan_training(shape: Shape, device: Device, need: Need, precision: Precision, budget: int | None = None) -> Plan:
    """Return the plan with the least work that fits, or the smallest one, marked as not fitting.

    Args:
        shape: of the base model.
        device: where it runs.
        need: what is trained.
        precision: from `semillero.models.precision.choose_precision`.
        budget: tokens a micro-batch, when they are chosen already.
    """
    plans = list(_candidates(shape, device, need, precision, budget))
    fitting = [plan for plan in plans if plan.fits]
    if fitting:
        # Between equals: unpacked weights and the plain optimizer.
        return min(
            fitting,
            key=lambda p: (p.work(shape.layers, need.step_tokens), not p.unpacked, p.optimizer, p.footprint.peak),
        )
    return min(plans, key=lambda p: p.footprint.peak)


def smaller(plan: Plan, shape: Shape, device: Device, need: Need) -> Plan | None:
    """Return the plan with the most room below this one: more layers recomputed, then a smaller micro-batch.

    For a run whose memory was predicted too small; None when there is nothing left to give up.
    """
    if plan.recomputed_layers < shape.layers:
        more = replace(plan, recomputed_layers=min(shape.layers, plan.recomputed_layers + max(1, shape.layers // 4)))
        return _weighed(more, shape, device, need)
    if plan.unpacked:
        return _weighed(replace(plan, unpacked=False), shape, device, need)
    if plan.optimizer == "adamw" and device.capability is not None:
        return _weighed(replace(plan, optimizer="adamw-8bit"), shape, device, need)
    tokens = max(plan.batch_tokens // 2, need.longest)
    return _weighed(replace(plan, batch_tokens=tokens), shape, device, need) if tokens < plan.batch_tokens else None


def _candidates(shape: Shape, device: Device, need: Need, precision: Precision, budget: int | None) -> Iterable[Plan]:
    on_cpu = device.capability is None
    most = max(need.longest, need.step_tokens)
    budgets = {max(need.longest, min(tokens, most)) for tokens in ((budget,) if budget else BUDGETS)}
    empty = Footprint({}, 0.0, 0.0)
    for tokens in sorted(budgets, reverse=True):
        for unpacked in (True, False) if on_cpu and need.quantize else (False,):
            for optimizer in ("adamw",) if on_cpu else ("adamw", "adamw-8bit"):
                fewest = None
                for layers in range(shape.layers + 1):
                    plan = Plan(tokens, layers, unpacked, optimizer, precision, empty, False)  # type: ignore[arg-type]
                    plan = _weighed(plan, shape, device, need)
                    if plan.fits or layers == shape.layers:
                        fewest = plan
                        break
                if fewest is not None:
                    yield fewest


def _weighed(plan: Plan, shape: Shape, device: Device, need: Need) -> Plan:
    footprint = weigh(
        shape, plan.precision, tokens=plan.batch_tokens, recomputed=plan.recomputed_layers, rank=need.rank,
        targets=need.targets, quantize=need.quantize, unpacked=plan.unpacked, optimizer=plan.optimizer,
        on_card=device.capability is not None,
    )  # fmt: skip
    return replace(plan, footprint=footprint, fits=footprint.peak <= device.room)
