"""Liger's kernels on a card: norms, gated MLPs and rotations in one kernel each, where Liger is and knows the model.

Liger is no dependency: without it the model runs with its own layers, and the message says so. Its cross-entropy is
left out: ours (`semillero.models.loss`) takes labelled positions alone. Never run on a card by this project.
"""

import importlib.util
from typing import Any


def use_card_kernels(core: Any) -> str:
    """Patch a model of transformers (without its adapter around it) in place; return a sentence on what was done."""
    if next(core.parameters()).device.type != "cuda":
        return "no card: Liger's kernels are not used"
    if importlib.util.find_spec("liger_kernel") is None:
        return "Liger is not installed: norms and MLPs run as transformers writes them"
    from liger_kernel.transformers import monkey_patch

    kind = core.config.model_type
    if kind not in monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN:
        return f"Liger has no kernels for {kind}: norms and MLPs run as transformers writes them"
    monkey_patch._apply_liger_kernel_to_instance(model=core, cross_entropy=False, fused_linear_cross_entropy=False)
    return f"Liger's kernels for {kind}"
