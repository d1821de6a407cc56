"""Batches: every row once, the same plan everywhere, little padding, no bias."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semillero.models.batches import collate, padding_share, plan_batches, plan_epoch, split_by_tokens

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=60)


def lognormal(rows: int, seed: int = 0) -> list[int]:
    generator = random.Random(seed)
    return [max(8, round(generator.lognormvariate(4.7, 0.6))) for _ in range(rows)]


@given(LENGTHS, st.integers(1, 20), st.integers(64, 600), st.integers(0, 5))
def test_an_epoch_holds_every_row_once_within_the_budget(lengths: list[int], size: int, budget: int, seed: int) -> None:
    steps = plan_epoch(lengths, size, budget, seed, 0)
    assert sorted(row for step in steps for batch in step for row in batch) == list(range(len(lengths)))
    assert all(sum(map(len, step)) == size for step in steps[:-1])
    for step in steps:
        for batch in step:
            assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


@given(LENGTHS, st.integers(64, 600))
def test_scoring_batches_hold_every_row_once_longest_first(lengths: list[int], budget: int) -> None:
    batches = plan_batches(lengths, budget)
    rows = [row for batch in batches for row in batch]
    assert sorted(rows) == list(range(len(lengths)))
    assert [lengths[i] for i in rows] == sorted(lengths, reverse=True)
    assert all(len(b) == 1 or len(b) * lengths[b[0]] <= budget for b in batches)


def test_the_plan_depends_on_seed_and_epoch_alone() -> None:
    lengths = lognormal(100)
    assert plan_epoch(lengths, 16, 1024, 1, 0) == plan_epoch(lengths, 16, 1024, 1, 0)
    assert plan_epoch(lengths, 16, 1024, 1, 0) != plan_epoch(lengths, 16, 1024, 1, 1)
    assert plan_epoch(lengths, 16, 1024, 1, 0) != plan_epoch(lengths, 16, 1024, 2, 0)
    # Written out: another Python or machine must make the same plan, or a resumed run is another run.
    assert plan_epoch([3, 1, 2, 5, 4], 2, 8, 13, 0) == [[[4, 1]], [[3], [2]], [[0]]]


def test_over_nine_tenths_of_the_tokens_are_real_on_lognormal_lengths() -> None:
    lengths = lognormal(640)
    batches = [batch for step in plan_epoch(lengths, 16, 1024, 13, 0) for batch in step]
    in_order = [list(range(start, start + 16)) for start in range(0, 640, 16)]
    assert padding_share(lengths, in_order) > 0.4
    assert padding_share(lengths, batches) < 0.1


def test_a_step_is_a_fair_sample_of_the_lengths() -> None:
    lengths = lognormal(320)
    longest = set(sorted(range(320), key=lambda i: -lengths[i])[:160])
    shares = [sum(row in longest for b in step for row in b) / 16 for step in plan_epoch(lengths, 16, 1024, 13, 0)]
    assert min(shares) > 0.1
    assert max(shares) < 0.9
    followers: Counter[int] = Counter(plan_epoch(lengths, 16, 1024, 13, epoch)[0][0][0] for epoch in range(40))
    assert followers.most_common(1)[0][1] < 8  # no row opens every epoch


def test_a_split_has_the_least_padding() -> None:
    lengths = [100, 100, 10, 10, 10]
    assert split_by_tokens(range(5), lengths, 500) == [[0, 1], [2, 3, 4]]
    assert split_by_tokens(range(5), [50] * 5, 100) in (
        [[0], [1, 2], [3, 4]],
        [[0, 1], [2], [3, 4]],
        [[0, 1], [2, 3], [4]],
    )


def test_collating_masks_the_padding() -> None:
    batch = collate([([5, 6, 7], [-100, 6, 7]), ([8], [8])], pad_id=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 6, 7], [8, -100, -100]]


def test_no_rows_make_no_batches() -> None:
    assert plan_batches([], 100) == []
    assert plan_epoch([], 4, 100, 0, 0) == []
    assert padding_share([], []) == pytest.approx(0)
