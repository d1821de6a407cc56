"""Measure the detectors and write the tables into `docs/curation-detectors.md`: ``python -m benchmarks.detectors``."""

import re
from pathlib import Path

from benchmarks.detectors.languages import count_outcomes, language_table
from benchmarks.detectors.personal_data import clean_table, personal_table, plant, touch_clean

PAGE = Path("docs/curation-detectors.md")


def tables() -> dict[str, str]:
    """Return each table by the name of its place in the page."""
    touched = touch_clean()
    return {
        "languages": language_table(count_outcomes()),
        "planted": personal_table(plant(), touched),
        "clean": clean_table(touched),
    }


def fill(page: str, contents: dict[str, str]) -> str:
    """Return the page with the tables in their places, between ``<!-- name -->`` and ``<!-- end -->``."""
    for name, table in contents.items():
        page = re.sub(rf"(?s)(<!-- {name} -->\n).*?(\n<!-- end -->)", rf"\g<1>{table}\g<2>", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), tables()), encoding="utf-8")
