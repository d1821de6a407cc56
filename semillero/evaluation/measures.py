"""What is measured of answers, one number a row, so that every measure can be resampled."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from semillero.curation import identify_language, variety_markers
from semillero.curation.language import UNKNOWN, knows_language, language_of
from semillero.evaluation.pair import MODELS

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

WORD = re.compile(r"\w+")
MIN_LANGUAGE_WORDS = 5  # shorter answers are not judged: language identification guesses there
Fraction = tuple[float, float]  # above and below the line; (0, 0) where a row says nothing
# answer, reference, variety → fraction
ByText = Callable[[str, str, str], Fraction]


def loss_table(nats: "dict[str, Array]", tokens: "Array") -> "Array":
    """Return the loss per answer token as the (rows, 4) table that `compare_models` takes."""
    import numpy as np

    return np.column_stack([nats["base"], tokens, nats["tuned"], tokens])


def text_tables(
    answers: dict[str, list[str]], references: Sequence[str], varieties: Sequence[str]
) -> "dict[str, Array]":
    """Return the (rows, 4) table of each measure of texts.

    - ``chrf``: chrF (Popović 2015) against the reference, 0–100, mean over rows; by sacrebleu.
    - ``distinct_1``, ``distinct_2``: different words and word pairs ÷ all of them, within each answer (low when a model
      repeats itself; unlike the corpus-wide count it does not fall as rows are added, so it can be resampled).
    - ``answer_words``: words an answer.
    - ``language``: share of answers in their variety's language, of those that could be told.
    - ``evidence``, ``contradiction``: share of answers with a marker for, or against, their variety.
    """
    import numpy as np

    languages = _language_verdicts(answers, varieties)
    measures: dict[str, ByText] = {
        "chrf": _chrf(),
        "distinct_1": lambda answer, _, __: _distinct(answer, 1),
        "distinct_2": lambda answer, _, __: _distinct(answer, 2),
        "answer_words": lambda answer, _, __: (float(len(WORD.findall(answer))), 1.0),
        "language": lambda answer, _, variety: languages[answer, variety],
        "evidence": lambda answer, _, variety: _markers(answer, variety, "evidence"),
        "contradiction": lambda answer, _, variety: _markers(answer, variety, "contradiction"),
    }
    rows = list(zip(*(answers[which] for which in MODELS), references, varieties, strict=True))
    return {
        name: np.array(
            [[*measure(base, ref, variety), *measure(tuned, ref, variety)] for base, tuned, ref, variety in rows],
            dtype=float,
        ).reshape(-1, 4)
        for name, measure in measures.items()
    }


def _chrf() -> ByText:
    from sacrebleu.metrics import CHRF

    metric = CHRF()
    return lambda answer, reference, _: (float(metric.sentence_score(answer, [reference]).score), 1.0)


def _distinct(answer: str, n: int) -> Fraction:
    words = [word.lower() for word in WORD.findall(answer)]
    grams = list(zip(*(words[i:] for i in range(n)), strict=False))
    return (len(set(grams)) / len(grams), 1.0) if grams else (0.0, 0.0)


def _language_verdicts(answers: dict[str, list[str]], varieties: Sequence[str]) -> dict[tuple[str, str], Fraction]:
    """Return, for each answer and its variety, (1, 1) in the right language, (0, 1) in another, (0, 0) not told."""
    asked = [(text, variety) for which in MODELS for text, variety in zip(answers[which], varieties, strict=True)]
    found = identify_language([text for text, _ in asked], sorted(set(varieties)))
    verdicts: dict[tuple[str, str], Fraction] = {}
    for (text, variety), language in zip(asked, found, strict=True):
        told = language != UNKNOWN and knows_language(language_of(variety))
        if told and len(WORD.findall(text)) >= MIN_LANGUAGE_WORDS:
            verdicts[text, variety] = (float(language == language_of(variety)), 1.0)
        else:
            verdicts[text, variety] = (0.0, 0.0)
    return verdicts


def _markers(answer: str, variety: str, side: str) -> Fraction:
    rates = variety_markers([answer], variety)
    return (0.0, 0.0) if rates is None else (float(getattr(rates, side)), 1.0)
