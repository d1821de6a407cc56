"""What a run learns from: its encoded rows and its objective, as the settings say.

Imports torch (through the objectives): for the training child only.
"""

from typing import Any

from semillero.training.objectives import AnswerLikelihood, Objective, Preference, Rows
from semillero.training.pairs import encode_pairs, split_pairs
from semillero.training.rows import encode_split
from semillero.training.spec import TrainingSpec


def load_material(spec: TrainingSpec, tokenizer: Any) -> tuple[Rows, Rows, Objective]:
    """Return the rows to train on, those to validate on, and what is minimised.

    Raises:
        TrainingError: nothing in the files can be learned from.
    """
    settings = spec.settings
    if settings.objective == "dpo":
        train, validation = split_pairs(encode_pairs(spec.train, tokenizer, settings.max_length))
        return train, validation, Preference(settings.beta, settings.rpo_alpha)
    train_rows = encode_split(spec.train, tokenizer, settings.max_length)
    return train_rows, encode_split(spec.validation, tokenizer, settings.max_length), AnswerLikelihood()
