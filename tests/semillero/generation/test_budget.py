"""The budget: never passed, counted over all runs, and opened again by raising it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from semillero.errors import BudgetReached
from semillero.generation import generate_shards, plan_shards
from semillero.generation.budget import add_up
from semillero.generation.ledger import Entry, parse_entries
from semillero.project import BudgetSettings, CorpusSettings
from semillero.project.sources import Sources
from semillero.store import Artifact, RunStore
from tests.scripted_llm import ScriptedLLM, scripted_llm

Corpus = Callable[..., CorpusSettings]
PRICE = {"prompt": 1000.0, "completion": 3000.0}  # a million tokens: a thousandth a prompt token


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semillero.generation.retries.FIRST_WAIT", 0.02)


def generate(store: Path, corpus: CorpusSettings, sources: Sources) -> tuple[Artifact, ...]:
    return generate_shards(RunStore(str(store)), plan_shards(corpus, sources), corpus)


def spend(store: Path, corpus: Corpus, sources: Sources, server: ScriptedLLM, **budget: Any) -> tuple[Artifact, ...]:
    settings = corpus(generator={"base_url": server.base_url}, budget={"generator": PRICE, **budget})
    return generate(store, settings, sources)


def entries(store: Path) -> list[Entry]:
    return [entry for path in store.glob("work/generate/*/ledger.jsonl") for entry in parse_entries(path)[0]]


@pytest.mark.parametrize("limit", [{"requests": 10}, {"tokens": 3000}, {"money": 4.0}], ids=lambda b: next(iter(b)))
def test_it_stops_before_the_limit_and_goes_on_when_it_is_raised(
    tmp_path: Path, corpus: Corpus, sources: Sources, limit: dict[str, float]
) -> None:
    with scripted_llm() as server:
        free = generate(tmp_path / "free", corpus(generator={"base_url": server.base_url}), sources)
    with scripted_llm(faults={"http-500": 0.2}) as server:
        with pytest.raises(BudgetReached, match="the budget is reached") as reached:
            spend(tmp_path / "a", corpus, sources, server, **limit)
        spent = add_up(tmp_path / "a" / "work", BudgetSettings())
        assert 0 < server.answered < 24
        assert spent.requests == server.requests  # each refused attempt is a request, too
        assert spent.tokens == server.tokens
        kind, most = next(iter(limit.items()))
        assert getattr(spent, kind) <= most
        assert reached.value.exit_code == 1
        assert not reached.value.retryable
        asked = server.requests
        with pytest.raises(BudgetReached, match="the budget is reached"):  # the next scheduled run
            spend(tmp_path / "a", corpus, sources, server, **limit)
        # A thriftier request may still find room, but no run pays for the same reply again.
        assert server.requests - asked <= 1
        made = spend(tmp_path / "a", corpus, sources, server, **{kind: most * 100})
        assert server.answered == 24
    assert [a.content for a in made] == [a.content for a in free]
    money = sum(entry.money or 0.0 for entry in entries(tmp_path / "a"))
    prompt, completion = (sum((e.usage or {}).get(f"{k}_tokens", 0) for e in entries(tmp_path / "a"))
                          for k in ("prompt", "completion"))  # fmt: skip
    assert money == pytest.approx((prompt * PRICE["prompt"] + completion * PRICE["completion"]) / 1e6)


def test_without_counts_tokens_are_estimated_and_said_to_be(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(usage=False) as server, pytest.raises(BudgetReached, match="requests are estimates"):
        spend(tmp_path, corpus, sources, server, tokens=3000)
    spent = add_up(tmp_path / "work", BudgetSettings())
    assert spent.estimated == spent.requests > 0
    assert 1000 < spent.tokens <= 3000


@pytest.mark.chaos
def test_lost_replies_count_at_their_most_and_refused_ones_nothing(
    tmp_path: Path, corpus: Corpus, sources: Sources
) -> None:
    with scripted_llm(faults={"reset": 0.2, "http-503": 0.2}, faulty_attempts=1) as server:
        spend(tmp_path, corpus, sources, server, tokens=10**6)
        assert server.faulted["reset"] > 0
        assert server.faulted["http-503"] > 0
    lost = [entry for entry in entries(tmp_path) if entry.error == "connection"]
    assert len(lost) == server.faulted["reset"]
    assert all(entry.usage and entry.usage["completion_tokens"] == 160 and entry.estimated for entry in lost)
    assert all(entry.usage is None for entry in entries(tmp_path) if entry.error == "http-503")


def test_a_reply_taken_over_from_another_plan_costs_nothing(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm() as server:
        spend(tmp_path, corpus, sources, server)
        before = add_up(tmp_path / "work", BudgetSettings())
        settings = corpus(shard_size=7, generator={"base_url": server.base_url}, budget={"requests": 24})
        generate(tmp_path, settings, sources)
    assert add_up(tmp_path / "work", BudgetSettings()) == before
    assert before.requests == 24


def test_money_needs_a_price(corpus: Corpus) -> None:
    with pytest.raises(ValidationError, match=r"budget\.money needs budget\.generator"):
        corpus(budget={"money": 3})
