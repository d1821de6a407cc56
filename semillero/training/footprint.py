"""What training an adapter weighs, part by part, from shapes alone.

Activations are counted tensor by tensor: what autograd keeps of a decoder layer whose LoRA products and norms are
fused (`semillero.models.lora`, `semillero.models.norms`); a test compares the count with what autograd really keeps.
On a card the prediction has never been compared with an allocator's figure.
"""

from dataclasses import dataclass

from semillero.models.precision import Precision
from semillero.models.shape import Shape
from semillero.training.spec import Layout

GIBIBYTE = 2.0**30
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)  # bytes a parameter: half of one, and twice-quantised scales
LIBRARIES = 0.75 * GIBIBYTE  # resident memory of Python with torch, transformers, peft and bitsandbytes
LOSS_ROWS, LOSS_COLUMNS = 256, 4096  # a block of logits: on a CPU it is cut in columns too


@dataclass(frozen=True)
class Footprint:
    """Predicted bytes.

    Attributes:
        parts: by name; `activations` are those that live at the peak.
        peak: the largest sum at any moment.
        per_token: bytes of activations a token that a layer keeps when it is not recomputed.
    """

    parts: dict[str, float]
    peak: float
    per_token: float


def weigh(
    shape: Shape,
    precision: Precision,
    layout: Layout,
    *,
    rank: int,
    targets: tuple[str, ...],
    quantize: bool,
    on_card: bool,
) -> Footprint:
    """Return the footprint of a run that is laid out so."""
    tokens, recomputed = layout.batch_tokens, layout.recomputed_layers
    whole, half = BYTES[precision.weights], BYTES[precision.products]
    packed = quantize and not layout.unpacked
    adapter = shape.adapter_parameters(rank, targets)
    kept = layer_bytes(shape, precision, rank, targets, fused_norms=not on_card)
    boundary = shape.hidden * whole
    largest = max(inputs * outputs for inputs, outputs in shape.linear_sizes.values())
    # On the way back through a layer: gradients of the MLP's three inner tensors and of the residual stream.
    working = tokens * (3 * shape.inner * half + 3 * boundary) + (largest * half if packed else 0)
    block = LOSS_ROWS * (shape.vocabulary if on_card else LOSS_COLUMNS) * (2 * 4 + half)
    loss = tokens * shape.hidden * (4 + 2 * whole) + block
    parts = {
        "libraries": 0.0 if on_card else LIBRARIES,
        "layers": shape.linear_parameters * (NF4 if packed else whole),
        "embedding and head": shape.other_parameters * whole,
        "adapter and optimizer": adapter * 16,  # weight, gradient, two moments in float32
    }
    fixed = sum(parts.values())
    held = tokens * (recomputed * boundary + (shape.layers - recomputed) * kept)
    at_loss = held + loss  # forward pass done
    going_back = held + working  # in the last layer
    at_first = tokens * (recomputed * boundary + kept) + working if recomputed else 0.0  # recomputing one
    parts |= {"activations": held, "loss or gradients at work": max(at_loss, going_back, at_first) - held}
    return Footprint(parts, fixed + max(at_loss, going_back, at_first), kept)


def layer_bytes(shape: Shape, precision: Precision, rank: int, targets: tuple[str, ...], fused_norms: bool) -> float:
    """Return the bytes a token that autograd keeps of one decoder layer."""
    whole, half = BYTES[precision.weights], BYTES[precision.products]
    adapted = [name for name in shape.linear_sizes if name in targets]
    low = len(adapted) * rank * half  # each adapted layer's thin product
    # A norm keeps its input and one number; unfused it keeps a float32 copy, its square's kin and the product.
    norm_input = shape.norms * shape.hidden * (whole if fused_norms else whole + 3 * 4)
    normed = 2 * shape.hidden * half  # what queries, keys, values and the MLP were given
    heads = shape.queries + shape.keys
    head_norms = heads * (half if fused_norms else half + 3 * 4) if shape.head_norms else 0
    # Rotated queries and keys, values, attention's answer, and that answer once more as o_proj was given it.
    attention = (2 * shape.queries + heads + shape.keys) * half + shape.queries // 64 * 4
    mlp = 4 * shape.inner * half  # gate, its activation, up, their product
    return low + norm_input + normed + head_norms + attention + mlp
