"""docs/curation-detectors.md shows what the detectors do today."""

from benchmarks.detectors.__main__ import PAGE, fill, tables


def test_the_tables_are_those_of_a_new_measurement():
    page = PAGE.read_text(encoding="utf-8")
    contents = tables()
    assert page == fill(page, contents), "run: python -m benchmarks.detectors"
    assert all(table in page for table in contents.values())
