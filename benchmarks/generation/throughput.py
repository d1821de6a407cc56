"""Does generation keep an endpoint as busy as a plain asyncio client, and how does distilabel's Pipeline compare?

Run from the repository's root; writes nothing but its table::

    python -m benchmarks.generation.throughput [--requests 4000] [--latency 0.2] [--concurrency 16,32,64,auto] \
        [--embedded 60] [--rounds 3] [--without-pipeline]

Two endpoints: the tests' scripted server in a process of its own, which answers each request after the same latency
(*limit* is concurrency / latency), and the embedded model. Arms:

- plain: aiohttp with a semaphore; no ledger, no retries, no parsing. On a row *auto* it has the concurrency that the
  search ended with.
- semillero: `generate_shards` into an empty run store, from the first request to the last artifact.
- Pipeline: distilabel's own, with batches as large as the concurrency; less what a run with one row takes, which is
  its start and its end.

All send the same prompts, in turns within each round. A share is that of the median rates over the rounds. Each arm
gets a server just started: the embedded one keeps the prompts that it has read, and who came second would find them.
"""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp

from semillero.generation import channel, generate_shards, plan_shards
from semillero.generation.budget import prompt_text
from semillero.generation.embedded import serve_embedded
from semillero.generation.endpoint import Endpoint
from semillero.generation.estimate import rehearse
from semillero.generation.plan import ShardPlan
from semillero.generation.shards import import_quietly
from semillero.project import CorpusSettings
from semillero.store import RunStore
from tests.semillero.generation.conftest import make_corpus, make_sources

KEY = "BENCHMARK_LLM_KEY"
Serve = Callable[[], contextlib.AbstractContextManager[Endpoint]]


async def run_plain(endpoint: Endpoint, bodies: list[dict[str, Any]], concurrency: int) -> float:
    slots = asyncio.Semaphore(concurrency)

    async def ask(session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        async with slots, session.post(f"{endpoint.base_url}/chat/completions", json=body) as response:
            assert (await response.json())["choices"]

    connector = aiohttp.TCPConnector(limit=concurrency)
    headers = {"Authorization": f"Bearer {endpoint.key}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        start = time.perf_counter()
        await asyncio.gather(*(ask(session, body) for body in bodies))
        return len(bodies) / (time.perf_counter() - start)


def run_ours(corpus: CorpusSettings, plans: tuple[ShardPlan, ...], requests: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        start = time.perf_counter()
        generate_shards(store, plans, corpus)
        return requests / (time.perf_counter() - start)


def run_pipeline(endpoint: Endpoint, bodies: list[dict[str, Any]], concurrency: int) -> float:
    def seconds(prompts: list[str]) -> float:
        asked = {"url": endpoint.base_url, "key": endpoint.key, "model": endpoint.model, "prompts": prompts}
        asked |= {"concurrency": concurrency, "temperature": bodies[0]["temperature"]}
        asked |= {"max_tokens": bodies[0]["max_tokens"]}
        command = [sys.executable, "-m", "benchmarks.generation.stock"]
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
        return float(json.loads(done.stdout.splitlines()[-1])["seconds"])

    prompts = [prompt_text(body) for body in bodies]
    return len(prompts) / (seconds(prompts) - seconds(prompts[:1]))


def compare(
    serve: Serve, corpus: Callable[[Endpoint], CorpusSettings], rounds: int, pipeline: bool, latency: float | None
) -> None:
    """Print one row of the table."""
    rates: dict[str, list[float]] = {"ours": [], "plain": [], "pipeline": []}
    for _ in range(rounds):
        with serve() as endpoint:
            settings = corpus(endpoint)
            number = settings.generator.concurrency
            plans = plan_shards(settings, make_sources())
            bodies = [{"model": endpoint.model, **request.payload} for request in rehearse(plans, settings)]
            channel._found.clear()  # each search starts anew
            rates["ours"].append(run_ours(settings, plans, len(bodies)))
            in_flight = channel._found[endpoint.base_url, endpoint.model] if number == "auto" else number
        with serve() as endpoint:
            rates["plain"].append(asyncio.run(run_plain(endpoint, bodies, in_flight)))
        if pipeline:
            with serve() as endpoint:
                rates["pipeline"].append(run_pipeline(endpoint, bodies, in_flight))
    median = {arm: statistics.median(found) for arm, found in rates.items() if found}
    plain = median["plain"]
    what = f"scripted, {latency:g} s" if latency else "embedded model"
    limit = f"{in_flight / latency:.0f}/s" if latency else "–"
    stock = f"{median['pipeline']:.1f}/s ({median['pipeline'] / plain:.0%})" if pipeline else "–"
    print(
        f"| {what} | {f'auto → {in_flight}' if number == 'auto' else number} | {limit} | {plain:.1f}/s | "
        f"{median['ours']:.1f}/s | **{median['ours'] / plain:.0%}** | {stock} |",
        flush=True,
    )


@contextlib.contextmanager
def serve_scripted(latency: float) -> Iterator[Endpoint]:
    command = [sys.executable, "-m", "tests.scripted_llm", "--port", "0", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield Endpoint(server.stdout.readline().strip(), "scripted", "scripted")
        finally:
            server.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=4000, help="on the scripted server; 0: leave it out")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--concurrency", default="16,32,64,auto")
    parser.add_argument("--embedded", type=int, default=60, help="requests to the embedded model; 0: leave it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-pipeline", action="store_true", help="leave distilabel's Pipeline out")
    options = parser.parse_args()
    print("| endpoint | concurrency | limit | plain client | semillero | share | distilabel's Pipeline |")
    print("|---|---|---|---|---|---|---|", flush=True)

    def ask_scripted(endpoint: Endpoint) -> CorpusSettings:
        generator = {"base_url": endpoint.base_url, "concurrency": concurrency, "timeout": 60.0}
        return make_corpus(options.requests // 2, 50, generator=generator)

    def ask_embedded(endpoint: Endpoint) -> CorpusSettings:
        # As the user's own endpoint, so that the server's start is in nobody's time.
        os.environ[KEY] = endpoint.key
        generator = {"base_url": endpoint.base_url, "model": endpoint.model, "api_key_env": KEY, "max_tokens": 60}
        generator |= {"concurrency": 8, "timeout": 600.0}
        return make_corpus(options.embedded // 2, 25, generator=generator, min_yield=0.0)

    import_quietly()  # once a run, and in nobody's time
    pipeline = not options.without_pipeline
    if options.requests:
        for text in options.concurrency.split(","):
            concurrency = text if text == "auto" else int(text)
            serve = functools.partial(serve_scripted, options.latency)
            compare(serve, ask_scripted, options.rounds, pipeline, options.latency)
    if options.embedded:
        compare(serve_embedded, ask_embedded, options.rounds, pipeline, None)


if __name__ == "__main__":
    main()
