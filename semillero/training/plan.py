"""The memory plan: before a run, what fits, worked out from shapes and not by running out of memory.

A plan says how many tokens a micro-batch holds and how many layers are recomputed on the way back, and what each of
these weighs. Of the plans that fit, the one with the least work a token is taken: recomputing every layer costs half as
much again (with frozen weights a backward pass is as dear as a forward pass), a small micro-batch costs the unpacking
of all NF4 weights more often.

The cross-entropy is always in blocks (`semillero.models.loss`); whole logits would be the largest thing in memory. The
optimizer is always AdamW: an adapter's two moments are small, and in 8 bits they would save about 0.2 GiB of a 7B run.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from semillero.models.precision import Precision
from semillero.models.shape import Shape
from semillero.training.footprint import GIBIBYTE, Footprint, weigh
from semillero.training.spec import Layout

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
        layout: tokens a micro-batch, recomputed layers, unpacked numbers.
        precision: number types.
        footprint: predicted bytes, by part.
        fits: whether the peak is within the device's room.
    """

    layout: Layout
    precision: Precision
    footprint: Footprint
    fits: bool

    def work(self, layers: int, step_tokens: int) -> float:
        """Return the relative cost of a token under this plan."""
        packs = math.ceil(step_tokens / self.layout.batch_tokens)
        return (1 + 0.5 * self.layout.recomputed_layers / layers) * (1 + OVERHEAD * packs / step_tokens)


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
        return min(  # between equals: unpacked weights
            fitting, key=lambda p: (p.work(shape.layers, need.step_tokens), not p.layout.unpacked, p.footprint.peak)
        )
    return min(plans, key=lambda p: p.footprint.peak)


def weigh_plan(layout: Layout, shape: Shape, device: Device, need: Need, precision: Precision) -> Plan:
    """Return the plan of a layout that is chosen already."""
    footprint = weigh(
        shape, precision, layout, rank=need.rank, targets=need.targets, quantize=need.quantize,
        on_card=device.capability is not None,
    )  # fmt: skip
    return Plan(layout, precision, footprint, fits=footprint.peak <= device.room)


def smaller(layout: Layout, shape: Shape, need: Need) -> Layout | None:
    """Return the next layout that takes less memory: more layers recomputed, then a smaller micro-batch.

    For a run whose memory was predicted too small; None when there is nothing left to give up. Layers come first: the
    arithmetic stays the same, bit for bit.
    """
    if layout.recomputed_layers < shape.layers:
        more = min(shape.layers, layout.recomputed_layers + max(1, math.ceil(shape.layers / 4)))
        return layout.model_copy(update={"recomputed_layers": more})
    if layout.unpacked:
        return layout.model_copy(update={"unpacked": False})
    tokens = max(layout.batch_tokens // 2, need.longest)
    return layout.model_copy(update={"batch_tokens": tokens}) if tokens < layout.batch_tokens else None


def _candidates(shape: Shape, device: Device, need: Need, precision: Precision, budget: int | None) -> Iterable[Plan]:
    most = max(need.longest, need.step_tokens)
    budgets = {max(need.longest, min(tokens, most)) for tokens in ((budget,) if budget else BUDGETS)}
    for tokens in sorted(budgets, reverse=True):
        for unpacked in (True, False) if device.capability is None and need.quantize else (False,):
            for layers in range(shape.layers + 1):
                layout = Layout(batch_tokens=tokens, recomputed_layers=layers, unpacked=unpacked)
                plan = weigh_plan(layout, shape, device, need, precision)
                if plan.fits or layers == shape.layers:
                    yield plan
                    break
