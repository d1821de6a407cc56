"""Decontamination: no reserved question, reserved answer or benchmark text may stand in the corpus.

Two tests, because 8-grams miss short questions and character n-grams alone take every question of one template for
another: (1) enough of a text's word trigrams stand in the row's instruction or answer; (2) for questions, enough of
its content words *and* of its character trigrams stand in the instruction, whatever their order.
"""

import polars as pl

from semillero.curation.content_words import content_stems, fold_text
from semillero.curation.funnel import VERDICT
from semillero.curation.normalisation import plain_text
from semillero.digests import digest_json
from semillero.progress import track
from semillero.project.sources import Sources

BATCH = 20_000
MIN_WORDS = 8  # shorter texts are only compared by content words and characters
MAX_QUESTION_WORDS = 40  # longer texts are passages: word trigrams tell them


def list_protected(sources: Sources) -> pl.DataFrame:
    """Return what must not be in the corpus: `name` (for evidence) and `text`, each text once."""
    rows = [(f"reserved {pair.id}", pair.instruction) for pair in sources.reserved]
    rows += [(f"answer of reserved {pair.id}", pair.answer) for pair in sources.reserved]
    rows += [(f"benchmark text {number}", text) for number, text in enumerate(sources.benchmarks, start=1)]
    frame = pl.DataFrame(rows, schema={"name": pl.String(), "text": pl.String()}, orient="row")
    frame = frame.with_columns(fold_text(plain_text(pl.col("text"))).alias("text"))
    frame = frame.filter(pl.col("text") != "").unique("text", keep="first", maintain_order=True)
    return frame.with_row_index("protected").with_columns(pl.col("text").str.count_matches(r"\S+").alias("words"))


def find_contaminated(rows: pl.DataFrame, sources: Sources, threshold: float) -> pl.DataFrame:
    """Return a verdict for each row that holds a protected text.

    Args:
        rows: has `row`, `plain_instruction`, `plain_answer`.
        sources: whose reserved pairs and benchmark texts are protected.
        threshold: share of a text's word trigrams (or content words) that must be found.
    """
    protected = list_protected(sources)
    if protected.is_empty():
        return pl.DataFrame(schema=VERDICT)
    long = protected.filter(pl.col("words") >= MIN_WORDS)
    questions = protected.filter(pl.col("words") <= MAX_QUESTION_WORDS)
    found = [pl.DataFrame(schema={"row": pl.UInt32(), "protected": pl.UInt32(), "evidence": pl.String()})]
    with track("decontamination", total=rows.height) as advance:
        for batch in rows.iter_slices(BATCH):
            for column in ("plain_instruction", "plain_answer"):
                texts = batch.select("row", fold_text(pl.col(column)).alias("text"))
                found.append(match_trigrams(texts, long, threshold))
                if column == "plain_instruction":
                    found.append(match_questions(texts, questions, threshold))
            advance(batch.height)
    hits = pl.concat(found).sort("row", "protected").unique("row", keep="first", maintain_order=True)
    hits = hits.join(protected.select("protected", "name"), on="protected", maintain_order="left")
    evidence = pl.format("{}: {} (threshold {})", "name", "evidence", pl.lit(threshold))
    return hits.select("row", pl.lit("contaminated").alias("reason"), evidence.alias("evidence"))


def match_trigrams(texts: pl.DataFrame, protected: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return `row`, `protected`, `evidence` where a text holds enough of a protected text's word trigrams."""
    known = _word_trigrams(protected, "protected")
    if known.is_empty():
        return _no_hits()
    sizes = known.group_by("protected").len("size")
    grams = _word_trigrams(texts, "row").join(known, on="gram")
    shared = grams.group_by("row", "protected").len("shared").join(sizes, on="protected")
    share = pl.col("shared") / pl.col("size")
    hits = shared.filter(share >= threshold)
    return hits.select("row", "protected", pl.format("{} of its word trigrams", share.round(2)).alias("evidence"))


def match_questions(texts: pl.DataFrame, protected: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return `row`, `protected`, `evidence` where a text holds a question's content words and character trigrams.

    The bar for characters lies halfway between ``threshold`` and 1: texts share many character trigrams by chance.
    """
    known = protected.select("protected", content_stems(pl.col("text")).alias("stem"))
    sizes = known.select("protected", pl.col("stem").list.len().alias("size"))
    stems = texts.select("row", content_stems(pl.col("text")).alias("stem")).explode("stem")
    shared = stems.join(known.explode("stem"), on="stem").group_by("row", "protected").len("shared")
    pairs = shared.join(sizes, on="protected").filter(pl.col("shared") / pl.col("size") >= threshold)
    pairs = pairs.join(texts, on="row").join(protected.select("protected", question="text"), on="protected")
    if pairs.is_empty():
        return _no_hits()
    bar = (1 + threshold) / 2
    share = [_containment(question, text) for question, text in pairs.select("question", "text").iter_rows()]
    hits = pairs.with_columns(pl.Series("share", share)).filter(pl.col("share") >= bar)
    evidence = pl.format("{} of its content words, {} of its characters", "shared", pl.col("share").round(2))
    return hits.select("row", "protected", evidence.alias("evidence"))


def character_trigrams(text: str) -> set[str]:
    """Return the character trigrams of a text, with a space at each end."""
    padded = f" {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def digest_protected(sources: Sources) -> str:
    """Return the digest of every protected text as it was given, for the recipe."""
    reserved = [[pair.id, pair.instruction, pair.answer] for pair in sources.reserved]
    return digest_json({"reserved": reserved, "benchmarks": list(sources.benchmarks)})


def _containment(question: str, text: str) -> float:
    wanted = character_trigrams(question)
    return len(wanted & character_trigrams(text)) / len(wanted)


def _word_trigrams(texts: pl.DataFrame, key: str) -> pl.DataFrame:
    # One line a word in reading order; three neighbouring lines of one text make a trigram.
    words = texts.select(key, pl.col("text").str.split(" ").alias("w")).explode("w")
    gram = pl.concat_str("w", pl.col("w").shift(-1), pl.col("w").shift(-2), separator=" ")
    inside = pl.col(key) == pl.col(key).shift(-2)
    return words.select(key, pl.when(inside).then(gram).alias("gram")).drop_nulls("gram").unique()


def _no_hits() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32(), "protected": pl.UInt32(), "evidence": pl.String()})
