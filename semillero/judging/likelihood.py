"""The likelihood judge: does the question make its answer likelier than other questions would?

A base model cannot grade in words, but it knows how probable a text is. A row's score is

    log p(answer | its question) − mean over k other rows of log p(answer | their question)

per answer token, in nats: the pointwise mutual information of question and answer, log p(a | q) − log p(a), less the
mean of the same for k other questions of the row's variety (log p(a) cancels out and is never computed). A question
that would fit any answer scores about 0, one that belongs to another answer below 0. It measures whether question and
answer belong together; it says nothing of whether the answer is true (with back-translation the passage vouches for
that). Answers are cut to `ANSWER_TOKENS`, and the model chooses among the corpus's own tokens only, because a head over
262,144 of them costs more than the rest of a 270M model; benchmarks/judging.py measures what cuts cost in accuracy.
"""

import hashlib
import math
from pathlib import Path
from typing import Any

import polars as pl

from semillero.errors import EvaluationError
from semillero.models.batches import Example, each_batch, plan_batches
from semillero.models.chat import IGNORED
from semillero.progress import track
from semillero.records import SCORES

ANSWER_TOKENS = 24
QUESTION_TOKENS = 64  # a longer question is cut at the front: its end is nearest to the answer
OTHERS = 2
# What stands around question and answer: a base model continues the pattern of a text, so it needs one.
WORDING = {"es": ("Pregunta:", "Respuesta:"), "ca": ("Pregunta:", "Resposta:")}


def score_by_likelihood(rows: pl.DataFrame, folder: Path, batch_tokens: int) -> pl.DataFrame:
    """Score rows with a base model.

    Args:
        rows: has `id`, `group`, `variety`, `instruction`, `answer`, and may have `history`, which is read before it.
        folder: the base model's, from `semillero.models.base.resolve_base`.
        batch_tokens: most tokens a batch holds, padding included.

    Returns:
        One score a row (SCORES), in the same order; null where a variety has no second group of rows to compare with.

    Raises:
        EvaluationError: a likelihood is not a number.
    """
    others = choose_others(rows, OTHERS)
    pairs = [(row, asked) for row, chosen in enumerate(others) if chosen for asked in (row, *chosen)]
    known = dict(zip(pairs, _measure_pairs(rows, pairs, folder, batch_tokens), strict=True))
    scored: list[tuple[float | None, str]] = []
    for row, chosen in enumerate(others):
        if not chosen:
            scored.append((None, "no other group of rows in this variety to compare with"))
            continue
        own = known[row, row]
        rest = sum(known[row, asked] for asked in chosen) / len(chosen)
        # Rounded, so that another order of additions (threads, batches) gives the same file.
        scored.append((round(rest - own, 4), f"-log p: {own:.3f} after its question, {rest:.3f} after others"))
    values = {"score": [score for score, _ in scored], "detail": [detail for _, detail in scored]}
    return pl.DataFrame({"id": rows["id"], **values}, schema=SCORES)


def measure_answers(rows: pl.DataFrame, folder: Path, batch_tokens: int) -> list[float]:
    """Return log p(answer | its question) of each row, in nats a token: the first term of its score.

    Between rows that have one answer and would be compared with the same other questions, it differs as the score does.

    Args:
        rows: has `variety`, `instruction`, `answer`.
        folder, batch_tokens: see `score_by_likelihood`.
    """
    own = [(row, row) for row in range(rows.height)]
    return [round(-loss, 4) for loss in _measure_pairs(rows, own, folder, batch_tokens)]


def choose_others(rows: pl.DataFrame, count: int) -> list[tuple[int, ...]]:
    """Return, for each row, the row numbers of other questions of its variety, none of its own group.

    Rows are put in the order of a hash of their ids, in a ring, and each takes the next ones: so the choice is the same
    every time, and every question is asked about equally often.
    """
    chosen: dict[int, tuple[int, ...]] = {}
    numbered = rows.select("id", "group", "variety").with_row_index("row")
    for part in numbered.partition_by("variety", maintain_order=True):
        ring = sorted(part.iter_rows(named=True), key=lambda row: hashlib.sha256(row["id"].encode()).digest())
        for place, mine in enumerate(ring):
            found: list[int] = []
            for step in range(1, len(ring)):
                other = ring[(place + step) % len(ring)]
                if other["group"] != mine["group"]:
                    found.append(other["row"])
                    if len(found) == count:
                        break
            chosen[mine["row"]] = tuple(found)
    return [chosen[row] for row in range(rows.height)]


