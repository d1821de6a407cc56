"""Language identification that says *unknown* rather than something wrong: two identifiers, py3langid and our profiles.

py3langid (restricted to likely languages) knows no Aymara, Asturian and Nahuatl and takes them for their look-alikes;
the profiles (`language_profiles`) know them, and are the weaker of the two between Spanish, Galician and Portuguese.
So what both say is the answer, a language that only the profiles know must lie well ahead, and most other
disagreement is unknown. Instruction and answer are judged apart: with back-translation the answer is trusted and the
instruction is not. Texts below `filters.min_language_words` words are never judged.
"""

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.curation.funnel import first_verdict
from semillero.curation.normalisation import count_words
from semillero.progress import track
from semillero.project import FilterSettings

if TYPE_CHECKING:
    import numpy as np

UNKNOWN = "unknown"
MIN_CONFIDENCE = 0.7  # of py3langid: below it its word alone is not enough; tests measure what that costs
MIN_CONFIDENCE_AGREED = 0.5  # of py3langid where the profiles clearly say the same
# Leads of the profiles' best language over another, in mean nats per n-gram.
CLEAR = 0.25  # so far ahead of py3langid's language, one that only the profiles know is the answer
UNDECIDED = 0.1  # the profiles do not contradict a confident py3langid by less
AGREED = 0.15  # ahead of the next language: "clearly" for `MIN_CONFIDENCE_AGREED`
BATCH = 2_000
EDGE = 100  # characters read at each end of a long text: enough to tell, and a change of language shows

# Languages a generator may slip into, and those that resemble Spanish and Catalan. Aragonese is not among them: short
# Spanish sentences are taken for it; it is added where a project works in it. `zxx` is "no language at all".
LIKELY = ("es", "ca", "gl", "pt", "eu", "oc", "fr", "it", "ro", "en", "de", "qu", "gn", "zxx")
ONLY_PROFILES = frozenset({"ast", "ay", "nah"})
# BCP-47 primary tags to the model's labels, and the members of a macrolanguage to its tag.
TO_MODEL = {"gn": "gug"}
MACRO = {"gug": "gn", "quy": "qu", "quz": "qu", "ayr": "ay"} | dict.fromkeys(("nhn", "nhe", "nhi", "nci"), "nah")


def language_of(variety: str) -> str:
    """Return the language tag of a variety: ``es-MX`` → ``es``, ``quy`` → ``qu``."""
    primary = variety.split("-")[0]
    return MACRO.get(primary, primary)


def identify_language(texts: Sequence[str], languages: Sequence[str], own: Sequence[str] = ()) -> list[str]:
    """Return the language of each text, or ``unknown``.

    Args:
        texts: any texts; below about eight words the answer is often ``unknown``.
        languages: tags (or varieties) that are expected; they are added to the likely ones (`LIKELY`). A text can
            be found to be in a likely language that is not expected.
        own: the language that each text should be in, if that is known. Where the profiles lie ahead with it by
            `UNDECIDED`, py3langid could not make another language of it (`_weigh_opinions`) and is not asked, which
            saves most of the time.

    Returns:
        BCP-47 language tags (``es``, ``ca``, ``gn`` …), one a text.
    """
    from semillero.curation.language_profiles import load_profiles, score_texts

    identifier = _load_identifier(frozenset(language_of(language) for language in languages))
    known = load_profiles().languages
    texts = [text if len(text) <= 2 * EDGE else f"{text[:EDGE]} {text[-EDGE:]}" for text in texts]
    table = score_texts(texts)
    acquitted = _lie_ahead(table, known, own, identifier.labels) if own else [False] * len(texts)
    found = []
    for row, text in enumerate(texts):
        if acquitted[row]:
            found.append(own[row])
            continue
        label, confidence = identifier.classify(text)
        scores = dict(zip(known, table[row].tolist(), strict=True))
        found.append(_weigh_opinions(MACRO.get(label, label), confidence, scores))
    return found


def _lie_ahead(table: "np.ndarray", known: Sequence[str], own: Sequence[str], labels: Sequence[str]) -> list[bool]:
    """Tell which texts the profiles place in their own language, `UNDECIDED` ahead of all that py3langid may say."""
    import numpy as np

    rivals = {MACRO.get(label, label) for label in labels} - {"zxx"}
    if not rivals <= set(known):
        return [False] * len(own)  # it may say something that the profiles have no opinion of
    column = np.array([known.index(language) if language in known else -1 for language in own])
    others = np.where(np.isin(known, sorted(rivals)), table, -np.inf)
    others[np.arange(len(own)), column] = -np.inf
    score = table[np.arange(len(own)), column]
    ahead = (column >= 0) & (score >= table.max(axis=1)) & (score - others.max(axis=1) >= UNDECIDED)
    return [bool(each) for each in ahead]


