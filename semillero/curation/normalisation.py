"""Text normalisation: NFC, whitespace, invisible characters; and the plain form in which texts are compared.

Goes in: `instruction`, `answer`. Comes out: the same columns normalised. Ids are not recomputed: `id` is given by
generation from the raw text and never changes afterwards, or a ledger, a review and a dataset could not be joined.
"""

import polars as pl

from semillero.curation.funnel import first_verdict

# Zero-width and bidirectional controls, soft hyphen, byte-order mark, C0/C1 controls but tab and newline. The
# zero-width joiner stays: emoji are made with it.
INVISIBLE = (
    r"[\u{200B}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2060}\u{2066}-\u{2069}\u{FEFF}\u{AD}"
    r"\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]"
)


def normalise_text(text: pl.Expr) -> pl.Expr:
    """NFC, one kind of newline, single spaces, at most one empty line; leading and trailing space removed."""
    return (
        text.str.replace_all(r"\r\n?|[\u{2028}\u{2029}\u{85}]", "\n")
        .str.replace_all(INVISIBLE, "")
        .str.normalize("NFC")
        .str.replace_all(r"[\p{Zs}\t]+", " ")
        .str.replace_all(r" ?\n ?", "\n")
        .str.replace_all(r"\n{3,}", "\n\n")
        .str.strip_chars()
    )


def plain_text(text: pl.Expr) -> pl.Expr:
    """Lower-case words and numbers separated by single spaces; accents stay (`tú` and `tu`, `sé` and `se` differ)."""
    return text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars()


def normalise_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `instruction` and `answer` normalised."""
    return rows.with_columns(normalise_text(pl.col("instruction")), normalise_text(pl.col("answer")))


def add_plain_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `plain_instruction` and `plain_answer`, in which later filters compare."""
    return rows.with_columns(
        plain_text(pl.col("instruction")).alias("plain_instruction"), plain_text(pl.col("answer")).alias("plain_answer")
    )


def find_unparseable(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a verdict for each row without an instruction or an answer (null, or nothing left after normalising)."""
    rules = []
    for column in ("instruction", "answer"):
        empty = normalise_text(pl.col(column)).fill_null("") == ""
        rules.append(("unparseable", empty, pl.lit(f"no {column}")))
    return first_verdict(rows, rules)
