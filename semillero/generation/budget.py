"""What requests cost, and the limit that is never passed.

Every attempt has a line in a ledger, with the endpoint's token counts or, where it gives none, an estimate (and then
the line says so). The sum over all ledgers of the run store is what the project has spent, in this run and before.
Before a request is sent, the most it can cost is set aside; when that does not fit, requests in flight are waited for,
since most cost less than the most; when nothing is in flight and it still does not fit, generation stops.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from semillero.errors import BudgetReached, StoreError
from semillero.generation.ledger import Entry, parse_entries
from semillero.project import BudgetSettings, Price

# The quickstart's prompts have 3.3 (Catalan) to 3.9 (Spanish) with Gemma's tokenizer: benchmarks/generation/tokens.py.
CHARACTERS_A_TOKEN = 3.5
TEMPLATE_TOKENS = 64  # what an endpoint's chat template may add to a prompt
MILLION = 1_000_000


@dataclass(frozen=True)
class Cost:
    """What requests cost, or may cost.

    Attributes:
        requests: how many were sent.
        prompt_tokens, completion_tokens: sums.
        money: in the currency of the prices.
        estimated: how many requests' tokens are estimates.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    money: float = 0.0
    estimated: int = 0

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(*(getattr(self, name) - getattr(other, name) for name in self.__dataclass_fields__))


def charge(price: Price, usage: Mapping[str, int] | None, estimated: bool = False) -> Cost:
    """Return what one request cost that used so many tokens."""
    usage = usage or {}
    prompt, completion = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    money = (prompt * price.prompt + completion * price.completion) / MILLION
    return Cost(1, prompt, completion, money, int(estimated))


def charge_entry(price: Price, entry: Entry) -> Cost:
    """Return what a line of a ledger cost; money at the prices of its time, today's where it knows none."""
    if entry.attempt == 0:  # taken over from another ledger, where it is counted
        return Cost()
    cost = charge(price, entry.usage, entry.estimated is True)
    return cost if entry.money is None else replace(cost, money=entry.money)


def prompt_text(payload: Mapping[str, Any]) -> str:
    """Return all that a request's messages say."""
    return "\n".join(str(message.get("content", "")) for message in payload["messages"])


def longest_reply(payload: Mapping[str, Any]) -> int:
    """Return the most tokens a reply may have."""
    return int(payload.get("max_completion_tokens") or payload.get("max_tokens") or 0)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text is."""
    return round(len(text) / CHARACTERS_A_TOKEN)


def add_up(folder: Path, budget: BudgetSettings) -> Cost:
    """Return what all ledgers under a run store's working folder (``STAGE/*/ledger.jsonl``) say was spent."""
    total = Cost()
    # The report's swapped sentences go to the judge or the generator; its lines know their own price.
    for stage, price in (("generate", budget.generator), ("judge", budget.judge), ("report", budget.generator)):
        for path in sorted(folder.glob(f"{stage}/*/ledger.jsonl")):
            with contextlib.suppress(StoreError, OSError):  # whoever owns a damaged one will be told
                total = sum((charge_entry(price, entry) for entry in parse_entries(path)[0]), total)
    return total


class Purse:
    """What may still be spent; used from one event loop.

    Args:
        budget: the limits.
        spent: what earlier runs and shards cost.
        price: of the endpoint that is asked now.

    Attributes:
        spent: what everything cost so far.
        price: see above.
    """

    def __init__(self, budget: BudgetSettings, spent: Cost, price: Price) -> None:
        self.spent = spent
        self.price = price
        self._budget = budget
        self._limited = (budget.requests, budget.tokens, budget.money) != (None, None, None)
        self._set_aside = Cost()
        self._settled = asyncio.Event()

    @classmethod
    def open(cls, folder: Path, budget: BudgetSettings, price: Price) -> "Purse":
        """Return the purse of a run store whose working folder is ``folder``."""
        purse = cls(budget, Cost(), price)
        if purse._limited:
            purse.spent = add_up(folder, budget)
        return purse

    def most(self, payload: Mapping[str, Any]) -> Cost:
        """Return the most a request can cost: a token a byte of its prompt, and the longest reply."""
        if not self._limited:
            return Cost()
        prompt = len(prompt_text(payload).encode()) + TEMPLATE_TOKENS
        return charge(self.price, {"prompt_tokens": prompt, "completion_tokens": longest_reply(payload)})

    def has_room(self, most: Cost) -> bool:
        """Tell whether a request may be sent now."""
        return not self._limited or self._fits(self.spent + self._set_aside + most)

    async def set_aside(self, most: Cost) -> bool:
        """Set aside what a request may cost; False when there is no room for it, whatever those in flight will cost."""
        while not self.has_room(most):
            if self._set_aside.requests == 0:
                return False
            self._settled.clear()
            await self._settled.wait()
        if self._limited:
            self._set_aside += most
        return True

    def settle(self, most: Cost, cost: Cost) -> None:
        """Replace what was set aside by what it cost."""
        if self._limited:
            self._set_aside -= most
            self._settled.set()
        self.spent += cost

    def explain(self) -> BudgetReached:
        """Return the error that ends a run here."""
        spent, budget = self.spent, self._budget
        limits = [
            f"{spent.requests:,} of {budget.requests:,} requests" if budget.requests is not None else "",
            f"{spent.tokens:,} of {budget.tokens:,} tokens" if budget.tokens is not None else "",
            f"{spent.money:.4f} of {budget.money:.4f} in money" if budget.money is not None else "",
        ]
        about = f" (the tokens of {spent.estimated:,} requests are estimates)" if spent.estimated else ""
        return BudgetReached(
            f"the budget is reached: {', '.join(filter(None, limits))} spent{about}",
            "room for one more request, should it cost the most it can",
            "raise corpus.budget in the project file, or ask for fewer rows, and run the same command again: "
            "every reply so far is kept and not paid for again",
        )

    def _fits(self, cost: Cost) -> bool:
        limits = self._budget
        return (
            (limits.requests is None or cost.requests <= limits.requests)
            and (limits.tokens is None or cost.tokens <= limits.tokens)
            # Sums of prices such as 0.1 are not exact: a millionth is forgiven.
            and (limits.money is None or cost.money <= limits.money * (1 + 1e-6))
        )
