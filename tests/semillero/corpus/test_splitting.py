"""Splits: whole components, every row once, shares kept, the same every time."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.corpus.splitting import SPLITS, assign_splits
from semillero.errors import CorpusError
from semillero.project import SplitSettings

VARIETIES = ("es-MX", "es-AR", "ca")
Row = tuple[str, str, str]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["component", "variedad", "tema"], orient="row")


@st.composite
def components(draw: st.DrawFn, least: int = 3, most: int = 40) -> list[Row]:
    """Rows of components, each of one variety and one topic, as passages make them."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=least, max_size=most))
    rows: list[Row] = []
    for number, size in enumerate(sizes):
        variety, topic = draw(st.sampled_from(VARIETIES)), draw(st.sampled_from("abcdefgh"))
        rows += [(f"{variety}-p{number:02d}", variety, topic)] * size
    return rows


@settings(max_examples=60, deadline=None)
@given(components(), st.integers(0, 50), st.randoms(use_true_random=False))
def test_splits_cover_every_component_once_and_do_not_depend_on_order(
    rows: list[Row], seed: int, random: object
) -> None:
    splits = SplitSettings(seed=seed)
    assigned = assign_splits(frame(rows), splits)
    assert set(assigned) == {name for name, _, _ in rows}
    assert set(assigned.values()) == set(SPLITS)
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign_splits(frame(shuffled), splits) == assigned
    for code in VARIETIES:
        groups = {name for name, variety, _ in rows if variety == code}
        if len(groups) >= 3:
            assert {assigned[name] for name in groups} == set(SPLITS), f"{code} lacks a split"


@settings(max_examples=40, deadline=None)
@given(
    components(least=20, most=80),
    st.sampled_from([(0.1, 0.15), (0.05, 0.05), (0.3, 0.3), (0.1, 0.4)]),
    st.integers(0, 9),
)
def test_shares_are_kept_within_a_few_components(rows: list[Row], shares: tuple[float, float], seed: int) -> None:
    splits = SplitSettings(validation=shares[0], test=shares[1], seed=seed)
    assigned = assign_splits(frame(rows), splits)
    wanted = {"train": 1 - sum(shares), "validation": shares[0], "test": shares[1]}
    largest = max(Counter(name for name, _, _ in rows).values())
    for code in (None, *VARIETIES):
        mine = [assigned[name] for name, variety, _ in rows if code in (None, variety)]
        # What the guarantee of one component a split and variety may cost, and one component of rounding.
        slack = largest * (3 if code is None else 2) + 1
        for split in SPLITS:
            assert abs(mine.count(split) - wanted[split] * len(mine)) <= slack, (code, split)


def test_another_seed_gives_another_split() -> None:
    rows = frame([(f"g{n}", "es-MX", "abc"[n % 3]) for n in range(40)])
    assert assign_splits(rows, SplitSettings(seed=1)) != assign_splits(rows, SplitSettings(seed=2))


def test_a_component_of_several_varieties_stays_whole_and_serves_each() -> None:
    rows = [(f"g{n}", code, "a") for n in range(12) for code in VARIETIES]
    assigned = assign_splits(frame(rows), SplitSettings())
    assert set(assigned.values()) == set(SPLITS)
    assert len(assigned) == 12


def test_topics_are_spread() -> None:
    rows = [(f"{topic}{n}", "es-MX", topic) for topic in "abcde" for n in range(20)]
    assigned = assign_splits(frame(rows), SplitSettings(validation=0.1, test=0.15))
    for topic in "abcde":
        found = Counter(assigned[name] for name, _, of in rows if of == topic)
        assert 1 <= found["validation"] <= 4, topic
        assert 2 <= found["test"] <= 5, topic


def test_a_lone_topic_is_trained_on() -> None:
    rows = [("lone", "es-MX", "solo"), *((f"g{n}", "es-MX", "común") for n in range(9))]
    assert assign_splits(frame(rows), SplitSettings())["lone"] == "train"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_groups_are_refused_with_a_remedy(count: int) -> None:
    rows = [(f"g{n}", "es-MX", "a") for n in range(count) for _ in range(10)]
    schema = {"component": pl.String, "variedad": pl.String, "tema": pl.String}
    with pytest.raises(CorpusError, match=f"{count} independent groups") as caught:
        assign_splits(pl.DataFrame(rows, schema=schema, orient="row"), SplitSettings())
    assert "passages or seeds" in caught.value.remedy
