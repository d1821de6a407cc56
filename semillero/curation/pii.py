"""Personal data of Spain and Latin America, replaced by typed placeholders; the row stays and is flagged `pii`.

A checksum alone accepts 4–10 % of random numbers, so that each kind also asks for its written format or for a word
that announces it ("RUT", "cédula", "llámame al"). The kinds: `personal_numbers`; phones: `phones`.
"""

import polars as pl

from semillero.curation.personal_numbers import replace_numbers
from semillero.curation.phones import replace_phones
from semillero.progress import track

BATCH = 2_000
HIT = {"row": pl.UInt32(), "placeholder": pl.String()}
# Only a text with this in it can hold personal data of the kinds we know; a cheap scan that spares the rest.
SUSPICIOUS = r"@|(?:\p{Nd}[^\p{L}\p{Nd}]{0,3}){6}|\p{L}{3,4}[ -]?\p{Nd}{6}|[A-Z]{2}\p{Nd}{2}"

# The country whose national numbers are likely, for varieties that name none.
REGION_OF_LANGUAGE = {"gn": "PY", "qu": "PE", "quy": "PE", "quz": "PE", "ay": "BO", "nah": "MX", "pt": "BR"}


def replace_pii(text: str, region: str = "ES") -> tuple[str, list[str]]:
    """Return the text with personal data replaced, and the placeholders that were put in.

    Args:
        text: any text.
        region: ISO 3166 code of the country whose national phone numbers are likely.
    """
    text, numbers = replace_numbers(text)
    text, phones = replace_phones(text, region)
    return text, numbers + phones


def region_of(variety: str) -> str:
    """Return the country code of a variety: ``es-MX`` → ``MX``, ``ca`` → ``ES``."""
    parts = [part for part in variety.split("-")[1:] if len(part) == 2]
    return parts[0] if parts else REGION_OF_LANGUAGE.get(variety.split("-")[0], "ES")


def replace_in_rows(rows: pl.DataFrame, columns: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replace personal data in ``columns`` of rows that have `row` and `variety`.

    Returns:
        the rows, and one line for each placeholder put in: `row`, `placeholder`.
    """
    hits: list[tuple[int, str]] = []
    for column in columns:
        suspects = rows.select("row", "variety", pl.col(column).alias("text"))
        suspects = suspects.filter(pl.col("text").str.contains(SUSPICIOUS))
        changed: list[tuple[int, str]] = []
        with track(f"personal data in {column}", total=suspects.height) as advance:
            for batch in suspects.iter_slices(BATCH):
                for row, variety, text in batch.iter_rows():
                    clean, placeholders = replace_pii(text, region_of(variety))
                    if placeholders:
                        changed.append((row, clean))
                        hits += [(row, placeholder) for placeholder in placeholders]
                advance(batch.height)
        if changed:
            new = pl.DataFrame(changed, schema={"row": pl.UInt32(), column: pl.String()}, orient="row")
            rows = rows.update(new, on="row", maintain_order="left")
    return rows, pl.DataFrame(hits, schema=HIT, orient="row")
