"""The screening of a corpus that does not fit in memory: chunks of rows, several processes, results on disk.

A chunk is some slices of shards; a worker reads it, screens it and writes three things into the scratch folder:

- ``rows/BUCKET/CHUNK.arrow``: every row with its outcome. A bucket is a range of row numbers, so that a bucket's files
  hold whole ranges in the final order however the shards were cut;
- ``texts/CHUNK.arrow``: the plain texts of the rows that are still in, for those that are compared later;
- ``signed/CHUNK.arrow``: their signatures.

Rows are numbered in the order of their items, before anything else. So neither shards nor chunks nor the number of
workers can be told from the result.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from semillero.curation.contamination import Protected
from semillero.curation.laps import Laps
from semillero.curation.screening import record_outcome, screen_rows
from semillero.project import FilterSettings
from semillero.project.sources import Sources
from semillero.records import GENERATED, read_records

CHUNK_ROWS = 20_000  # a worker holds about 300 MB while it screens a chunk of paragraphs
BUCKET_ROWS = 32_768


@dataclass(frozen=True)
class Slice:
    """Rows ``start`` to ``stop`` of a shard's file."""

    path: Path
    start: int
    stop: int


@dataclass(frozen=True)
class Chunk:
    """What a worker screens at once.

    Attributes:
        number: names its files.
        slices: where its rows are.
        rows: the row number of each of them, in that order.
    """

    number: int
    slices: tuple[Slice, ...]
    rows: pl.Series


class Screener:
    """Screens chunks into a scratch folder; each worker has one.

    Args:
        folder: the scratch folder, with ``rows``, ``texts`` and ``signed`` in it.
        sources, filters, varieties: see `screening.screen_rows`.
    """

    def __init__(self, folder: Path, sources: Sources, filters: FilterSettings, varieties: Sequence[str]) -> None:
        self._folder, self._filters, self._varieties = folder, filters, varieties
        self._protected = Protected(sources, filters.contamination)

    def screen(self, chunk: Chunk) -> dict[str, float]:
        """Screen a chunk; return seconds by step."""
        laps = Laps()
        parts = [pl.DataFrame(schema=GENERATED)]
        parts += [read_records(each.path, GENERATED, each.start, each.stop) for each in chunk.slices]
        rows = pl.concat(parts).insert_column(0, chunk.rows.alias("row"))
        laps.lap("reading")
        screened = screen_rows(rows, self._protected, self._filters, self._varieties, laps)
        signed = screened.sign(self._filters)
        laps.lap("signatures")
        kept, name = screened.funnel.rows, f"{chunk.number:06d}.arrow"
        place = pl.int_range(pl.len(), dtype=pl.UInt32).alias("place")
        signed.with_columns(pl.lit(chunk.number, pl.UInt32).alias("chunk"), place).write_ipc(
            self._folder / "signed" / name, compression="lz4"
        )
        texts = kept.select("row", "plain_asked", "plain_answer")
        texts.write_ipc(self._folder / "texts" / name, compression="lz4")
        outcome = record_outcome(rows, screened)
        for (bucket,), part in outcome.group_by(pl.col("row") // BUCKET_ROWS, maintain_order=True):
            folder = self._folder / "rows" / f"{bucket:06d}"
            folder.mkdir(exist_ok=True)
            part.write_ipc(folder / name, compression="lz4")
        laps.lap("writing chunks")
        return dict(laps.seconds)


def plan_chunks(places: pl.DataFrame, paths: Sequence[Path], size: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """Cut the shards into chunks of about ``size`` rows.

    Args:
        places: `shard` (index into ``paths``), `position` (in that shard's file), `row`; sorted by shard and position.
        paths: the shards' files.
        size: most rows of a chunk.
    """
    for number, start in enumerate(range(0, max(places.height, 1), size)):  # no rows are one empty chunk
        part = places.slice(start, size)
        spans = part.group_by("shard", maintain_order=True).agg(
            pl.col("position").first().alias("start"), (pl.col("position").last() + 1).alias("stop")
        )
        slices = tuple(Slice(paths[shard], begin, stop) for shard, begin, stop in spans.iter_rows())
        yield Chunk(number, slices, part["row"])


class Scratch:
    """Reads what the workers left in the scratch folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("rows", "texts", "signed"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def read_signed(self) -> pl.DataFrame:
        """Return the signatures of all rows that passed the screening, sorted by row."""
        files = sorted((self._folder / "signed").iterdir())
        signed = pl.concat([pl.read_ipc(file) for file in files]).sort("row")
        self._places = signed.select("row", "chunk", "place")
        return signed.drop("chunk", "place")

    def fetch_texts(self, rows: pl.Series) -> pl.DataFrame:
        """Return `row`, `plain_asked`, `plain_answer` of some of these rows, sorted by row."""
        wanted = self._places.join(rows.alias("row").to_frame(), on="row", how="semi")
        parts = [pl.DataFrame(schema={"row": pl.UInt32(), "plain_asked": pl.String(), "plain_answer": pl.String()})]
        for (chunk,), part in wanted.group_by("chunk", maintain_order=True):
            texts = pl.read_ipc(self._folder / "texts" / f"{chunk:06d}.arrow")
            parts.append(texts[part["place"]])
        return pl.concat(parts).sort("row")

    def read_buckets(self) -> Iterator[pl.DataFrame]:
        """Yield the screened rows, a bucket at a time, sorted by row: GENERATED and the outcome."""
        for folder in sorted((self._folder / "rows").iterdir()):
            parts = [pl.read_ipc(file) for file in sorted(folder.iterdir())]
            yield pl.concat(parts).sort("row")


def count_workers(chunks: int) -> int:
    """Return how many processes are worth starting: one a core, but none for what one process does in seconds."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if chunks <= 2 else min(cores, chunks)


def screen_chunks(chunks: Sequence[Chunk], screener: tuple[Any, ...], workers: int) -> Iterator[dict[str, float]]:
    """Screen all chunks in ``workers`` processes (1: in this one); yield seconds by step as chunks are done.

    Args:
        chunks: from `plan_chunks`.
        screener: the arguments of `Screener`, which each worker makes for itself.
        workers: how many processes.
    """
    from semillero.curation.workers import run_in_processes

    if workers == 1:
        yield from map(Screener(*screener).screen, chunks)
    else:
        yield from run_in_processes(Screener, screener, "screen", chunks, workers)
