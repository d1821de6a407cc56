"""Does the likelihood judge tell questions that belong to their answers from questions that do not, and how fast?

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.judging [--tokens 16 32 48] [--others 1 2] [--rows 115]

Takes the quickstart's pairs (seeds.jsonl and heldout.jsonl), gives every second row the question of another row of its
variety, scores all of them as the pipeline would, and prints: AUC (chance that a true pair scores above a mismatched
one), the share of mismatched pairs in the lowest tenth, and the AUC of the answer's plain likelihood after its
question, which knows easy answers rather than fitting questions. With one thread pinned to a core (`taskset -c 0`) CPU
seconds hardly depend on what else the machine is doing, which rows a second do. Loading the model is included.
"""

import argparse
import json
import time
from pathlib import Path

import polars as pl

from semillero.judging import likelihood
from semillero.models.base import resolve_base

ROOT = Path(__file__).parents[1]
PAIRS = ("projects/quickstart/seeds.jsonl", "projects/quickstart/heldout.jsonl")


def read_pairs(most: int) -> pl.DataFrame:
    lines = [line for name in PAIRS for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    pairs = [json.loads(line) for line in lines]
    step = max(1, len(pairs) // most)
    columns = ("id", "variety", "instruction", "answer")
    frame = pl.DataFrame([{name: pair[name] for name in columns} for pair in pairs[::step][:most]])
    return frame.with_columns(group=pl.col("id"))


def swap_every_second(pairs: pl.DataFrame) -> pl.DataFrame:
    """Rotate the questions of every second row within its variety."""
    parts = []
    for part in pairs.partition_by("variety", maintain_order=True):
        odd = part.gather_every(2, offset=1)
        rotated = odd.with_columns(odd["instruction"].gather([*range(1, odd.height), 0]))
        even = part.gather_every(2).with_columns(true=True)
        parts.append(pl.concat([even, rotated.with_columns(true=odd.height < 2)]))
    return pl.concat(parts)


def area_under_curve(true: pl.Series, false: pl.Series) -> float:
    wins = sum((one > other) + 0.5 * (one == other) for one in true for other in false)
    return wins / (len(true) * len(false))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", default=[likelihood.ANSWER_TOKENS])
    parser.add_argument("--others", type=int, nargs="+", default=[likelihood.OTHERS])
    parser.add_argument("--rows", type=int, default=115)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--whole-vocabulary", action="store_true", help="score against all of the model's tokens")
    options = parser.parse_args()
    if options.whole_vocabulary:
        likelihood.narrow_vocabulary = lambda model, examples: (model, examples)
    folder = resolve_base("embedded").folder
    pairs = swap_every_second(read_pairs(options.rows))
    print("| answer tokens | others | AUC | mismatched in the lowest tenth | AUC of log p alone | rows/s | CPU s/row |")
    print("|---|---|---|---|---|---|---|")
    for tokens in options.tokens:
        for others in options.others:
            likelihood.ANSWER_TOKENS, likelihood.OTHERS = tokens, others
            started, busy = time.perf_counter(), time.process_time()
            scores = likelihood.score_by_likelihood(pairs, folder, options.batch_tokens)
            seconds, cpu = time.perf_counter() - started, time.process_time() - busy
            scored = pairs.join(scores, on="id").with_columns(
                plain=-pl.col("detail").str.extract(r"-log p: ([\d.]+)").cast(pl.Float64)
            )
            true, false = scored.filter("true"), scored.filter(~pl.col("true"))
            lowest = scored.sort("score").head(scored.height // 10)
            print(
                f"| {tokens} | {others} | {area_under_curve(true['score'], false['score']):.3f} "
                f"| {1 - lowest['true'].mean():.0%} "
                f"| {area_under_curve(true['plain'], false['plain']):.3f} "
                f"| {pairs.height / seconds:.2f} | {cpu / pairs.height:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
