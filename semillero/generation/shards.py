"""Generate: every shard of the plan becomes an artifact, and no recorded reply is asked for twice.

In: the plan. Out: one artifact a shard with ``records.parquet`` (every planned item, answered or failed) and, outside
its content, ``ledger.jsonl`` (every attempt). Shards that exist are reused; the endpoint is opened only when one is
missing, and then once for all. Shards are in flight together, so the endpoint has work at every moment; they are
published one after the other, in the plan's order.
"""

import contextlib
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semillero.generation.budget import Purse
from semillero.generation.channel import Channel
from semillero.generation.endpoint import open_endpoint
from semillero.generation.failures import YieldGate, check_accounts, check_failures, count_allowed, count_repairs
from semillero.generation.ledger import Ledger, count_statuses, parse_entries, read_answers
from semillero.generation.plan import ShardPlan
from semillero.generation.prompts import EMBEDDED_SAMPLING, digest_prompts
from semillero.generation.rows import build_records, finish_rows
from semillero.generation.techniques import TECHNIQUES
from semillero.models.embedded import GGUF_SHA256
from semillero.progress import track
from semillero.project import CorpusSettings, GeneratorSettings
from semillero.records import GENERATED, write_records
from semillero.store import Artifact, Draft, Recipe, RunStore

if TYPE_CHECKING:
    from semillero.generation.llm import Way

VERSION = 3
LEDGER = "ledger.jsonl"
# Of the generator, what changes the text. Address, speed and patience do not.
TEXT_SETTINGS = ("kind", "model", "temperature", "max_tokens", "constrain", "seed")

Rows = list[dict[str, Any]]


def generate_shards(store: RunStore, plans: Sequence[ShardPlan], corpus: CorpusSettings) -> tuple[Artifact, ...]:
    """Return the artifact of every shard, made where it does not exist.

    Raises:
        InputError: the API key's variable is not set, or the embedded model is not installed.
        GenerationError: the endpoint cannot be reached, too many requests failed, or too few replies are usable.
        AccountingError: a shard's rows are not its requests.
        StoreError: the ledger or the artifact cannot be written.
    """
    recipes = [build_recipe(plan, corpus.generator) for plan in plans]
    artifacts = {recipe.key: store.find(recipe) for recipe in recipes}
    missing = [(p, r) for p, r in zip(plans, recipes, strict=True) if artifacts[r.key] is None]
    with contextlib.ExitStack() as stack:
        ahead: _Ahead | None = None
        gate = YieldGate(corpus.min_yield)
        for plan, recipe in missing:
            with store.draft(recipe) as draft:
                # Opened inside the first draft: a dry store refuses before, and the model's start is timed with it.
                ahead = ahead or _open_ahead(stack, store, missing, corpus)
                rows = ahead.next_rows()
                check_failures(plan, rows, corpus.generator, ahead.channel)
                gate.check(plan, rows)
                _fill_draft(draft, plan, rows, store.work(recipe) / LEDGER)
            artifacts[recipe.key] = draft.artifact
    return tuple(artifact for recipe in recipes if (artifact := artifacts[recipe.key]) is not None)


def build_recipe(plan: ShardPlan, generator: GeneratorSettings) -> Recipe:
    """Return a shard's recipe: its items, its prompts, and the settings that change the text."""
    settings = generator.model_dump(mode="json", include=set(TEXT_SETTINGS))
    if generator.extra_body:
        settings["extra_body"] = generator.extra_body
    if generator.kind == "embedded":
        settings.update(gguf=GGUF_SHA256, sampling=EMBEDDED_SAMPLING)
    inputs: dict[str, str | list[str]] = {
        "items": plan.item_digests(),
        "prompts": digest_prompts(TECHNIQUES[plan.technique], plan.language),
    }
    return Recipe("generate", VERSION, inputs, settings, part=plan.name)


@dataclass
class _Ahead:
    """The shards that are being asked for, a few ahead of the one that is being published."""

    channel: Channel
    start: Callable[[], "Future[Rows] | None"]  # the next shard, if there is one left
    running: list["Future[Rows]"]

    def next_rows(self) -> Rows:
        """Wait for the next shard in the plan's order."""
        rows = self.running.pop(0).result()
        if (following := self.start()) is not None:
            self.running.append(following)
        return rows


def _open_ahead(
    stack: contextlib.ExitStack,
    store: RunStore,
    missing: Sequence[tuple[ShardPlan, Recipe]],
    corpus: CorpusSettings,
) -> _Ahead:
    generator = corpus.generator
    import_quietly()
    endpoint = stack.enter_context(open_endpoint(generator))
    advance = stack.enter_context(track("generating", total=sum(plan.requests for plan, _ in missing)))
    known = read_answers(store.work(missing[0][1]).parent)
    window = 2 + 2 * generator.most_in_flight // corpus.shard_size  # always at least two rounds of requests at hand
    pool = ThreadPoolExecutor(window, thread_name_prefix="shard")
    stack.callback(pool.shutdown, wait=True, cancel_futures=True)
    purse = Purse.open(store.work(missing[0][1]).parent.parent, corpus.budget, corpus.budget.generator)
    channel = stack.enter_context(Channel(endpoint, generator, known, purse))
    waiting = iter(missing)

    def start() -> "Future[Rows] | None":
        following = next(waiting, None)
        if following is None:
            return None
        plan, recipe = following
        return pool.submit(ask_shard, plan, store.work(recipe) / LEDGER, channel, corpus, advance)

    running = [shard for _ in range(window) if (shard := start()) is not None]
    return _Ahead(channel, start, running)


def ask_shard(
    plan: ShardPlan, ledger_path: Path, channel: "Way", corpus: CorpusSettings, advance: Callable[[int], None]
) -> Rows:
    """Return one row an item, with the columns of `Ask` and those that its technique makes of the replies."""
    from semillero.generation.dag import build_pipeline, run_pipeline
    from semillero.generation.llm import build_llm

    allowed = count_allowed(corpus.generator.max_failed, len(plan.items))
    with Ledger(ledger_path) as ledger:
        llm = build_llm(channel, ledger, allowed, advance)
        rows = run_pipeline(build_pipeline(plan, corpus.generator, llm))
    advance(plan.requests - sum(len(row["asked"]) for row in rows))  # requests that an unusable reply made needless
    return finish_rows(plan, rows)


def _fill_draft(draft: Draft, plan: ShardPlan, rows: Rows, ledger_path: Path) -> None:
    entries, _ = parse_entries(ledger_path)
    frame = build_records(plan, rows)
    draft.counts.update(check_accounts(plan, rows, entries))
    write_records(frame, GENERATED, draft.path / "records.parquet")
    shutil.copyfile(ledger_path, draft.path / LEDGER)
    draft.volatile.add(LEDGER)
    draft.run["attempts"] = count_statuses(entries)
    draft.run["repairs"] = count_repairs(rows)
    draft.run["tokens"] = {
        kind: sum((entry.usage or {}).get(f"{kind}_tokens", 0) for entry in entries)
        for kind in ("prompt", "completion")
    }


def import_quietly() -> None:
    """Import distilabel."""
    # Importing distilabel makes every traceback print local variables, keys among them: undone. Its annotations
    # displease today's pydantic, to no effect.
    hook = sys.excepthook
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import semillero.generation.dag  # noqa: F401
    sys.excepthook = hook