def _weigh_opinions(tag: str, confidence: float, scores: dict[str, float]) -> str:
    """Return the language that py3langid's ``tag`` and the profiles' ``scores`` allow, or `UNKNOWN`."""
    best, second = sorted(scores, key=scores.__getitem__, reverse=True)[:2]
    if best == tag:
        needed = MIN_CONFIDENCE_AGREED if scores[best] - scores[second] >= AGREED else MIN_CONFIDENCE
        return tag if confidence >= needed else UNKNOWN
    lead = scores[best] - scores.get(tag, scores[second])
    if best in ONLY_PROFILES and lead >= CLEAR:
        return best
    if confidence < MIN_CONFIDENCE or tag == "zxx":
        return UNKNOWN
    return tag if lead < UNDECIDED else UNKNOWN


def knows_language(language: str) -> bool:
    """Tell whether the identifier can recognise a language at all."""
    return language in ONLY_PROFILES or TO_MODEL.get(language, language) in _labels()


def find_other_languages(
    rows: pl.DataFrame, filters: FilterSettings, varieties: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (verdicts, flags) of rows whose instruction or answer is in another language than their variety.

    With ``filters.language`` at ``flag`` there are no verdicts. A text of a language the identifier does not know is
    never judged, and flagged `language_unknown`.
    """
    own = {v: language_of(v) for v in {*varieties, *rows["variety"].unique()}}
    rows = rows.with_columns(pl.col("variety").replace_strict(own, return_dtype=pl.String).alias("own"))
    foreign = [language for language in sorted(set(own.values())) if not knows_language(language)]
    for name in ("instruction", "answer"):
        long_enough = rows.select(count_words(pl.col(f"plain_{name}"))).to_series() >= filters.min_language_words
        judged = rows.select("row", "own", pl.col(name).alias("text")).filter(long_enough & ~rows["own"].is_in(foreign))
        found = _identify_unique(judged, sorted(set(own.values())), f"language of {name}s")
        rows = rows.join(found.rename({"language": f"found_{name}"}), on="row", how="left", maintain_order="left")
    rules, unknown = [], rows["own"].is_in(foreign)
    for name in ("instruction", "answer"):
        found_language = pl.col(f"found_{name}")
        other = (found_language != UNKNOWN) & (found_language != pl.col("own"))
        rules.append(("other_language", other, pl.format(f"{name}: {{}}, not {{}}", found_language, pl.col("own"))))
        unknown = unknown | (rows[f"found_{name}"] == UNKNOWN).fill_null(False)
    verdicts = first_verdict(rows, rules)
    flags = rows.filter(unknown).select("row", pl.lit("language_unknown").alias("flag"))
    if filters.language == "drop":
        return verdicts, flags
    marked = verdicts.select("row", pl.lit("other_language").alias("flag"))
    return verdicts.clear(), pl.concat([flags, marked])


def _identify_unique(judged: pl.DataFrame, languages: Sequence[str], description: str) -> pl.DataFrame:
    """Return `row`, `language`; a text that many rows share is identified once."""
    each = judged.select("own", "text").unique(maintain_order=True)
    found: list[str] = []
    with track(description, total=each.height) as advance:
        for batch in each.iter_slices(BATCH):
            found += identify_language(batch["text"].to_list(), languages, batch["own"].to_list())
            advance(batch.height)
    table = each.with_columns(pl.Series("language", found, dtype=pl.String))
    return judged.join(table, on=("own", "text"), how="left", maintain_order="left").select("row", "language")


@lru_cache(maxsize=1)
def _labels() -> frozenset[str]:
    return frozenset(_read_model().labels)


@lru_cache(maxsize=8)
def _load_identifier(expected: frozenset[str]) -> Any:
    wanted = {TO_MODEL.get(tag, tag) for tag in {*LIKELY, *expected}}
    identifier = copy.copy(_read_model())  # the tables are shared; only the choice of columns differs
    identifier.set_languages(sorted(wanted & _labels()))
    return identifier


@lru_cache(maxsize=1)
def _read_model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