def narrow_vocabulary(model: Any, examples: list[Example]) -> tuple[Any, list[Example]]:
    """Let the model's head choose among the tokens of these examples only; returns the model and the labels to match.

    Words that nobody here uses have little say in which question an answer fits, and a head over a few thousand tokens
    instead of 262,144 costs next to nothing (`--whole-vocabulary` in benchmarks/judging.py compares the two).
    """
    import torch

    tokens = sorted({token for ids, _ in examples for token in ids})
    places = {token: place for place, token in enumerate(tokens)} | {IGNORED: IGNORED}
    head = model.get_output_embeddings()
    narrow = torch.nn.Linear(head.in_features, len(tokens), bias=False, device="meta")
    narrow.weight = torch.nn.Parameter(head.weight[tokens].clone(), requires_grad=False)
    model.set_output_embeddings(narrow)
    return model, [(ids, [places[label] for label in labels]) for ids, labels in examples]


def measure_losses(model: Any, examples: list[Example], pad_id: int, batch_tokens: int) -> list[float]:
    """Return the mean negative log-likelihood (nats a token) of each example's labelled tokens.

    Raises:
        EvaluationError: one is not a number.
    """
    import torch

    from semillero.models.loss import sequence_losses

    losses = [math.nan] * len(examples)
    batches = plan_batches([len(ids) for ids, _ in examples], batch_tokens)
    with torch.inference_mode(), track("judging", total=len(examples)) as advance:
        for numbers, batch in each_batch(examples, batches, pad_id, str(model.device)):
            sums, counts = sequence_losses(model, batch)
            for number, loss in zip(numbers, (sums / counts).tolist(), strict=True):
                losses[number] = loss
            advance(len(numbers))
    bad = sum(not math.isfinite(loss) for loss in losses)
    if bad:
        raise EvaluationError(
            f"{bad} of {len(losses)} likelihoods are not numbers",
            "a finite log-likelihood of every answer",
            "name another base model (corpus.judge.model), or judge.kind: none",
        )
    return losses


def _measure_pairs(rows: pl.DataFrame, pairs: list[tuple[int, int]], folder: Path, batch_tokens: int) -> list[float]:
    """Return the loss of each (row, asked): of one row's answer after another row's question, or its own."""
    from semillero.models.chat import load_tokenizer
    from semillero.models.loading import load_base_model

    if not pairs:
        return []
    tokenizer = load_tokenizer(folder)
    questions, answers = _encode_rows(tokenizer, rows)
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    examples = [_make_example([*start, *questions[asked]], answers[row]) for row, asked in pairs]
    model, examples = narrow_vocabulary(load_base_model(folder, quantize=False), examples)
    return measure_losses(model, examples, tokenizer.pad_token_id, batch_tokens)


def _encode_rows(tokenizer: Any, rows: pl.DataFrame) -> tuple[list[list[int]], list[list[int]]]:
    """Return each row's question, wrapped in its language's wording, and its answer, both cut."""
    questions, answers = [], []
    for row in rows.iter_rows(named=True):
        before, after = WORDING.get(row["variety"].split("-")[0], WORDING["es"])
        earlier = [turn["content"] for turn in row.get("history") or ()]
        words = " ".join([*earlier, row["instruction"]]).split()
        ids = _tokens(tokenizer, f" {' '.join(words)}\n")[-QUESTION_TOKENS:]  # the end of it: that is the question
        questions.append([*_tokens(tokenizer, before), *ids, *_tokens(tokenizer, after)])
        answers.append(_tokens(tokenizer, f" {row['answer']}")[:ANSWER_TOKENS])
    return questions, answers


def _tokens(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _make_example(context: list[int], answer: list[int]) -> Example:
    return [*context, *answer], [*[IGNORED] * len(context), *answer]
