"""Alpha agrees with other implementations, says when it is undefined, and names who disagrees with everyone."""

import json
import time

import krippendorff
import numpy as np
import pandas as pd
import polars as pl
import pytest
import simpledorff
from hypothesis import given, settings
from hypothesis import strategies as st
from simpledorff.metrics import interval_metric, nominal_metric

from semillero.review.agreement import agreement_report, krippendorff_alpha
from semillero.review.alpha import Level, coincidences, resample_tables
from semillero.review.answers import count_answers
from semillero.review.ratings import measure_parts, read_ratings
from tests.review_answers import CODES, people, rows_of, says, simulate, table

TEAM = ("ana", "luis", "eva", "tomas", "ines")


def draw_ratings(seed: int, missing: float = 0.4) -> np.ndarray:
    random = np.random.default_rng(seed)
    reviewers, records, values = random.integers(2, 7), random.integers(2, 60), random.integers(2, 6)
    truth = random.integers(1, values + 1, size=records)
    noise = random.random((reviewers, records)) < random.random()
    ratings = np.where(noise, random.integers(1, values + 1, size=(reviewers, records)), truth).astype(float)
    ratings[random.random(ratings.shape) < missing] = np.nan
    return ratings


def by_definition(ratings: np.ndarray, level: Level) -> float | None:
    """Alpha as its definition reads: observed over expected disagreement of all pairs, with plain loops."""
    units = [[value for value in column if not np.isnan(value)] for column in ratings.T]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    counts = {value: values.count(value) for value in sorted(set(values))}

    def distance(a: float, b: float) -> float:
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return (a - b) ** 2
        low, high = min(a, b), max(a, b)
        between = sum(count for value, count in counts.items() if low <= value <= high)
        return (between - (counts[a] + counts[b]) / 2) ** 2

    observed = sum(distance(a, b) / (len(unit) - 1) for unit in units for a in unit for b in unit)
    expected = sum(distance(a, b) for a in values for b in values)
    return None if expected == 0 else 1 - (len(values) - 1) * observed / expected


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_agrees_with_the_krippendorff_package(level: Level) -> None:
    compared = 0
    for seed in range(60):
        ratings = draw_ratings(seed)
        ours = krippendorff_alpha(ratings, level)
        if ours is not None:
            assert ours == pytest.approx(krippendorff.alpha(ratings, level_of_measurement=level), abs=1e-9)
            compared += 1
    assert compared > 50


@pytest.mark.filterwarnings("ignore:Starting with pandas")
@pytest.mark.parametrize(("level", "metric"), [("nominal", nominal_metric), ("interval", interval_metric)])
def test_agrees_with_simpledorff(level: Level, metric: object) -> None:
    compared = 0
    for seed in range(40):
        ratings = draw_ratings(seed)
        reviewers, records = np.nonzero(~np.isnan(ratings))
        rows = {"unit": records, "person": reviewers, "value": ratings[reviewers, records]}
        ours = krippendorff_alpha(ratings, level)
        if ours is not None:
            theirs = simpledorff.calculate_krippendorffs_alpha_for_df(
                pd.DataFrame(rows), "unit", "person", "value", metric_fn=metric
            )
            assert ours == pytest.approx(theirs, abs=1e-9)
            compared += 1
    assert compared > 30


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([1.0, 2.0, 3.0, 5.0, np.nan]), min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_agrees_with_its_definition(columns: list[list[float]], level: Level) -> None:
    ratings = np.array(columns).T
    expected = by_definition(ratings, level)
    assert krippendorff_alpha(ratings, level) == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_a_worked_example() -> None:
    # Three coders and fifteen units, from the article on Krippendorff's alpha in the English Wikipedia.
    data = """* * * * * 3 4 1 2 1 1 3 3 * 3
              1 * 2 1 3 3 4 3 * * * * * * *
              * * 2 1 3 4 4 * 2 1 1 3 3 * 4"""
    ratings = np.array([[np.nan if cell == "*" else float(cell) for cell in line.split()] for line in data.split("\n")])
    assert krippendorff_alpha(ratings, "nominal") == pytest.approx(0.691, abs=5e-4)
    assert krippendorff_alpha(ratings, "interval") == pytest.approx(0.811, abs=5e-4)


