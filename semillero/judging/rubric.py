"""The rubric judge: an instruction-tuned model reads each pair and gives a grade from 1 to 5.

Requests go through generation's channel and ledger: every verdict is on disk before it is used, and is never paid for
twice. A verdict that cannot be read is no grade: its row gets no score, and too many of them stop the run.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from semillero.digests import digest_file
from semillero.errors import EvaluationError, GenerationError
from semillero.generation.channel import STOPPED, Channel, Outcome, Request
from semillero.generation.endpoint import refused_key
from semillero.generation.ledger import Ledger
from semillero.generation.opening import open_channel
from semillero.generation.retries import blames_constraint, shorten
from semillero.project.models import BudgetSettings, GeneratorSettings, JudgeSettings
from semillero.records import SCORES

PROMPT = Path(__file__).parent / "prompts" / "rubric.es.j2"
LOWEST, HIGHEST = 1, 5
MAX_UNREADABLE = 0.2
SHOWN = 3  # raw verdicts in the error
# Faults of one row: the endpoint will not read it, or has nothing to say of it. Any other fault is the endpoint's.
ROW_FAULTS = {"http-400", "http-413", "http-422", "bad-body", "empty-reply"}
GRADE = r"([1-5](?:[.,]\d+)?)(?![\d])"
LABELLED = re.compile(rf"(?:nota|puntuaci[oó]n|grade|score)[\"'*\s:=]*{GRADE}", re.IGNORECASE)
ALONE = re.compile(rf"[\s*\"']*{GRADE}(?:\s*/\s*5)?[\s*\"'.]*")
SCHEMA = {
    "type": "object",
    "properties": {"razon": {"type": "string"}, "nota": {"type": "integer", "enum": [1, 2, 3, 4, 5]}},
    "required": ["razon", "nota"],
    "additionalProperties": False,
}


def score_by_rubric(
    rows: pl.DataFrame, judge: JudgeSettings, ledger: Path, budget: BudgetSettings | None = None
) -> pl.DataFrame:
    """Score rows with a model at an OpenAI-compatible endpoint.

    Args:
        rows: has `id`, `variety`, `topic`, `instruction`, `answer`, and may have `history`, which the judge is shown.
        judge: endpoint, model and limits.
        ledger: the file that holds every attempt; its neighbours' verdicts on the same requests are reused.
        budget: what all requests of the project may cost; no limit by default.

    Returns:
        One score a row (SCORES), in the same order: 0 for the worst grade, 1 for the best, null without a verdict.

    Raises:
        InputError: the API key's environment variable is not set.
        GenerationError: the endpoint cannot be reached, refuses the key or keeps failing.
        EvaluationError: more than `MAX_UNREADABLE` of the rows have no verdict that can be read.
    """
    caller = _as_generator(judge)
    requests = [_make_request(row, judge) for row in rows.iter_rows(named=True)]
    budget = budget or BudgetSettings()
    with open_channel(caller, ledger, budget, budget.judge, "judging", len(requests)) as (channel, opened, advance):
        outcomes = channel.run(_ask_all(channel, opened, requests, advance))
        _check_endpoint(channel, outcomes)
    scored = [_read_outcome(outcome) for outcome in outcomes]
    _check_readable(scored, outcomes)
    values = {"score": [score for score, _ in scored], "detail": [detail for _, detail in scored]}
    return pl.DataFrame({"id": rows["id"], **values}, schema=SCORES)


def parse_verdict(reply: str) -> tuple[float, str] | None:
    """Return the grade (1 to 5) and the reason of a reply, or None when it holds no grade.

    The reply may be the JSON object asked for, one in a code fence or a sentence, or a labelled or lone number.
    """
    start, end = reply.find("{"), reply.rfind("}")
    try:
        value: Any = json.loads(reply[start : end + 1], strict=False) if 0 <= start < end else None
    except ValueError:
        value = None
    if isinstance(value, dict) and not isinstance(value.get("nota"), bool):
        match = ALONE.fullmatch(str(value.get("nota")))
        reason = " ".join(str(value.get("razon", "")).split())
    else:
        match = LABELLED.search(reply) or ALONE.fullmatch(reply.strip())
        reason = ""
    grade = float(match.group(1).replace(",", ".")) if match else 0.0
    return (grade, reason) if LOWEST <= grade <= HIGHEST else None


def digest_prompt() -> str:
    """Return the digest of the rubric's text."""
    return digest_file(PROMPT)


