"""Curation: which generated rows are fit for the corpus, and for each of the others the one reason why not.

Goes in: the shards of `generate`, the reserved pairs and benchmark texts. Comes out: ``accepted.parquet``,
``rejected.parquet`` (one reason code and evidence a row) and ``curation.json``. First the filters that look at one row
(`screening`; in chunks and processes: `chunks`, `workers`): unparseable → normalisation → heuristics → language →
personal data (replaced, not dropped) → decontamination. Then those that need all rows (`comparing`, on `signatures`):
exact duplicates → near-duplicates → reworded → quotas, and links across varieties. The reasons and flags are listed in
`reasons`; docs/curation.md has the whole.
"""

from semillero.curation.language import identify_language
from semillero.curation.reasons import FLAGS, REASONS
from semillero.curation.stage import VERSION, curate_records
from semillero.curation.varieties import MarkerRates, variety_markers

__all__ = [
    "FLAGS", "REASONS", "VERSION", "MarkerRates", "curate_records", "identify_language", "variety_markers",
]  # fmt: skip
