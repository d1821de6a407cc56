"""Near-duplicates of the same rows by datasketch and by datatrove, as their documentation does it, beside ours.

Word bigrams and a Jaccard similarity of 0.7 for all. Neither verifies its candidates, and neither knows varieties or
answers: what they drop beyond the planted rows is what an unverified index drops. One process each.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks.curation.rows import make_rows
from semillero.curation.comparing import compare_rows
from semillero.curation.normalisation import add_plain_columns
from semillero.curation.signatures import sign_rows, word_bigrams
from semillero.project import FilterSettings

THRESHOLD = 0.7


def find_with_ours(rows: pl.DataFrame) -> set[int]:
    filters = FilterSettings(near_duplicate=THRESHOLD, reworded="off")
    signed = sign_rows(rows, THRESHOLD).with_columns(pl.lit([], pl.List(pl.String())).alias("flags"))
    compared = compare_rows(signed, lambda some: rows.filter(pl.col("row").is_in(some.implode())), filters)
    return set(compared.funnel.verdicts["row"])


def find_with_datasketch(rows: pl.DataFrame) -> set[int]:
    from datasketch import MinHash, MinHashLSH

    index, dropped = MinHashLSH(threshold=THRESHOLD, num_perm=128), set()
    for row, text in rows.select("row", "plain_asked").iter_rows():
        sketch = MinHash(num_perm=128)
        sketch.update_batch([gram.encode() for gram in word_bigrams(text)])
        if index.query(sketch):
            dropped.add(row)
        else:
            index.insert(str(row), sketch)
    return dropped


def find_with_datatrove(rows: pl.DataFrame) -> set[int]:
    from datatrove.data import Document
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.word_tokenizers import WordTokenizer

    class PlainWords(WordTokenizer):  # the texts are plain already, and its tokenizer of Spanish would need spaCy
        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    config = MinhashConfig(n_grams=2, num_buckets=16, hashes_per_bucket=8)
    documents = [Document(text=text, id=str(row)) for row, text in rows.select("row", "plain_asked").iter_rows()]
    kept: set[int] = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signatures, buckets, removed = (str(folder / part) for part in ("signatures", "buckets", "removed"))
        signature = MinhashDedupSignature(signatures, config, PlainWords())
        LocalPipelineExecutor([documents, signature], logging_dir=str(folder / "log1")).run()
        bucket = MinhashDedupBuckets(signatures, buckets, config=config)
        LocalPipelineExecutor([bucket], tasks=config.num_buckets, logging_dir=str(folder / "log2")).run()
        LocalPipelineExecutor([MinhashDedupCluster(buckets, removed, config)], logging_dir=str(folder / "log3")).run()
        for document in MinhashDedupFilter(removed).run(iter(documents), 0, 1):
            kept.add(int(document.id))
    return set(rows["row"]) - kept


def compare_libraries(number: int) -> str:
    """Return a Markdown table: seconds, recall of the planted copies, and innocent rows dropped, by library."""
    rows = add_plain_columns(make_rows(0, number).sort("item").with_row_index("row"))
    planted = set(rows.filter(pl.col("label").is_in(["exact", "near"]))["row"])
    innocent = set(rows.filter(pl.col("label").is_in(["clean", "pii", "linked"]))["row"])
    lines = [
        f"| {number:,} rows, one process | seconds | planted copies found | innocent rows dropped |",
        "|---|---|---|---|",
    ]
    finders: list[Callable[[pl.DataFrame], set[int]]] = [find_with_ours, find_with_datasketch, find_with_datatrove]
    for find in finders:
        start = time.perf_counter()
        dropped = find(rows)
        seconds, found = time.perf_counter() - start, len(dropped & planted) / len(planted)
        lines.append(
            f"| {find.__name__.removeprefix('find_with_')} | {seconds:.1f} | {found:.3f} | {len(dropped & innocent)} |"
        )
    return "\n".join(lines)
