"""What a card must pass before it is published: no network, every fault named at once.

The Hub's own validation needs a connection and accepts a card full of template text; this one does neither.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from semillero.cards.wording import LANGUAGES, load_words
from semillero.errors import PublishError

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_FENCED = re.compile(r"^(```|~~~)[^\n]*\n.*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.MULTILINE)
_FILE_ROW = re.compile(r"data/(\w+)\.parquet`?\s*\|\s*([\d,.]+)")
# "TODO" is also Spanish for "all", so only the forms that placeholders take.
RESIDUE = {
    "[More Information Needed]": re.compile(r"more information needed|se necesita más información", re.IGNORECASE),
    "{{": re.compile(r"\{\{|\}\}"),
    "{%": re.compile(r"\{%|%\}"),
    "TODO": re.compile(r"\bTODO\b(?=\s*[:(\]])|[\[(<]\s*TODO\b|^\W*TODO\W*$|\b(FIXME|TBD)\b", re.MULTILINE),
    "lorem ipsum": re.compile(r"\blorem\b", re.IGNORECASE),
}
REQUIRED = {
    "dataset": (
        "language", "license", "annotations_creators", "language_creators", "multilinguality", "size_categories",
        "source_datasets", "task_categories", "pretty_name", "language_details", "tags", "configs", "dataset_info",
    ),
    "model": ("language", "license", "library_name", "pipeline_tag", "datasets", "tags", "language_details"),
}  # fmt: skip
OPTIONAL = {
    "dataset": (),
    "model": ("base_model", "base_model_relation", "co2_eq_emissions", "model-index", "license_name", "license_link"),
}
# These Gemma generations may be passed on only under Google's terms; a permissive licence over them is a false promise.
_GEMMA = re.compile(r"\bgemma-(2b|7b|1\.1|2|3n?)\b", re.IGNORECASE)


def check_card(
    text: str, kind: str | None = None, rows: Mapping[str, int] | None = None, name: str = "README.md"
) -> None:
    """Refuse a card that must not be published.

    Args:
        text: the card, front matter included.
        kind: ``dataset`` or ``model``; told from the front matter when None.
        rows: rows by parquet file (``{"train": 90, …}``), to compare with the counts on a dataset card.
        name: how the card is called in the message.

    Raises:
        PublishError: names every fault: template residue, missing or unknown front matter keys, languages that are
            not ISO 639, missing or empty sections, counts that are not those of the files.
    """
    front, body = split_card(text)
    kind = kind or ("model" if {"library_name", "base_model"} & set(front) else "dataset")
    faults = [*find_residue(text), *_check_keys(front, kind), *_check_languages(front)]
    faults += [f"section “{heading}” is missing or empty" for heading in missing_sections(text, kind)]
    if kind == "model":
        faults += _check_licence(front)
    if rows is not None and kind == "dataset":
        faults += _check_counts(front, body, rows)
    if faults:
        raise PublishError(
            f"{name} ({kind} card) must not be published:\n" + "\n".join(f"  - {fault}" for fault in faults),
            "a finished card whose front matter and counts are those of the files",
            "correct the project file (title, summary, motivation, licence …) or the card's template, and run again",
        )


def check_export_card(text: str, name: str = "README.md") -> None:
    """Refuse the short card of a model's other form (merged, GGUF): its sections are those of the adapter's card.

    Raises:
        PublishError: names every fault, as `check_card` does.
    """
    front, _ = split_card(text)
    faults = [*find_residue(text), *_check_languages(front), *_check_licence(front)]
    faults += [f"front matter: {key} is missing" for key in ("license", "base_model", "datasets") if not front.get(key)]
    if faults:
        raise PublishError(
            f"{name} must not be published:\n" + "\n".join(f"  - {fault}" for fault in faults),
            "a finished card",
            "correct the project file, and run again",
        )


def split_card(text: str) -> tuple[dict[str, Any], str]:
    """Return a card's front matter and body; an empty front matter when it has none that can be read."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        front = yaml.safe_load(match[1])
    except yaml.YAMLError:
        return {}, match[2]
    return (front if isinstance(front, dict) else {}), match[2]


def find_residue(text: str) -> list[str]:
    """Return what a template left behind, outside code blocks (which may hold a chat template or a record)."""
    prose = _FENCED.sub("", text)
    faults = [f"template residue: {name}" for name, pattern in RESIDUE.items() if pattern.search(prose)]
    if re.search(r"^(```|~~~)", prose, re.MULTILINE):
        faults.append("a code block is not closed")
    return faults


def missing_sections(text: str, kind: str) -> list[str]:
    """Return the headings that a card lacks or leaves empty, in the language it has most headings of."""
    body = _FENCED.sub("code", split_card(text)[1])
    found = list(_HEADING.finditer(body))
    filled = set()
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(body)
        level = len(match[0]) - len(match[0].lstrip("#"))
        deeper = place + 1 < len(found) and found[place + 1][0].startswith("#" * (level + 1))
        if deeper or body[match.end() : end].strip():
            filled.add(match[1])
    headings = load_words("sections")[kind].values()
    absent = {language: [h[language] for h in headings if h[language] not in filled] for language in LANGUAGES}
    return min(absent.values(), key=len)


def _check_keys(front: dict[str, Any], kind: str) -> list[str]:
    if not front:
        return ["no YAML front matter that can be read"]
    missing = [key for key in REQUIRED[kind] if front.get(key) in (None, "", [], {})]
    unknown = sorted(set(front) - set(REQUIRED[kind]) - set(OPTIONAL[kind]))
    faults = [f"front matter: {key} is missing or empty" for key in missing]
    return faults + [f"front matter: unknown key {key}" for key in unknown]


def _check_languages(front: dict[str, Any]) -> list[str]:
    import pycountry

    languages = front.get("language") or []
    faults = []
    for code in languages if isinstance(languages, list) else [languages]:
        field = {2: "alpha_2", 3: "alpha_3"}.get(len(str(code)))
        if field is None or pycountry.languages.get(**{field: str(code)}) is None:
            faults.append(f"front matter: language {code!r} is not an ISO 639 code (es, ca, quy; es-MX is a detail)")
    return faults


def _check_licence(front: dict[str, Any]) -> list[str]:
    bases = front.get("base_model") or []
    names = " ".join(bases if isinstance(bases, list) else [str(bases)])
    if _GEMMA.search(names) and front.get("license") != "gemma":
        return [f"front matter: license {front.get('license')!r} over {names}, whose terms ask for gemma"]
    return []


def _check_counts(front: dict[str, Any], body: str, rows: Mapping[str, int]) -> list[str]:
    faults, told = [], {}
    for info in front.get("dataset_info") or []:
        for split in info.get("splits", []):
            # The preferences configuration has one split, train, which is the file preferences.parquet.
            name = "preferences" if info.get("config_name") == "preferences" else split["name"]
            told[name] = split["num_examples"]
    shown = {name: int(re.sub(r"\D", "", count)) for name, count in _FILE_ROW.findall(body)}
    for where, counts in (("front matter", told), ("table of splits", shown)):
        for name in sorted(set(rows) | set(counts)):
            if counts.get(name) != rows.get(name):
                faults.append(f"{where}: {name} has {counts.get(name)} rows, its file has {rows.get(name)}")
    return faults
