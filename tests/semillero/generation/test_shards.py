"""Generation against a real HTTP server that answers by script: faults, resuming, accounts, secrets."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.errors import AccountingError, GenerationError, InputError, StoreError
from semillero.generation import generate_shards, plan_shards
from semillero.generation.ledger import parse_entries
from semillero.generation.sending import read_completion
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.records import GENERATED, read_records
from semillero.store import Artifact, RunStore
from semillero.store.store import WouldMake
from tests.scripted_llm import scripted_llm

Corpus = Callable[..., CorpusSettings]


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semillero.generation.retries.FIRST_WAIT", 0.02)


def read_all(store: RunStore, artifacts: tuple[Artifact, ...]) -> pl.DataFrame:
    return pl.concat([read_records(store.folder(a) / "records.parquet", GENERATED) for a in artifacts])


def contents(artifacts: tuple[Artifact, ...]) -> list[str]:
    return [artifact.content for artifact in artifacts]


def generate(store: RunStore, corpus: CorpusSettings, sources: Sources) -> tuple[Artifact, ...]:
    return generate_shards(store, plan_shards(corpus, sources), corpus)


def test_shards_balance_and_are_found_again(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm() as server:
        settings = corpus(generator={"base_url": server.base_url})
        store = RunStore(str(tmp_path))
        made = generate(store, settings, sources)
        assert server.requests == 24
        assert server.most_in_flight <= 4
    assert [a.part for a in made][:2] == ["es-MX-backtranslation-000", "es-MX-backtranslation-001"]
    assert sum(a.counts["requested"] for a in made) == sum(a.counts["answered"] for a in made) == 24
    rows = read_all(store, made)
    assert rows["item"].n_unique() == rows["id"].n_unique() == 24
    assert rows["instruction"].null_count() == 0
    back = rows.filter(technique="backtranslation")
    assert back["answer"].to_list() == back["source"].to_list()
    for artifact in made:
        entries, _ = parse_entries(store.folder(artifact) / "ledger.jsonl")
        assert {e.item for e in entries if e.status == "answered"} == set(read_all(store, (artifact,))["item"])
        assert "ledger.jsonl" not in artifact.files
    again = generate(store, settings, sources)  # with the server gone
    assert all(a.reused for a in again)
    assert again == made


def test_only_what_changes_the_text_changes_the_key(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm() as server, scripted_llm() as other:
        store = RunStore(str(tmp_path))
        first = generate(store, corpus(generator={"base_url": server.base_url}), sources)
        quick = {"base_url": other.base_url, "concurrency": 2, "timeout": 9.0, "attempts": 3, "max_failed": 0.5}
        assert contents(generate(store, corpus(generator=quick), sources)) == contents(first)
        assert other.requests == 0
        generate(store, corpus(generator={**quick, "temperature": 0.1}), sources)
        assert other.requests == 24


def test_a_lost_artifact_is_made_again_without_asking(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    store = RunStore(str(tmp_path))
    with scripted_llm() as server:
        settings = corpus(generator={"base_url": server.base_url})
        made = generate(store, settings, sources)
        (store.folder(made[0]) / "records.parquet").write_bytes(b"damaged")
        (store.folder(made[1]) / "manifest.json").unlink()
        again = generate(store, settings, sources)
        assert contents(again) == contents(made)
        assert [a.reused for a in again][:3] == [False, False, True]
        assert server.requests == 24


def test_another_shard_size_asks_for_nothing_again(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    store = RunStore(str(tmp_path))
    with scripted_llm() as server:
        few = generate(store, corpus(shard_size=5, generator={"base_url": server.base_url}), sources)
        many = generate(store, corpus(shard_size=7, generator={"base_url": server.base_url}), sources)
        assert server.requests == 24
    assert read_all(store, few).sort("item").equals(read_all(store, many).sort("item"))


@pytest.mark.chaos
@pytest.mark.parametrize(
    "fault", ["http-429", "http-500", "http-503", "reset", "half", "garbage", "half-json", "empty", "null", "timeout"]
)
def test_faults_that_pass_leave_no_trace(tmp_path: Path, corpus: Corpus, sources: Sources, fault: str) -> None:
    with scripted_llm() as server:
        calm = generate(RunStore(str(tmp_path / "calm")), corpus(generator={"base_url": server.base_url}), sources)
    with scripted_llm(faults={fault: 0.3}) as server:
        # Every request twice faulty at most, so the third attempt is answered.
        settings = corpus(generator={"base_url": server.base_url, "timeout": 0.5})
        store = RunStore(str(tmp_path / "rough"))
        made = generate(store, settings, sources)
        assert server.faulted[fault] > 0
        assert server.requests == 24 + server.faulted[fault]
        assert server.answered == 24
    assert contents(made) == contents(calm)
    statuses = [store.run_facts(a)["attempts"] for a in made]
    assert sum(s["retried"] for s in statuses) == server.faulted[fault]


@pytest.mark.chaos
@pytest.mark.parametrize("fault", ["huge", "nonsense", "surrogate", "english"])
def test_strange_replies_are_kept_and_not_used(tmp_path: Path, corpus: Corpus, sources: Sources, fault: str) -> None:
    with scripted_llm(faults={fault: 0.2}) as server:
        store = RunStore(str(tmp_path))
        rows = read_all(store, generate(store, corpus(generator={"base_url": server.base_url}), sources))
        assert server.requests == 24
        assert server.faulted[fault] > 0
    assert set(rows["status"]) == {"answered"}
    unusable = rows.filter(pl.col("instruction").is_null())
    assert unusable["reply"].null_count() == unusable["answer"].len() - unusable["answer"].null_count() == 0
    if fault not in ("surrogate", "english"):  # whole questions: what is wrong with them, curation says
        assert unusable.height == server.faulted[fault]


@pytest.mark.chaos
@pytest.mark.parametrize(("status", "attempts"), [("http-400", 1), ("http-422", 1), ("http-302", 1), ("http-503", 3)])
def test_lasting_faults_stop_the_run_early(
    tmp_path: Path, corpus: Corpus, sources: Sources, status: str, attempts: int
) -> None:
    with scripted_llm(faults={status: 1.0}, faulty_attempts=None) as server:
        settings = corpus(100, generator={"base_url": server.base_url, "attempts": 3})
        with pytest.raises(GenerationError, match=status) as caught:
            generate(RunStore(str(tmp_path)), settings, sources)
        assert server.base_url in str(caught.value)
        assert "not asked for again" in str(caught.value)
        assert server.requests <= 8 * attempts  # of 200: the run stopped where it could no longer succeed


@pytest.mark.chaos
def test_answers_before_a_failure_are_kept(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    store = RunStore(str(tmp_path / "a"))
    with scripted_llm() as server:
        calm = generate(RunStore(str(tmp_path / "b")), corpus(generator={"base_url": server.base_url}), sources)
    with scripted_llm(faults={"http-500": 0.4}, faulty_attempts=None) as server:
        settings = corpus(generator={"base_url": server.base_url, "attempts": 2})
        with pytest.raises(GenerationError, match="http-500"):
            generate(store, settings, sources)
        before = server.answered
    assert 0 < before < 24
    with scripted_llm() as server:
        made = generate(store, corpus(generator={"base_url": server.base_url, "attempts": 2}), sources)
        assert server.requests == 24 - before
    assert contents(made) == contents(calm)


@pytest.mark.chaos
def test_some_failures_may_be_kept_with_their_reason(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(faults={"http-500": 0.2}, faulty_attempts=None) as server:
        settings = corpus(generator={"base_url": server.base_url, "attempts": 1, "max_failed": 1.0})
        store = RunStore(str(tmp_path))
        made = generate(store, settings, sources)
    rows = read_all(store, made)
    failed = rows.filter(status="failed")
    assert failed.height == server.faulted["http-500"] == sum(a.counts["failed"] for a in made) > 0
    assert set(failed["error"]) == {"http-500"}
    assert failed["instruction"].null_count() == failed["reply"].null_count() == failed.height
    assert rows.height == 24


def test_an_absent_endpoint_is_told_in_seconds(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    start = time.monotonic()
    with pytest.raises(GenerationError, match="cannot be reached"):
        generate(RunStore(str(tmp_path)), corpus(generator={"base_url": "http://127.0.0.1:9/v1"}), sources)
    assert time.monotonic() - start < 10


def test_keys(
    tmp_path: Path,
    corpus: Corpus,
    sources: Sources,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-elses")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-somebody-elses")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: somebody-elses")
    monkeypatch.delenv("MY_KEY", raising=False)
    with scripted_llm(key="key-of-mine") as server:
        settings = corpus(generator={"base_url": server.base_url, "api_key_env": "MY_KEY"})
        with pytest.raises(InputError, match="MY_KEY is not set"):
            generate(RunStore(str(tmp_path)), settings, sources)
        monkeypatch.setenv("MY_KEY", "wrong")
        with pytest.raises(GenerationError, match="refuses the API key"):
            generate(RunStore(str(tmp_path)), settings, sources)
        assert server.requests == 0
        monkeypatch.setenv("MY_KEY", "key-of-mine")
        generate(RunStore(str(tmp_path)), settings, sources)
        assert "somebody-elses" not in json.dumps(server.headers)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) + caplog.text.encode()
    for secret in (b"key-of-mine", b"somebody-elses", b"wrong"):
        assert secret not in written


@pytest.mark.chaos
def test_a_key_withdrawn_in_mid_run_stops_it_at_once(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(faults={"http-401": 0.1}) as server:
        with pytest.raises(GenerationError, match="refuses the API key"):
            generate(RunStore(str(tmp_path)), corpus(100, generator={"base_url": server.base_url}), sources)
        assert server.requests < 60


def test_garbage_is_shown(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm(faults={"nonsense": 1.0}, faulty_attempts=None) as server:
        settings = corpus(80, shard_size=20, generator={"base_url": server.base_url})
        with pytest.raises(GenerationError, match="0 of 20 replies") as caught:
            generate(RunStore(str(tmp_path)), settings, sources)
        assert str(caught.value).count("……… ///") == 3
        asked = server.requests
        with pytest.raises(GenerationError, match="0 of 20 replies"):
            generate(RunStore(str(tmp_path)), settings, sources)
        assert asked < 160


def test_a_dry_store_starts_nothing(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    with scripted_llm() as server, pytest.raises(WouldMake):
        generate(RunStore(str(tmp_path), dry=True), corpus(generator={"base_url": server.base_url}), sources)
    assert server.requests == 0


def test_a_meddled_ledger_is_refused(tmp_path: Path, corpus: Corpus, sources: Sources) -> None:
    store = RunStore(str(tmp_path))
    with scripted_llm() as server:
        settings = corpus(generator={"base_url": server.base_url})
        made = generate(store, settings, sources)
        (store.folder(made[0]) / "records.parquet").unlink()
        ledger = next(path for path in tmp_path.glob(f"work/generate/{made[0].key[:16]}/ledger.jsonl"))
        lines = ledger.read_bytes().splitlines(keepends=True)
        ledger.write_bytes(b"".join([lines[0], b"meddled\n", *lines[1:]]))
        with pytest.raises(StoreError, match=r"ledger\.jsonl:2"):
            generate(store, settings, sources)
        # A reply recorded for an item that the shard does not have.
        extra: dict[str, Any] = {
            "request": "x",
            "item": "nobody/asked",
            "status": "answered",
            "attempt": 1,
            "reply": "?",
        }
        ledger.write_bytes(b"".join(lines) + json.dumps(extra).encode() + b"\n")
        with pytest.raises(AccountingError, match="nobody/asked"):
            generate(store, settings, sources)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'"text"', b'{"choices": {}}', b'{"choices": "no"}', b"\xff", b"<html>"],
)
def test_bodies_that_are_no_completion(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|not a chat completion|decode"):
        read_completion(body)


@pytest.mark.parametrize(
    "body", [b'{"choices": []}', b'{"choices": [7]}', b'{"choices": [{"message": null}]}', b'{"choices": [{}]}',
             b'{"choices": [{"message": {"content": null}}]}', b'{"choices": [{"message": {"content": []}}]}'],
)  # fmt: skip
def test_completions_that_say_nothing(body: bytes) -> None:
    assert read_completion(body)[0] == ""