def test_undefined_is_none_and_never_a_number() -> None:
    nan = np.nan
    assert krippendorff_alpha(np.array([[1.0, nan], [nan, 2.0]]), "nominal") is None  # nobody shares a record
    assert krippendorff_alpha(np.array([[3.0, 3.0], [3.0, 3.0]]), "ordinal") is None  # one value only
    assert krippendorff_alpha(np.full((2, 3), nan), "interval") is None
    assert krippendorff_alpha(np.array([[1.0, 2.0], [1.0, 2.0]]), "ordinal") == 1.0
    assert krippendorff_alpha(np.array([[1.0, 2.0], [2.0, 1.0]]), "nominal") < 0


def test_a_resample_is_alpha_of_the_drawn_records() -> None:
    ratings = draw_ratings(5, missing=0.1)
    values = np.unique(ratings[~np.isnan(ratings)])
    codes = np.where(np.isnan(ratings), -1, np.searchsorted(values, ratings))
    tables, counts = coincidences(codes, len(values)), 1 + np.arange(ratings.shape[1]) % 3
    index = np.arange(len(counts))
    drawn = resample_tables([(index, tables), (index[::2], tables[::2])], counts, 50, seed=4)
    times = np.random.default_rng(4).multinomial(counts.sum(), counts / counts.sum(), size=50)
    for sample in range(50):
        chosen = np.repeat(index, times[sample])
        assert len(chosen) == counts.sum()
        assert np.allclose(drawn[0][sample], coincidences(codes[:, chosen], len(values)).sum(axis=0))
        even = chosen[chosen % 2 == 0]
        assert np.allclose(drawn[1][sample], coincidences(codes[:, even], len(values)).sum(axis=0))


def test_intervals_hold_what_they_promise() -> None:
    """Of many samples from one population, about 95 % of the intervals hold its alpha."""
    rows = rows_of(*["es-MX"] * 3000)
    everything = count_answers(rows, simulate(rows, TEAM[:3], 3, seed=0), people())
    whole = read_ratings(everything, pl.col("quality"), "ordinal")
    truth, hits = whole.alpha(whole.part()), 0
    for seed in range(100):
        some = everything.join(rows.sample(120, seed=seed), left_on="record", right_on="id", how="semi")
        ratings = read_ratings(some, pl.col("quality"), "ordinal")
        found = measure_parts(ratings, [ratings.part()], 400, seed=13)[0]
        hits += found["low"] <= truth <= found["high"]
    assert 88 <= hits <= 100


def test_the_report_tells_varieties_pairs_and_reasons() -> None:
    rows = rows_of(*["es-MX"] * 60, *["es-AR"] * 60)
    answers = count_answers(rows, simulate(rows, TEAM[:3], 2, seed=1), people(*TEAM))
    report = agreement_report(answers)
    quality = report["questions"]["quality"]
    assert quality["level"] == "ordinal"
    assert quality["overall"]["records"] == 120
    assert {code: part["records"] for code, part in quality["varieties"].items()} == {"es-MX": 60, "es-AR": 60}
    assert [pair["reviewers"] for pair in quality["pairs"]] == [["ana", "eva"], ["ana", "luis"], ["eva", "luis"]]
    assert sum(pair["records"] for pair in quality["pairs"]) == 120
    for part in (quality["overall"], *quality["varieties"].values(), *quality["pairs"]):
        assert part["low"] <= part["alpha"] <= part["high"]
    assert "ranking" not in report["questions"]
    assert report["reasons"]["false"]["named"] == answers["reasons"].explode().drop_nulls().len()
    assert report["outliers"] == []
    one = answers.filter(variety="es-AR")
    alone = agreement_report(one)["questions"]["quality"]["overall"]["alpha"]
    assert alone == quality["varieties"]["es-AR"]["alpha"]


