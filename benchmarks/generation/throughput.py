"""Does generation keep an endpoint as busy as a plain asyncio client with the same concurrency?

Run from the repository's root; writes nothing but its table::

    python -m benchmarks.generation.throughput [--requests 1000] [--latency 0.2] [--concurrency 16,32,64]

The endpoint is the tests' scripted server in a process of its own, which answers each request after the same latency;
*limit* is concurrency / latency. The plain client is aiohttp with a semaphore, no ledger, no retries, no parsing.
Both send the same bodies, in turns, and the best of the rounds counts. Ours is timed from the first request to the
last artifact: distilabel's import, which happens once a process, is not in it.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from typing import Any

import aiohttp

from semillero.generation import generate_shards, plan_shards
from semillero.generation.plan import ShardPlan
from semillero.generation.prompts import build_payload, choose_form, render_prompt
from semillero.generation.techniques import TECHNIQUES
from semillero.project import CorpusSettings
from semillero.store import RunStore
from tests.semillero.generation.conftest import make_corpus, make_sources


def build_bodies(plans: tuple[ShardPlan, ...], corpus: CorpusSettings) -> list[dict[str, Any]]:
    bodies = []
    for plan in plans:
        (step,) = TECHNIQUES[plan.technique].steps  # the two that this corpus uses send one request a row
        for row in plan.rows():
            form = choose_form(corpus.generator)
            prompt = render_prompt(step, plan.language, plan.variety_name, {**row, "found": {}}, form)
            payload = build_payload(step, plan.language, row["item"], prompt, corpus.generator)
            bodies.append({"model": corpus.generator.model, **payload})
    return bodies


async def run_plain(url: str, bodies: list[dict[str, Any]], concurrency: int) -> float:
    slots = asyncio.Semaphore(concurrency)

    async def ask(session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        async with slots, session.post(f"{url}/chat/completions", json=body) as response:
            assert (await response.json())["choices"]

    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        start = time.perf_counter()
        await asyncio.gather(*(ask(session, body) for body in bodies))
        return len(bodies) / (time.perf_counter() - start)


def run_ours(corpus: CorpusSettings, plans: tuple[ShardPlan, ...], requests: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        start = time.perf_counter()
        generate_shards(store, plans, corpus)
        return requests / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--concurrency", default="16,32,64")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    command = [sys.executable, "-m", "tests.scripted_llm", "--port", "0", "--latency", str(options.latency)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    print("| concurrency | limit | plain client | semillero | share |\n|---|---|---|---|---|")
    try:
        for concurrency in map(int, options.concurrency.split(",")):
            generator = {"base_url": url, "concurrency": concurrency, "timeout": 60.0}
            corpus = make_corpus(options.requests // 2, 50, generator=generator)
            plans = plan_shards(corpus, make_sources())
            bodies = build_bodies(plans, corpus)
            warm = make_corpus(1, generator=generator)
            run_ours(warm, plan_shards(warm, make_sources()), 1)
            plain = ours = 0.0
            for _ in range(options.rounds):
                plain = max(plain, asyncio.run(run_plain(url, bodies, concurrency)))
                ours = max(ours, run_ours(corpus, plans, len(bodies)))
            limit = concurrency / options.latency
            print(f"| {concurrency} | {limit:.0f}/s | {plain:.0f}/s | {ours:.0f}/s | {ours / plain:.0%} |", flush=True)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
