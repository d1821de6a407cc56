"""SIGKILL at random moments, then the same command: same content, and nothing paid for twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from semillero.generation import generate_shards, plan_shards
from semillero.generation.ledger import parse_entries
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.records import GENERATED, read_records
from semillero.store import RunStore
from tests.scripted_llm import scripted_llm

ROOT = Path(__file__).parents[3]
CONCURRENCY = 6
CHILD = """
import json, sys
from semillero.generation import generate_shards, plan_shards
from semillero.store import RunStore
from tests.semillero.generation.conftest import make_corpus, make_sources
requests, size, concurrency = map(int, sys.argv[3:6])
techniques = json.loads(sys.argv[6])
generator = {"base_url": sys.argv[2], "concurrency": concurrency}
corpus = make_corpus(requests, size, techniques=techniques, generator=generator)
generate_shards(RunStore(sys.argv[1]), plan_shards(corpus, make_sources()), corpus)
"""


BOTH = {"backtranslation": 0.5, "self_instruct": 0.5}  # a request a row each


def start(
    store: Path,
    url: str,
    techniques: dict[str, float],
    requests: int = 60,
    size: int = 11,
    concurrency: int = CONCURRENCY,
) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    numbers = map(str, (requests, size, concurrency))
    command = [sys.executable, "-c", CHILD, str(store), url, *numbers, json.dumps(techniques)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def count_answered(store: Path) -> int:
    return sum(
        entry.status == "answered" and entry.attempt > 0
        for path in store.glob("work/generate/*/ledger.jsonl")
        for entry in parse_entries(path)[0]
    )


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize(
    ("faults", "techniques"),
    [
        ({}, BOTH),
        ({"http-503": 0.15, "reset": 0.1}, {"backtranslation": 0.4, "conversation": 0.3, "candidates": 0.3}),
    ],
    ids=["calm, one request a row", "rough, several"],
)
def test_kills_at_random_moments_cost_only_what_was_in_flight(
    tmp_path: Path,
    corpus: Callable[..., CorpusSettings],
    sources: Sources,
    faults: dict[str, float],
    techniques: dict[str, float],
) -> None:
    with scripted_llm() as server:
        settings = corpus(60, 11, techniques=techniques, generator={"base_url": server.base_url})
        calm = generate_shards(RunStore(str(tmp_path / "calm")), plan_shards(settings, sources), settings)
        planned = sum(plan.requests for plan in plan_shards(settings, sources))
        assert server.requests == planned
    store, kills, chance = tmp_path / "killed", 0, random.Random(7)
    with scripted_llm(latency=0.15, faults=faults) as server:
        while kills < 4:
            child, before = start(store, server.base_url, techniques), server.requests
            while server.requests < before + 2 and child.poll() is None:  # importing is not what we want to kill
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.9))
            if child.poll() is not None:
                break
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
            time.sleep(0.3)  # what was in flight reaches the server
            assert server.answered - count_answered(store) <= kills * CONCURRENCY
        assert kills >= 2
        assert start(store, server.base_url, techniques).wait() == 0
        assert count_answered(store) == planned
        assert server.answered <= planned + kills * CONCURRENCY
        asked = server.requests
        settings = corpus(60, 11, techniques=techniques, generator={"base_url": server.base_url})
        made = generate_shards(RunStore(str(store)), plan_shards(settings, sources), settings)
        assert server.requests == asked
    assert [a.content for a in made] == [a.content for a in calm]
    assert all(a.reused for a in made)


@pytest.mark.long
@pytest.mark.chaos
def test_many_shards_killed_often_agree_with_what_the_server_counted(
    tmp_path: Path, corpus: Callable[..., CorpusSettings], sources: Sources
) -> None:
    requests, size, concurrency, kills, chance = 250, 5, 12, 0, random.Random()  # 100 shards, 500 requests
    with scripted_llm(latency=0.1, faults={"http-429-bare": 0.05, "half": 0.05, "http-500": 0.05}) as server:
        while kills < 8:
            child, before = start(tmp_path, server.base_url, BOTH, requests, size, concurrency), server.requests
            while server.requests < before + 2 and child.poll() is None:
                time.sleep(0.005)
            time.sleep(chance.uniform(0.0, 0.6))
            if child.poll() is not None:
                break
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
            time.sleep(0.3)  # what was in flight reaches the server
            assert server.answered - count_answered(tmp_path) <= kills * concurrency
        assert kills >= 2
        assert start(tmp_path, server.base_url, BOTH, requests, size, concurrency).wait() == 0
        # At the server: every request once, but for those in flight at a kill and those that met a fault.
        repeated = sum(count - 1 for count in server.bodies.values())
        assert len(server.bodies) == 500
        assert repeated <= kills * concurrency + server.faulted.total()
        settings = corpus(requests, size, techniques=BOTH, generator={"base_url": server.base_url})
        store, asked = RunStore(str(tmp_path)), server.requests
        made = generate_shards(store, plan_shards(settings, sources), settings)
        assert server.requests == asked
    assert len(made) == 100
    assert all(artifact.reused for artifact in made)
    replies = {}
    for artifact in made:  # ledger and parquet agree, item by item
        rows = read_records(store.folder(artifact) / "records.parquet", GENERATED)
        entries, _ = parse_entries(store.folder(artifact) / "ledger.jsonl")
        answered = {entry.item: entry.reply for entry in entries if entry.status == "answered"}
        assert dict(zip(rows["item"], rows["reply"], strict=True)) == answered
        replies.update(answered)
    assert len(replies) == 500


@pytest.mark.chaos
def test_a_torn_ledger_goes_on(tmp_path: Path, corpus: Callable[..., CorpusSettings], sources: Sources) -> None:
    store = RunStore(str(tmp_path))
    with scripted_llm() as server:
        settings = corpus(generator={"base_url": server.base_url})
        plans = plan_shards(settings, sources)
        made = generate_shards(store, plans, settings)
        (store.folder(made[0]) / "records.parquet").unlink()
        ledger = tmp_path / "work" / "generate" / made[0].key[:16] / "ledger.jsonl"
        os.truncate(ledger, ledger.stat().st_size - 7)
        again = generate_shards(store, plans, settings)
        assert server.requests == 25  # the one whose line was torn
    assert [a.content for a in again] == [a.content for a in made]
