"""When generation must stop, and what it then says: too many failed requests, too few usable replies, lost rows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from semillero.errors import AccountingError, GenerationError
from semillero.generation.channel import STOPPED, Channel
from semillero.generation.endpoint import refused_key
from semillero.generation.ledger import Entry
from semillero.generation.plan import ShardPlan
from semillero.generation.retries import blames_constraint, shorten
from semillero.generation.techniques import TECHNIQUES
from semillero.project import GeneratorSettings

Rows = list[dict[str, Any]]

SHOWN = 3  # raw replies
LEAST_JUDGED = 10  # replies
REMEDIES = {
    "timeout": "raise generator.timeout or lower generator.concurrency",
    "connection": "see that the endpoint is up and stays up",
    "empty-reply": "see that the model answers at all: try generator.constrain: none",
    "bad-body": "see that base_url is an OpenAI-compatible API (it ends in /v1)",
    "http-400": "see whether the endpoint takes generator.constrain: grammar is llama.cpp's; try json_schema or none",
    "http-404": "correct generator.base_url or generator.model",
    "http-413": "the prompts are too long for this endpoint: use shorter seeds and passages",
    "http-422": "see whether the endpoint takes generator.constrain; try json_schema or none",
    "http-429": "lower generator.concurrency, or wait until the quota is renewed",
}
PASSING = {"timeout", "http-429"}  # may be over in a minute; a refused connection or request is not
KEPT = "then run the same command again: replies recorded so far are kept and not asked for again"


def count_allowed(max_failed: float, requests: int) -> int:
    """Return how many failed requests a shard may keep."""
    return int(max_failed * requests + 1e-9)  # 0.29 × 100 is 28.999… in binary


def check_failures(
    plan: ShardPlan, rows: Iterable[dict[str, Any]], generator: GeneratorSettings, channel: Channel
) -> None:
    """Refuse a shard with too many failed requests.

    Raises:
        GenerationError: says the most frequent cause, the endpoint, and that answered requests are kept.
    """
    errors = Counter(row["error"] for row in rows if row["error"])
    stopped, total = errors.pop(STOPPED, 0), len(plan.items)
    failed = sum(errors.values())
    if not stopped and failed <= count_allowed(generator.max_failed, total):
        return
    if channel.reason:
        raise channel.reason
    endpoint = channel.endpoint
    if channel.fatal and channel.fatal.code in ("http-401", "http-403"):
        raise refused_key(endpoint, channel.fatal.code)
    (code, detail), _ = channel.faults.most_common(1)[0]
    asked = f"{failed} of {total} requests failed in shard {plan.name}" if failed else f"shard {plan.name} was stopped"
    raise GenerationError(
        f"{asked}; most often {code} from {endpoint.base_url}" + (f" ({detail})" if detail else ""),
        f"at most {generator.max_failed:.0%} failed after {generator.attempts} attempts each",
        f"{_choose_remedy(code, detail)}; {KEPT}",
        retryable=not channel.fatal and (code in PASSING or code.startswith("http-5")),
    )


def _choose_remedy(code: str, detail: str) -> str:
    if blames_constraint(code, detail):
        return "it refuses how replies are constrained: set generator.constrain: none, or see docs/endpoints.md"
    return REMEDIES.get(code, "see what the endpoint says about it")


class YieldGate:
    """Stops a run whose replies are mostly unusable: more requests would bring more of the same.

    A shard is judged by itself and together with those before it, but never on fewer than `LEAST_JUDGED` replies:
    a last shard of one item, which happens to be unusable, says nothing about the model.

    Args:
        min_yield: least share of usable replies.
    """

    def __init__(self, min_yield: float) -> None:
        self._min_yield = min_yield
        self._seen: Rows = []

    def check(self, plan: ShardPlan, rows: Rows) -> None:
        """Judge one more shard.

        Raises:
            GenerationError: too few replies are usable; shows raw ones.
        """
        shard = [row for row in rows if not row["error"]]
        self._seen += shard
        self._judge(f"in shard {plan.name}", shard)
        self._judge(f"up to shard {plan.name}", self._seen)

    def _judge(self, where: str, answered: Rows) -> None:
        bad = [row["reply"] for row in answered if not row["instruction"]]
        repairs = ", ".join(f"{name} {count}" for name, count in count_repairs(answered).items())
        usable = len(answered) - len(bad)
        if len(answered) < LEAST_JUDGED or usable >= self._min_yield * len(answered):
            return
        shown = "\n".join(f"  {number}. {shorten(reply)!r}" for number, reply in enumerate(bad[:SHOWN], start=1))
        raise GenerationError(
            f"only {usable} of {len(answered)} replies {where} are usable"
            + (f" (repaired: {repairs})" if repairs else "")
            + f"; raw replies:\n{shown}",
            f"at least {self._min_yield:.0%} (corpus.min_yield)",
            "try another model, temperature, max_tokens or generator.constrain; the replies are kept in the ledger",
        )


def count_repairs(rows: Rows) -> dict[str, int]:
    """Return how many usable replies needed each repair (`semillero.generation.replies.REPAIRS`), by name."""
    counts = Counter(repair for row in rows for asked in row["asked"] for repair in asked["repairs"])
    return dict(sorted(counts.items()))


def check_accounts(plan: ShardPlan, rows: Rows, entries: Iterable[Entry]) -> dict[str, int]:
    """Return the shard's counts: items requested, answered and failed; and answered items with a repaired reply.

    An item is answered when all requests that it sent are, and failed when one is: then its earlier requests are
    answered in the ledger all the same, and are not asked again.

    Raises:
        AccountingError: rows, plan and ledger do not agree; says where.
    """
    failed = sum(row["error"] is not None for row in rows)
    counts = {"requested": len(plan.items), "answered": len(rows) - failed, "failed": failed}
    counts["repaired"] = sum(not row["error"] and any(asked["repairs"] for asked in row["asked"]) for row in rows)
    if {row["item"] for row in rows} != {item.item for item in plan.items} or len(rows) != len(plan.items):
        raise AccountingError(
            f"shard {plan.name}: {counts['requested']} items requested, {len(rows)} rows came back",
            "requested = answered + failed, each item once",
        )
    technique = TECHNIQUES[plan.technique]
    sent = [(row, asked, technique.request(row["item"], asked["step"])) for row in rows for asked in row["asked"]]
    answered = {name for _, asked, name in sent if asked["reply"] is not None}
    _compare(plan, "answered", answered, {entry.item for entry in entries if entry.status == "answered"})
    lost = {name for row, asked, name in sent if row["error"] and asked is row["asked"][-1]}
    told = {entry.item for entry in entries if entry.status == "failed"}
    _compare(plan, "failed", lost, told & lost)
    return counts


def _compare(plan: ShardPlan, what: str, sent: set[str], recorded: set[str]) -> None:
    if sent != recorded:
        where = ", ".join(sorted(sent ^ recorded)[:5])
        raise AccountingError(
            f"shard {plan.name}: {len(sent)} requests were {what}, the ledger has {len(recorded)} ({where})",
            "a ledger line for each request, and a request for each line",
        )
