"""The channel against a real server: limits found, pauses honoured, hedges recorded, refusals explained."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from semillero.errors import GenerationError
from semillero.generation import generate_shards, plan_shards
from semillero.generation.budget import add_up
from semillero.generation.ledger import Entry, parse_entries
from semillero.project import BudgetSettings, CorpusSettings, GeneratorSettings
from semillero.project.sources import Sources
from semillero.store import Artifact, RunStore
from tests.scripted_llm import ScriptedLLM, scripted_llm

Corpus = Callable[..., CorpusSettings]


def generate(store: Path, corpus: CorpusSettings, sources: Sources) -> tuple[Artifact, ...]:
    return generate_shards(RunStore(str(store)), plan_shards(corpus, sources), corpus)


def entries(store: Path) -> list[Entry]:
    return [entry for path in store.glob("work/generate/*/ledger.jsonl") for entry in parse_entries(path)[0]]


def assert_nothing_is_lost_or_paid_twice(server: ScriptedLLM, store: Path, requests: int) -> None:
    """Every request that the server saw has a line, and each was answered once."""
    assert server.answered == requests
    assert len(entries(store)) == server.requests
    assert sum(entry.status == "answered" for entry in entries(store)) == requests


@pytest.mark.chaos
def test_an_endpoint_that_serves_few_at_once_gets_few(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    generator = {"concurrency": "auto", "attempts": 3}  # a 429 while others are served does not use up an attempt
    with scripted_llm(latency=0.05, slots=6) as server:
        generate(tmp_path, corpus(120, 40, generator={"base_url": server.base_url, **generator}), sources)
        assert_nothing_is_lost_or_paid_twice(server, tmp_path, 240)
        assert 0 < server.faulted["http-429-bare"] < 60


def test_an_endpoint_that_can_do_more_gets_more(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(latency=0.3) as server:
        generate(tmp_path, corpus(80, generator={"base_url": server.base_url, "concurrency": "auto"}), sources)
        assert server.most_in_flight >= 16  # twice what a search starts from
        assert_nothing_is_lost_or_paid_twice(server, tmp_path, 160)


@pytest.mark.chaos
@pytest.mark.parametrize("fault", ["http-429-second", "http-429-date"])
def test_retry_after_holds_for_all_requests(tmp_path: Path, corpus: Corpus, sources: Sources, fault: str) -> None:
    with scripted_llm(faults={fault: 0.08}, faulty_attempts=1) as server:
        generate(tmp_path, corpus(generator={"base_url": server.base_url, "concurrency": 4}), sources)
        assert server.faulted[fault] > 0
        assert_nothing_is_lost_or_paid_twice(server, tmp_path, 24)
    # A date has whole seconds, so the pause is at least half a second; what was under way then may still arrive.
    early = [at for at in server.arrivals for fault_at in server.faults_at if 0.2 < at - fault_at < 0.45]
    assert not early


@pytest.mark.chaos
def test_a_quota_that_is_gone_for_hours_ends_the_run_at_once(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(faults={"http-429-hours": 0.1}, faulty_attempts=None) as server:
        start = time.monotonic()
        with pytest.raises(GenerationError, match="left alone for 120 minutes") as stopped:
            generate(tmp_path, corpus(60, generator={"base_url": server.base_url}), sources)
        assert time.monotonic() - start < 20
        assert not stopped.value.retryable  # asking again in a few seconds is what it does not want
        assert len(entries(tmp_path)) == server.requests  # what was in flight was waited for, and kept


@pytest.mark.chaos
def test_replies_in_flight_when_the_run_must_stop_are_kept(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(latency=0.3, faults={"http-401": 0.1}) as server:
        with pytest.raises(GenerationError, match="refuses the API key"):
            generate(tmp_path, corpus(60, 5, generator={"base_url": server.base_url, "concurrency": 12}), sources)
        assert len(entries(tmp_path)) == server.requests
        assert sum(entry.status == "answered" for entry in entries(tmp_path)) == server.answered > 0


@pytest.mark.chaos
def test_a_hedge_outruns_what_hangs_and_both_are_recorded(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    generator = {"hedge_after": 0.4, "timeout": 30.0, "concurrency": 8}
    with scripted_llm(faults={"timeout": 0.2}, faulty_attempts=1) as server:
        start = time.monotonic()
        generate(tmp_path, corpus(generator={"base_url": server.base_url, **generator}), sources)
        assert time.monotonic() - start < 25  # less than one timeout
        assert server.faulted["timeout"] > 0
        assert server.requests == 24 + server.faulted["timeout"]
        assert_nothing_is_lost_or_paid_twice(server, tmp_path, 24)
    hedged = [entry for entry in entries(tmp_path) if entry.error == "hedged"]
    assert len(hedged) == server.faulted["timeout"]
    assert add_up(tmp_path / "work", BudgetSettings()).estimated == len(hedged)  # at their most: nobody knows


@pytest.mark.chaos
def test_a_body_without_end_is_cut_off(
    tmp_path: Path, corpus: Corpus, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semillero.generation.sending.LONGEST_BODY", 1 << 21)
    with scripted_llm(faults={"endless": 0.2}, faulty_attempts=1) as server:
        generate(tmp_path, corpus(generator={"base_url": server.base_url, "timeout": 60.0}), sources)
        assert server.faulted["endless"] > 0
    assert {entry.error for entry in entries(tmp_path) if entry.error} == {"bad-body"}


@pytest.mark.parametrize(("constrain", "key"), [("json_schema", "response_format"), ("grammar", "grammar")])
def test_a_refused_constraint_names_the_setting(
    tmp_path: Path, corpus: Corpus, sources: Sources, constrain: str, key: str
) -> None:
    with scripted_llm(refuses=(key,)) as server:
        settings = {"base_url": server.base_url, "constrain": constrain}
        with pytest.raises(GenerationError, match=r"generator\.constrain") as refused:
            generate(tmp_path, corpus(generator=settings), sources)
        assert f"{key} is not supported" in str(refused.value)
        assert server.requests <= 8
        generate(tmp_path, corpus(generator={**settings, "constrain": "none"}), sources)


def test_inference_providers_need_a_model_and_a_token(
    tmp_path: Path, corpus: Corpus, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = GeneratorSettings.model_validate({"kind": "huggingface", "model": "org/name:provider"})
    assert (known.base_url, known.api_key_env) == ("https://router.huggingface.co/v1", "HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_of_mine")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the Hub's address, which is not the router's
    with scripted_llm(key="hf_of_mine") as server:
        generator = {"kind": "huggingface", "model": "org/name:provider", "bill_to": "my-team"}
        generate(tmp_path, corpus(generator={"base_url": server.base_url, **generator}), sources)
        assert server.headers["X-HF-Bill-To"] == "my-team"


def test_an_extra_body_changes_requests_and_their_names(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(refuses=("max_tokens",)) as server:
        extra = {"max_tokens": None, "max_completion_tokens": 160}
        generate(tmp_path, corpus(generator={"base_url": server.base_url, "extra_body": extra}), sources)
        assert server.answered == 24
        other = {**extra, "reasoning_effort": "low"}
        generate(tmp_path, corpus(generator={"base_url": server.base_url, "extra_body": other}), sources)
        assert server.answered == 48
