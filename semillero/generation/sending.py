"""One request over HTTP: a body goes out, a reply or the reason why there is none comes back."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from semillero.generation.retries import Fault, explain_error, explain_status, read_retry_after

if TYPE_CHECKING:
    import aiohttp

LONGEST_BODY = 16 << 20  # bytes; a server that sends without end is faulty


@dataclass(frozen=True)
class Received:
    """What became of one attempt.

    Attributes:
        seconds: how long it took.
        reply, finish: the text, and why the model stopped.
        usage: token counts, the endpoint's or, where it gave none, ours.
        estimated: they are ours.
        fault: why there is no reply.
    """

    seconds: float
    reply: str = ""
    finish: str | None = None
    usage: dict[str, int] | None = None
    fault: Fault | None = None
    estimated: bool = False


async def send(session: "aiohttp.ClientSession", body: Mapping[str, Any], timeout: float) -> Received:
    """Ask for one chat completion; never raises for the endpoint's sake."""
    import aiohttp

    started = time.monotonic()
    reply, finish, usage, fault = "", None, None, None
    try:
        async with (
            asyncio.timeout(timeout),
            session.post("chat/completions", json=body, allow_redirects=False) as response,
        ):
            content = await _read(response)
        if response.status == 200:
            reply, finish, usage = read_completion(content)
            fault = None if reply.strip() else Fault("empty-reply", charged=True)
        else:
            fault = explain_status(response.status, read_retry_after(response.headers), content)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # anything else is a bug of ours: let it out
        fault = explain_error(error, charged=not isinstance(error, aiohttp.ClientConnectorError))
    seconds = round(time.monotonic() - started, 3)
    return Received(seconds, reply, finish, usage, fault)


async def _read(response: "aiohttp.ClientResponse") -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LONGEST_BODY:
            raise ValueError(f"more than {LONGEST_BODY >> 20} MiB")
    return b"".join(parts)


def read_completion(body: bytes) -> tuple[str, str | None, dict[str, int] | None]:
    """Return a chat completion's text, finish reason and token counts; the text is empty when there is none.

    Raises:
        ValueError: the body is not a chat completion.
    """
    value = json.loads(body)
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list):
        raise ValueError(f"not a chat completion: {body[:200].decode(errors='replace')}")
    usage = _read_usage(value.get("usage"))
    if not choices:
        return "", None, usage
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    text = message.get("content") if isinstance(message, dict) else None
    finish = choices[0].get("finish_reason") if message else None
    # A lone surrogate is legal in JSON's escapes and in no file.
    clean = text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""
    return clean, finish if isinstance(finish, str) else None, usage


def _read_usage(counts: Any) -> dict[str, int] | None:
    if not isinstance(counts, dict):
        return None
    kinds = ("prompt_tokens", "completion_tokens")
    # Both or none: half a count would be booked as a cheaper request than it was.
    return {kind: counts[kind] for kind in kinds} if all(type(counts.get(kind)) is int for kind in kinds) else None
