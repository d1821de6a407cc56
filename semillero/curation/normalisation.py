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
# Only a text with one of these in it can change: most texts are tidy, and this one scan spares them five.
UNTIDY = r"[^\x20-\x7E¡-¬®-ÿ‘’“”–—…€\n]|  | \n|\n |\n{3}|^\s|\s$"


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


def count_words(plain: pl.Expr) -> pl.Expr:
    """The number of words of plain texts (`plain_text`)."""
    return plain.str.count_matches(" ", literal=True) + (plain != "")


def normalise_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `instruction` and `answer` normalised."""
    return rows.with_columns(_normalise(rows[name]) for name in ("instruction", "answer"))


def add_plain_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the forms in which later filters compare.

    `plain_instruction` and `plain_answer`; and `plain_asked`, the instruction with the turns before it where the table
    has a `history`: "¿Y en invierno?" asks something else in every conversation.
    """
    rows = rows.with_columns(
        plain_text(pl.col("instruction")).alias("plain_instruction"), plain_text(pl.col("answer")).alias("plain_answer")
    )
    asked = pl.col("plain_instruction")
    if "history" in rows.columns:
        turns = pl.col("history").list.eval(pl.element().struct.field("content")).list.join(" ").fill_null("")
        asked = pl.concat_str(plain_text(turns), asked, separator=" ").str.strip_chars()
    return rows.with_columns(asked.alias("plain_asked"))


def find_unparseable(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a verdict for each row without an instruction or an answer: null, or nothing left after normalising."""
    rules = []
    for column in ("instruction", "answer"):
        rules.append(("unparseable", pl.col(column).fill_null("") == "", pl.lit(f"no {column}")))
    return first_verdict(normalise_rows(rows.select("row", "instruction", "answer")), rules)


def _normalise(texts: pl.Series) -> pl.Series:
    untidy = texts.str.contains(UNTIDY).fill_null(False)
    mended = texts.filter(untidy).to_frame().select(normalise_text(pl.first())).to_series()
    return texts.scatter(untidy.arg_true(), mended) if untidy.any() else texts