def test_the_report_is_the_same_for_the_same_answers() -> None:
    rows = rows_of(*["es-MX"] * 50)
    answers = count_answers(rows, simulate(rows, TEAM, 3, seed=2), people(*TEAM))
    text = json.dumps(agreement_report(answers), allow_nan=False)
    assert text == json.dumps(agreement_report(answers.sample(fraction=1, shuffle=True, seed=1)), allow_nan=False)


def test_what_is_undefined_is_null_with_its_reason() -> None:
    rows = rows_of("es-MX", "es-MX", "es-AR")
    said = [says("r0", "ana", 4), says("r0", "eva", 5), says("r1", "ana", 4), says("r1", "eva", 4), says("r2", "ana")]
    answers = count_answers(rows, table(*said), people())
    questions = agreement_report(answers)["questions"]
    assert questions["fits_variety"]["overall"] == {
        "records": 2, "alpha": None, "low": None, "high": None, "undefined": "one-value",
    }  # fmt: skip
    assert list(questions["quality"]["varieties"]) == ["es-MX"]
    alone = count_answers(rows, table(says("r0", "ana"), says("r1", "eva")), people())
    overall = agreement_report(alone)["questions"]["quality"]["overall"]
    assert overall == {"records": 0, "alpha": None, "low": None, "high": None, "undefined": "no-overlap"}
    two = count_answers(rows, table(says("r0", "ana", 2), says("r0", "eva", 5)), people())
    quality = agreement_report(two)["questions"]["quality"]
    assert quality["overall"]["alpha"] == 0.0  # two answers that differ are as far apart as chance would have them
    assert quality["overall"]["low"] is None  # one record cannot be resampled
    assert quality["without"][0]["undefined"] == "no-overlap"
    assert not quality["without"][0]["clear"]


def test_who_disagrees_with_everyone_is_named() -> None:
    rows = rows_of(*["es-MX"] * 150)
    answers = count_answers(rows, simulate(rows, TEAM, 3, seed=3, careless=["tomas"]), people(*TEAM))
    report = agreement_report(answers)
    assert [found["reviewer"] for found in report["outliers"]] == ["tomas"]
    assert "quality" in report["outliers"][0]["questions"]
    found = next(w for w in report["questions"]["quality"]["without"] if w["reviewer"] == "tomas")
    assert found["without"] - found["with"] == pytest.approx(found["rise"]["value"], abs=2e-4)
    assert found["rise"]["low"] > 0


def test_two_people_who_disagree_accuse_nobody() -> None:
    rows = rows_of(*["es-MX"] * 150)
    answers = count_answers(rows, simulate(rows, TEAM[:2], 2, seed=3, careless=["luis"]), people(*TEAM))
    assert agreement_report(answers)["outliers"] == []


def test_a_hard_variety_makes_nobody_an_outlier() -> None:
    """Two people of a variety where everybody disagrees are not compared with those of an easy one."""
    rows = rows_of(*["es-MX"] * 100, *["es-AR"] * 100)
    easy = simulate(rows.head(100), TEAM[:3], 3, seed=1)
    hard = simulate(rows.tail(100), ("pia", "leo", "noa"), 3, seed=1, careless=("pia", "leo", "noa"))
    answers = count_answers(rows, pl.concat([easy, hard]), people(*TEAM))
    assert agreement_report(answers)["outliers"] == []


def test_honest_teams_are_seldom_accused() -> None:
    rows, accused = rows_of(*["es-MX"] * 80), 0
    for seed in range(25):
        answers = count_answers(rows, simulate(rows, TEAM, 2, seed=seed), people(*TEAM))
        accused += bool(agreement_report(answers, samples=400)["outliers"])
    assert accused <= 1


def test_a_large_review_is_measured_in_seconds() -> None:
    rows = rows_of(*[CODES[n % 2] for n in range(2000)])
    answers = count_answers(rows, simulate(rows, TEAM, 3, seed=0), people(*TEAM))
    start = time.perf_counter()
    agreement_report(answers)
    assert time.perf_counter() - start < 60
