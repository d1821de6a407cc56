import numpy as np
import pytest

from semillero.evaluation.bootstrap import compare_models


def table(base: list[float], tuned: list[float], below: list[float] | None = None) -> np.ndarray:
    ones = below or [1.0] * len(base)
    return np.column_stack([base, ones, tuned, ones])


def test_values_are_ratios_of_sums_not_means_of_ratios() -> None:
    found = compare_models(table([10, 1], [6, 1], below=[10, 1]), np.array(["a", "b"]), 100, 0.95, 1)
    assert found is not None
    assert found["base"]["value"] == pytest.approx(11 / 11)
    assert found["tuned"]["value"] == pytest.approx(7 / 11, abs=1e-6)
    assert found["difference"]["value"] == pytest.approx(-4 / 11, abs=1e-6)


def test_intervals_agree_with_drawing_groups_one_by_one() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(0, 30, 120)
    base = random.normal(3, 1, 120) + groups / 10
    tuned = base - 0.5 + random.normal(0, 0.2, 120)
    found = compare_models(table(list(base), list(tuned)), groups, 4000, 0.9, 7)
    assert found is not None

    names = np.unique(groups)
    draws = []
    for _ in range(4000):
        rows = np.concatenate([np.flatnonzero(groups == name) for name in random.choice(names, len(names))])
        draws.append((base[rows].mean(), (tuned[rows] - base[rows]).mean()))
    for name, column in (("base", 0), ("difference", 1)):
        low, high = np.percentile([draw[column] for draw in draws], [5, 95])
        width = high - low
        assert found[name]["low"] == pytest.approx(low, abs=0.07 * width)
        assert found[name]["high"] == pytest.approx(high, abs=0.07 * width)


def test_rows_of_one_group_are_not_counted_as_independent() -> None:
    random = np.random.default_rng(1)
    shift = np.repeat(random.normal(0, 1, 10), 20)  # ten passages of twenty rows each, alike inside
    values = table(list(3 + shift), list(3 + shift))
    grouped = compare_models(values, np.repeat(np.arange(10), 20), 1000, 0.95, 1)
    alone = compare_models(values, np.arange(200), 1000, 0.95, 1)
    assert grouped is not None
    assert alone is not None
    assert grouped["base"]["high"] - grouped["base"]["low"] > 3 * (alone["base"]["high"] - alone["base"]["low"])


def test_models_are_paired() -> None:
    random = np.random.default_rng(2)
    base = random.normal(3, 1, 50)
    found = compare_models(table(list(base), list(base - 0.1)), np.arange(50), 500, 0.95, 1)
    assert found is not None
    assert found["base"]["high"] - found["base"]["low"] > 0.3
    assert found["difference"]["high"] - found["difference"]["low"] == pytest.approx(0, abs=1e-5)


def test_perplexity_is_the_exponential_of_the_loss() -> None:
    found = compare_models(table([2, 4], [1, 2]), np.array([0, 1]), 100, 0.95, 1, transform=np.exp)
    assert found is not None
    assert found["base"]["value"] == pytest.approx(np.exp(3), abs=1e-5)
    assert found["tuned"]["value"] == pytest.approx(np.exp(1.5), abs=1e-5)


def test_one_group_has_no_interval_and_no_judged_row_no_measure() -> None:
    found = compare_models(table([1, 2], [1, 1]), np.array(["a", "a"]), 100, 0.95, 1)
    assert found is not None
    assert found["base"] == {"value": 1.5, "low": None, "high": None}
    assert compare_models(np.zeros((2, 4)), np.array(["a", "b"]), 100, 0.95, 1) is None


def test_same_seed_same_interval() -> None:
    values = table(list(range(20)), list(range(1, 21)))
    first = compare_models(values, np.arange(20), 300, 0.95, 5)
    assert first == compare_models(values, np.arange(20), 300, 0.95, 5)
    assert first != compare_models(values, np.arange(20), 300, 0.95, 6)
