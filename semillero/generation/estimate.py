"""What a run will ask for and cost, worked out before it: shown by ``semillero check``.

The missing shards are rehearsed: the pipelines that would run them are run against a channel that sends nothing and
notes what it was to send. Of many shards an even sample is rehearsed and the rest is taken to be like it; requests that
depend on replies are taken to be like those that come first. What ledgers hold already is not counted. Tokens, and
seconds a reply, are means of this project's ledgers where these know enough replies; before that, they are assumptions,
and the estimate says which.
"""

import tempfile
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semillero.generation.budget import CHARACTERS_A_TOKEN, Cost, add_up, charge, longest_reply, prompt_text
from semillero.generation.channel import STOPPED, Outcome, Request
from semillero.generation.endpoint import Endpoint
from semillero.generation.ledger import Entry, Ledger, read_answers
from semillero.generation.loop import LoopThread
from semillero.generation.plan import ShardPlan, plan_shards
from semillero.generation.shards import ask_shard, build_recipe, import_quietly
from semillero.models.embedded import GGUF_SHA256
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.store import RunStore

REHEARSED = 40  # shards
ENOUGH = 20  # replies from which on their means are better than an assumption
ASSUMED_SPEED = 40.0  # tokens a second of one reply
ASSUMED_IN_FLIGHT = 16  # what a search for the limit is taken to find


@dataclass(frozen=True)
class Estimate:
    """What is left to ask for.

    Attributes:
        planned, answered: requests of the plan, and how many of them a ledger or an artifact holds already.
        cost: of those that are left; completion tokens and money at most, where ``measured`` is 0.
        seconds: how long they will take.
        spent: what all requests of the project cost so far.
        measured: earlier replies that tokens and seconds are means of; 0 when both are assumptions.
        in_flight: requests at once that the time was worked out with.
    """

    planned: int
    answered: int
    cost: Cost
    seconds: float
    spent: Cost
    measured: int
    in_flight: int


class _Rehearsal:
    """A `Way` that sends nothing and keeps what it was to send."""

    def __init__(self, corpus: CorpusSettings) -> None:
        generator = corpus.generator
        identity = GGUF_SHA256 if generator.kind == "embedded" else generator.model
        self.endpoint = Endpoint(generator.base_url or "http://127.0.0.1/v1", generator.model, identity)
        self.requests: list[Request] = []
        self._extra = generator.extra_body
        self._loop = LoopThread("rehearsal")

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run(work)

    def halt(self) -> None:
        """Nothing to stop."""

    async def ask(self, request: Request, ledger: Ledger) -> Outcome:
        self.requests.append(request.add(self._extra))
        return Outcome(error=STOPPED)

    def close(self) -> None:
        async def nothing() -> None: ...

        self._loop.close(nothing(), None)


def estimate_generation(store: RunStore, sources: Sources, corpus: CorpusSettings) -> Estimate:
    """Work out what generation will still ask for.

    Raises:
        InputError: a source cannot be used.
    """
    plans = plan_shards(corpus, sources)
    recipes = [build_recipe(plan, corpus.generator) for plan in plans]
    missing = [plan for plan, recipe in zip(plans, recipes, strict=True) if store.find(recipe) is None]
    planned = sum(plan.requests for plan in plans)
    work = store.work(recipes[0]).parents[1]
    known = read_answers(work / "generate")
    requests = rehearse(missing[:: max(1, len(missing) // REHEARSED)], corpus) if missing else []
    open_requests = [r for r in requests if r.digest(_identity(corpus)) not in known]
    scale = sum(plan.requests for plan in missing) / len(requests) if requests else 0.0
    left = round(scale * len(open_requests))
    prompt, completion, seconds, measured = _expect(open_requests, list(known.values()))
    usage = {"prompt_tokens": round(left * prompt), "completion_tokens": round(left * completion)}
    generator = corpus.generator
    searched = generator.concurrency == "auto" and generator.kind != "embedded"
    in_flight = ASSUMED_IN_FLIGHT if searched else generator.most_in_flight
    cost = charge(corpus.budget.generator, usage)
    return Estimate(
        planned,
        planned - left,
        Cost(left, cost.prompt_tokens, cost.completion_tokens, cost.money),
        left * seconds / min(in_flight, max(left, 1)),
        add_up(work, corpus.budget),
        measured,
        in_flight,
    )


def describe_estimate(estimate: Estimate, corpus: CorpusSettings) -> tuple[bool, str]:
    """Return whether the budget has room for an estimate, and its lines for people."""
    cost, budget, spent = estimate.cost, corpus.budget, estimate.spent
    known = f"as {estimate.measured:,} earlier replies" if estimate.measured else ""
    total = spent + cost
    limits = ((total.requests, budget.requests), (total.tokens, budget.tokens), (total.money, budget.money))
    fits = all(limit is None or value <= limit for value, limit in limits)
    lines = [
        f"requests: {cost.requests:,} to send, {estimate.answered:,} of {estimate.planned:,} answered already",
        f"prompt tokens: {cost.prompt_tokens:,} ({known or f'{CHARACTERS_A_TOKEN} characters a token, assumed'})",
        f"completion tokens: {cost.completion_tokens:,} ({known or 'at most: max_tokens each'})",
        f"time: {_say_time(estimate.seconds)} with {estimate.in_flight} requests at once "
        f"({known or f'{ASSUMED_SPEED:.0f} tokens a second each, assumed'})",
    ]
    if cost.money or spent.money:
        lines.append(
            f"money: {'' if estimate.measured else 'at most '}{cost.money:.2f}, {spent.money:.2f} spent so far"
        )
    if not fits:
        lines.append("budget: corpus.budget ends the run before; it goes on when that is raised")
    return fits, "\n".join(lines)


def _identity(corpus: CorpusSettings) -> str:
    return GGUF_SHA256 if corpus.generator.kind == "embedded" else corpus.generator.model


def rehearse(plans: Sequence[ShardPlan], corpus: CorpusSettings) -> list[Request]:
    """Return the requests that shards would send first; those that depend on replies are not among them."""
    import_quietly()
    rehearsal = _Rehearsal(corpus)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for plan in plans:
                ask_shard(plan, Path(folder) / f"{plan.name}.jsonl", rehearsal, corpus, lambda _: None)
    finally:
        rehearsal.close()
    return rehearsal.requests


def _expect(requests: Sequence[Request], known: Sequence[Entry]) -> tuple[float, float, float, int]:
    """Return prompt tokens, completion tokens and seconds of one request, and how many replies say so."""
    if not requests:
        return 0.0, 0.0, 0.0, 0
    counted = [(entry.usage, entry.seconds) for entry in known if entry.usage and not entry.estimated and entry.attempt]
    if len(counted) >= ENOUGH:
        sums = [sum(usage[f"{kind}_tokens"] for usage, _ in counted) for kind in ("prompt", "completion")]
        mean = [value / len(counted) for value in (*sums, sum(seconds for _, seconds in counted))]
        return mean[0], mean[1], mean[2], len(counted)
    prompt = sum(len(prompt_text(request.payload)) for request in requests) / CHARACTERS_A_TOKEN / len(requests)
    completion = sum(longest_reply(request.payload) for request in requests) / len(requests)
    return prompt, completion, completion / ASSUMED_SPEED, 0


def _say_time(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
