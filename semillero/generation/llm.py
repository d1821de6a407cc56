"""distilabel's OpenAI model, made durable: what it asks goes through a `Channel` and into a `Ledger`.

One failed request costs one row its reply, with the reason in an ``error`` column; it never takes the batch along,
as it does in distilabel. Nothing is raised for the endpoint's sake: whoever runs the shard counts and decides.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from distilabel.models.llms import OpenAILLM
from distilabel.models.llms.base import AsyncLLM
from pydantic import PrivateAttr, SecretStr

from semillero.generation.channel import STOPPED, Outcome, Request
from semillero.generation.endpoint import Endpoint
from semillero.generation.ledger import Ledger


class Way(Protocol):
    """Where requests go: a `Channel`, or a rehearsal that sends nothing."""

    endpoint: Endpoint

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine that asks, and wait for it."""
        ...

    def halt(self) -> None:
        """Send nothing any more."""
        ...

    async def ask(self, request: Request, ledger: Ledger) -> Outcome:
        """Return a request's end."""
        ...


class DurableLLM(OpenAILLM):  # type: ignore[misc]
    """One shard's model.

    Attributes:
        allowed_failures: failed requests the shard may keep; one more stops the whole run.
    """

    allowed_failures: int = 0
    _channel: Way = PrivateAttr()
    _ledger: Ledger = PrivateAttr()
    _advance: Callable[[int], None] = PrivateAttr()
    _failed: int = PrivateAttr(default=0)

    def attach(self, channel: Way, ledger: Ledger, advance: Callable[[int], None]) -> "DurableLLM":
        """Give the model its way out, its memory and its progress bar; returns itself."""
        self._channel, self._ledger, self._advance = channel, ledger, advance
        return self

    def load(self) -> None:
        """Prepare the logger only: the channel has the client, and a client a shard would be a pool a shard."""
        AsyncLLM.load(self)

    def unload(self) -> None:
        """Nothing to release: channel and ledger belong to the run."""

    def generate(self, inputs: list[Any], num_generations: int = 1, **kwargs: Any) -> list[Any]:
        """Return one output an input, in order, once all are settled."""
        return self._channel.run(self._agenerate(inputs=inputs, num_generations=num_generations, **kwargs))

    # `wraps` keeps the original's signature and docstring: distilabel reads both when it validates a pipeline.
    @functools.wraps(OpenAILLM.agenerate)
    async def agenerate(self, input: Any, num_generations: int = 1, **kwargs: Any) -> Any:
        """Return a reply, or None and an error code."""
        _, request = input
        outcome = await self._channel.ask(Request(request["item"], request["payload"]), self._ledger)
        if outcome.error is not None and outcome.error != STOPPED:
            self._failed += 1
            if self._failed > self.allowed_failures:
                self._channel.halt()
        self._advance(1)
        return {"generations": [outcome.reply], "statistics": {}, "error": [outcome.error]}


def build_llm(channel: Way, ledger: Ledger, allowed_failures: int, advance: Callable[[int], None]) -> DurableLLM:
    """Return the model of one shard."""
    # The key stays in the channel: whatever distilabel dumps or logs of this object cannot leak it.
    llm = DurableLLM(
        model=channel.endpoint.model,
        base_url=channel.endpoint.base_url,
        api_key=SecretStr("held by the channel"),
        max_retries=0,
        allowed_failures=allowed_failures,
    )
    return llm.attach(channel, ledger, advance)
