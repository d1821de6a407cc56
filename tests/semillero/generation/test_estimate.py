"""The estimate before a run against what the server then counts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from semillero.errors import BudgetReached
from semillero.generation import estimate, generate_shards, plan_shards
from semillero.generation.estimate import describe_estimate, estimate_generation
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.store import RunStore
from tests.scripted_llm import scripted_llm

Corpus = Callable[..., CorpusSettings]


def test_it_tells_what_the_run_will_ask_for(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    store, dry = RunStore(str(tmp_path)), RunStore(str(tmp_path), dry=True)
    with scripted_llm() as server:
        generator = {"base_url": server.base_url}
        prices = {"generator": {"prompt": 1000.0, "completion": 0.0}}
        settings = corpus(60, generator=generator, budget={**prices, "requests": 50})
        first = estimate_generation(dry, sources, settings)
        assert server.requests == 0
        assert (first.planned, first.answered, first.cost.requests, first.measured) == (120, 0, 120, 0)
        assert first.cost.completion_tokens == 120 * settings.generator.max_tokens  # the most, before any reply
        fits, told = describe_estimate(first, settings)
        assert not fits
        assert "max_tokens each" in told
        assert "ends the run before" in told
        with pytest.raises(BudgetReached):
            generate_shards(store, plan_shards(settings, sources), settings)
        settings = corpus(60, generator=generator, budget=prices)
        second = estimate_generation(dry, sources, settings)
        assert (second.answered, second.cost.requests, second.measured) == (50, 70, 50)
        assert second.spent.requests == 50
        before = server.tokens
        generate_shards(store, plan_shards(settings, sources), settings)
        assert server.requests == 120
        assert second.cost.tokens == pytest.approx(server.tokens - before, rel=0.2)
        last = estimate_generation(dry, sources, settings)
        assert (last.answered, last.cost.requests, last.cost.tokens, last.seconds) == (120, 0, 0, 0.0)
        assert last.spent.money == pytest.approx(last.spent.prompt_tokens / 1000)


def test_many_shards_are_sampled(
    tmp_path: Path, corpus: Corpus, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "REHEARSED", 4)
    dry = RunStore(str(tmp_path), dry=True)
    whole = estimate_generation(dry, sources, corpus(12))
    found = estimate_generation(dry, sources, corpus(300, 10))
    assert found.cost.requests == 600
    assert found.cost.prompt_tokens / 600 == pytest.approx(whole.cost.prompt_tokens / 24, rel=0.15)
