"""docs/curation.md shows what the filters do today, and they do what they must."""

from benchmarks.curation.filters import FILTERS, PAGE, fill_page, measure_filters


def test_the_table_is_that_of_a_new_measurement():
    page = PAGE.read_text(encoding="utf-8")
    table = measure_filters()
    assert page == fill_page(page, table), "run: python -m benchmarks.curation.filters"
    lines = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [line[0] for line in lines] == [each.name for each in FILTERS]
    for name, _, _, recall, others, wrong in lines:
        assert float(recall) >= (0.6 if name.startswith("reworded") else 0.9), name
        assert int(wrong) <= 0.06 * int(others), name
    duplicates = {line[0]: line[5] for line in lines if "duplicate" in line[0]}
    assert set(duplicates.values()) == {"0"}  # what a duplicate filter takes wrongly is lost