async def _ask_all(
    channel: Channel, ledger: Ledger, requests: list[Request], advance: Callable[[int], None]
) -> list[Outcome]:
    async def ask(request: Request) -> Outcome:
        outcome = await channel.ask(request, ledger)
        if outcome.error and outcome.error not in ROW_FAULTS:
            channel.halt()  # the endpoint is at fault: the other rows would wait for the same
        advance(1)
        return outcome

    return await asyncio.gather(*(ask(request) for request in requests))


def _make_request(row: Mapping[str, Any], judge: JudgeSettings) -> Request:
    payload: dict[str, Any] = {
        "messages": [{"role": "user", "content": _template().render(row={"history": None, **row})}],
        "temperature": 0.0,
        "max_tokens": judge.max_tokens,
    }
    if judge.constrain == "json_schema":
        schema = {"name": "nota", "strict": True, "schema": SCHEMA}
        payload["response_format"] = {"type": "json_schema", "json_schema": schema}
    return Request(row["id"], payload)


def _as_generator(judge: JudgeSettings) -> GeneratorSettings:
    """Return the judge's endpoint as generation's channel takes it."""
    shared = {"base_url", "model", "api_key_env", "max_tokens", "concurrency", "timeout", "attempts"}
    return GeneratorSettings(kind="openai", **judge.model_dump(include=shared))


def _check_endpoint(channel: Channel, outcomes: list[Outcome]) -> None:
    if channel.reason:
        raise channel.reason
    refusals = [detail for code, detail in channel.faults if blames_constraint(code, detail)]
    if refusals and not any(outcome.reply for outcome in outcomes):
        raise GenerationError(
            f"the judge at {channel.endpoint.base_url} refuses a JSON schema ({refusals[0]})",
            "an endpoint that takes response_format",
            "set corpus.judge.constrain: none; verdicts are read from plain text as well",
        )
    failed = [o.error for o in outcomes if o.error and o.error not in ROW_FAULTS and o.error != STOPPED]
    if not failed:
        return
    if channel.fatal and channel.fatal.code in ("http-401", "http-403"):
        raise refused_key(channel.endpoint, channel.fatal.code)
    (code, detail), _ = channel.faults.most_common(1)[0]
    raise GenerationError(
        f"the judge at {channel.endpoint.base_url} fails: most often {code}" + (f" ({detail})" if detail else ""),
        "a verdict on every row",
        "see that the endpoint is up and serves corpus.judge.model, then run the same command again: "
        "verdicts recorded so far are kept",
    )


def _read_outcome(outcome: Outcome) -> tuple[float | None, str]:
    if outcome.error:
        return None, f"no verdict: {outcome.error}"
    reply = outcome.reply or ""
    verdict = parse_verdict(reply)
    if verdict is None:
        return None, f"unreadable verdict: {shorten(reply, 120)}"
    grade, reason = verdict
    return (grade - LOWEST) / (HIGHEST - LOWEST), f"{grade:g} of {HIGHEST}" + (f": {reason}" if reason else "")


def _check_readable(scored: list[tuple[float | None, str]], outcomes: list[Outcome]) -> None:
    bad = [outcome for (score, _), outcome in zip(scored, outcomes, strict=True) if score is None]
    if len(bad) <= MAX_UNREADABLE * len(scored):
        return
    shown = [f"  {n}. {o.error or repr(shorten(o.reply or ''))}" for n, o in enumerate(bad[:SHOWN], start=1)]
    raise EvaluationError(
        f"{len(bad)} of {len(scored)} verdicts cannot be read; the first:\n" + "\n".join(shown),
        f"at most {MAX_UNREADABLE:.0%} without a grade from {LOWEST} to {HIGHEST}",
        "name an instruction-tuned model that follows a JSON schema, raise corpus.judge.max_tokens, "
        "or set corpus.judge.kind: likelihood",
    )


@cache
def _template() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # plain text, not markup
    )
    return environment.from_string(PROMPT.read_text(encoding="utf-8"))
