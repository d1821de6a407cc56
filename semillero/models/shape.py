"""A language model's dimensions, read from its ``config.json`` alone: what memory and arithmetic follow from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from semillero.errors import InputError

NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size")


@dataclass(frozen=True)
class Shape:
    """Dimensions of a decoder with gated MLPs (Llama, Mistral, Qwen, Gemma and their kin).

    Attributes:
        hidden, inner: width of the residual stream and of the MLP.
        layers: decoder layers.
        queries, keys: width of all query heads, and of all key (or value) heads.
        vocabulary: tokens.
        tied: whether the head is the embedding.
        norms: RMS norms a layer over the residual stream; Gemma has four.
        head_norms: whether queries and keys are normalised too.
        model_type: as in the configuration.
    """

    hidden: int
    inner: int
    layers: int
    queries: int
    keys: int
    vocabulary: int
    tied: bool
    norms: int
    head_norms: bool
    model_type: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the shape of a model in a folder.

        Raises:
            InputError: the configuration lacks a dimension.
        """
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return cls.of(config.get("text_config", config))

    @classmethod
    def of(cls, config: dict[str, Any]) -> Self:
        """Return the shape that a configuration describes.

        Raises:
            InputError: it lacks a dimension.
        """
        lacking = [name for name in NEEDED if not config.get(name)]
        if lacking:
            raise InputError(f"the base model's configuration lacks {', '.join(lacking)}", "a decoder's dimensions")
        heads, kind = config["num_attention_heads"], str(config.get("model_type", ""))
        width = config.get("head_dim") or config["hidden_size"] // heads
        four = kind.startswith(("gemma2", "gemma3"))
        return cls(
            hidden=config["hidden_size"],
            inner=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            queries=heads * width,
            keys=(config.get("num_key_value_heads") or heads) * width,
            vocabulary=config["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", kind.startswith("gemma"))),
            norms=4 if four else 2,
            head_norms=kind.startswith(("gemma3", "qwen3")),
            model_type=kind,
        )

    @property
    def linear_sizes(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of a layer's linear modules, by name."""
        h, f, q, k = self.hidden, self.inner, self.queries, self.keys
        return {
            "q_proj": (h, q), "k_proj": (h, k), "v_proj": (h, k), "o_proj": (q, h),
            "gate_proj": (h, f), "up_proj": (h, f), "down_proj": (f, h),
        }  # fmt: skip

    @property
    def linear_parameters(self) -> int:
        """Parameters of all layers' linear modules: what NF4 packs."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linear_sizes.values())

    @property
    def other_parameters(self) -> int:
        """Parameters of embedding, head and norms."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + (self.layers * self.norms + 1) * self.hidden

    def adapter_parameters(self, rank: int, targets: tuple[str, ...]) -> int:
        """Return how many numbers a LoRA adapter trains."""
        sizes = self.linear_sizes
        return self.layers * rank * sum(sum(sizes[name]) for name in targets if name in sizes)

    def flops(self, recomputed_layers: int = 0, supervised_share: float = 1.0) -> float:
        """Return the arithmetic of training an adapter, in FLOP a token: forward, backward to the inputs, recomputing.

        Args:
            recomputed_layers: whose forward pass is done twice.
            supervised_share: share of the tokens that go through the head.
        """
        again = recomputed_layers / self.layers
        return (4 + 2 * again) * self.linear_parameters + 4 * supervised_share * self.vocabulary * self.hidden
