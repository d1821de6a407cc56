"""How often the language of a labelled sentence is found, by language and length."""

from collections import Counter
from pathlib import Path

from semillero.curation.language import UNKNOWN, identify_language

SENTENCES = Path("tests/semillero/curation/languages")
LANGUAGES = ("es", "ca", "eu", "gl", "pt", "gn", "qu", "ay", "nah", "ast", "an")
SHORT, LONG = "2–7 words", "8 words or more"

Outcome = Counter[tuple[str, str, str]]


def count_outcomes() -> Outcome:
    """Return (language, length, right/wrong/unknown) → sentences; all eleven languages are expected at once."""
    outcome: Outcome = Counter()
    for language in LANGUAGES:
        texts = (SENTENCES / f"{language}.txt").read_text(encoding="utf-8").splitlines()
        for text, found in zip(texts, identify_language(texts, LANGUAGES), strict=True):
            length = SHORT if len(text.split()) < 8 else LONG
            verdict = "unknown" if found == UNKNOWN else "right" if found == language else "wrong"
            outcome[language, length, verdict] += 1
    return outcome


def language_table(outcome: Outcome) -> str:
    """Return the table of the documentation."""
    lines = [
        f"| language | {LONG}: right | wrong | unknown | right where it answers | {SHORT}: right | wrong | unknown |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for language in LANGUAGES:
        long = [outcome[language, LONG, verdict] for verdict in ("right", "wrong", "unknown")]
        short = [outcome[language, SHORT, verdict] for verdict in ("right", "wrong", "unknown")]
        share = f"{100 * long[0] / (long[0] + long[1]):.1f} %"
        lines.append("| " + " | ".join(map(str, [language, *long, share, *short])) + " |")
    return "\n".join(lines)
