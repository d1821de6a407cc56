"""Evaluation: the base model against the tuned one on rows that neither was trained on.

Goes in: the dataset's test split, the reserved hand-written pairs, the adapter. Comes out: ``evaluation.json`` and
``evaluation.md`` (every measure for base, tuned and their difference, with bootstrap intervals; overall, per variety
and on the reserved pairs), ``samples.jsonl`` (both answers side by side) and ``figures/evaluation.png``.

Both models are one set of weights, with the adapter on or off, loaded as training loaded them.
"""

from semillero.evaluation.stage import VERSION, evaluate_adapter

__all__ = ["VERSION", "evaluate_adapter"]
