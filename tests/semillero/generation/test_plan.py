"""The plan: exact quotas, the same every time, groups that share nothing."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.generation import ShardPlan, plan_shards
from semillero.generation.plan import divide
from semillero.generation.prompts import request_seed
from semillero.generation.techniques import TECHNIQUES
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from tests.semillero.generation.conftest import make_corpus, make_sources

counts = st.integers(1, 80)
shares = st.floats(0.0, 5.0)
ALL = dict.fromkeys(TECHNIQUES, 1.0)


@settings(max_examples=60, deadline=None)
@given(requests=counts, size=st.integers(1, 40), back=shares, own=st.floats(0.01, 5.0), others=shares)
def test_quotas_are_exact(requests: int, size: int, back: float, own: float, others: float) -> None:
    wanted = dict.fromkeys(TECHNIQUES, others) | {"backtranslation": back, "self_instruct": own}
    corpus = make_corpus(requests, size, techniques=wanted)
    plans = plan_shards(corpus, make_sources())
    asked = Counter((plan.variety, plan.technique) for plan in plans for _ in plan.items)
    for variety in ("es-MX", "ca"):
        assert sum(asked[variety, name] for name in TECHNIQUES) == requests
        for name, share in wanted.items():
            assert abs(asked[variety, name] - requests * share / sum(wanted.values())) < 1
    assert all(1 <= len(plan.items) <= size for plan in plans)
    names = [item.item for plan in plans for item in plan.items]
    assert len(set(names)) == len(names) == 2 * requests
    assert len({plan.name for plan in plans}) == len(plans)


@settings(max_examples=30, deadline=None)
@given(requests=counts, first=st.integers(1, 40), second=st.integers(1, 40))
def test_items_do_not_depend_on_shard_size(requests: int, first: int, second: int) -> None:
    def items(size: int) -> dict[str, str]:
        plans = plan_shards(make_corpus(requests, size, techniques=ALL), make_sources())
        digests = [digest for plan in plans for digest in plan.item_digests()]
        return dict(zip((item.item for plan in plans for item in plan.items), digests, strict=True))

    assert items(first) == items(second)


def test_more_requests_leave_full_shards_as_they_were(sources: Sources) -> None:
    techniques = {"backtranslation": 1.0}
    few = plan_shards(make_corpus(13, 5, techniques=techniques), sources)
    many = {plan.name: plan for plan in plan_shards(make_corpus(22, 5, techniques=techniques), sources)}
    assert all(many[plan.name] == plan for plan in few if len(plan.items) == 5)


def test_groups_share_nothing(sources: Sources) -> None:
    plans = plan_shards(make_corpus(60), sources)
    blocks = {block.name: {e.instruction for e in block.examples} for plan in plans for block in plan.blocks}
    names = [instruction for examples in blocks.values() for instruction in examples]
    assert len(names) == len(set(names)) == 18  # no seed in two blocks, none left out
    assert all(len(examples) >= 4 for examples in blocks.values())
    for plan in plans:
        for item in plan.items:
            if plan.technique == "self_instruct":
                assert item.group == item.block
            else:
                assert item.group == item.item.split("/")[2]
            assert item.item.startswith(f"{plan.variety}/{plan.technique}/")


def test_topics_and_passages_are_walked_evenly(sources: Sources) -> None:
    plans = plan_shards(make_corpus(30), sources)
    for variety in ("es-MX", "ca"):
        back = [i for p in plans if p.variety == variety and p.technique == "backtranslation" for i in p.items]
        own = [i for p in plans if p.variety == variety and p.technique == "self_instruct" for i in p.items]
        assert set(Counter(item.group for item in back).values()) == {3}  # 15 requests, 5 passages
        assert len({item.topic for item in back[:3]}) == 3  # a topic comes again only after all others
        assert set(Counter(item.topic for item in own).values()) == {5}
        assert len({(item.topic, item.block) for item in own}) == 6  # every topic meets every block


def test_topics_are_named_in_the_varietys_language(sources: Sources) -> None:
    names = {(p.language, i.topic): i.topic_name for p in plan_shards(make_corpus(30), sources) for i in p.items}
    assert names["es", "rios"] == "Ríos y lagos"
    assert names["ca", "rios"] == "Rius i llacs"
    assert names["ca", "cocina"] == "Cocina"  # has no Catalan name


def test_a_plan_survives_json(sources: Sources) -> None:
    for plan in plan_shards(make_corpus(18, techniques=ALL), sources):
        assert ShardPlan.from_json(json.loads(json.dumps(plan.as_json()))) == plan


def test_the_generators_seed_reorders_the_plan(sources: Sources) -> None:
    def order(seed: int) -> list[str]:
        corpus: CorpusSettings = make_corpus(5, 50, generator={"seed": seed})
        return [item.topic for plan in plan_shards(corpus, sources) for item in plan.items]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(8)}) > 1


@pytest.mark.parametrize(
    ("total", "parts", "expected"),
    [(10, {"a": 1, "b": 1, "c": 1}, [4, 3, 3]), (1, {"a": 0.4, "b": 0.6}, [0, 1]), (7, {"a": 1, "b": 0}, [7, 0])],
)
def test_largest_remainder(total: int, parts: dict[str, float], expected: list[int]) -> None:
    assert list(divide(total, parts).values()) == expected


def test_request_seeds_are_stable_and_differ() -> None:
    assert request_seed("es-MX/backtranslation/p/0", 13) == 1678957248
    assert len({request_seed(f"item/{n}", 13) for n in range(500)}) == 500
    assert all(0 <= request_seed(str(n), 0) < 2**31 for n in range(100))
