"""What went wrong with a request, in a stable code, and what to do about it: ask again, give it up, or stop."""

import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

# The request itself is wrong, or the endpoint will not have it: asking again costs and changes nothing.
FINAL = {400, 401, 402, 403, 404, 405, 413, 422, 501}
# No other request will fare better: wrong key, nothing left to pay with, no rights, no such model.
FATAL = {401, 402, 403, 404, 405}
# How a long queue looks from outside: our own timeout, a gateway's.
TOO_LONG = {"http-504", "timeout"}
# The endpoint has more in hand than it can serve; 529 is what some call being overloaded.
TOO_MUCH = {"http-429", "http-503", "http-529", *TOO_LONG}
FIRST_WAIT = 0.5  # seconds; doubled each time
LONGEST_WAIT = 30.0
LONGEST_RETRY_AFTER = 600.0  # what an endpoint may ask for; beyond that the run would not be waiting but hung
# What refusals of `response_format` and of grammars say; a single reply that broke its schema is another matter.
CONSTRAINT = re.compile(r"response_format|json_schema|json_object|grammar|guided|structured.?output", re.IGNORECASE)
BROKEN_REPLY = re.compile(r"json_validate_failed|failed_generation|failed to (generate|validate)", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """Why an attempt brought no reply.

    Attributes:
        code: stable: ``timeout``, ``connection``, ``http-503``, ``bad-body``, ``empty-reply``.
        detail: the endpoint's own words, for the error message only.
        retry: asking again may help.
        fatal: no other request will succeed either.
        wait: seconds the endpoint asked us to wait, if it did.
        charged: the endpoint may have worked, and charge, for it.
    """

    code: str
    detail: str = ""
    retry: bool = True
    fatal: bool = False
    wait: float | None = None
    charged: bool = False


def explain_status(status: int, wait: float | None, body: bytes) -> Fault:
    """Return what an HTTP status other than 200 means.

    Args:
        status: the status.
        wait: seconds that its headers ask for (`read_retry_after`).
        body: what it says.
    """
    try:
        error = json.loads(body)["error"]
        said = error if isinstance(error, str) else error["message"]
    except (ValueError, LookupError, TypeError):
        said = body[:1000].decode(errors="replace")
    if wait is not None and wait > LONGEST_RETRY_AFTER:
        asks = f"it asks to be left alone for {wait / 60:.0f} minutes: {shorten(str(said), 200)}"
        return Fault(f"http-{status}", asks, fatal=True)
    retry = status not in FINAL and status >= 400  # a redirect leads to a host that is not ours to talk to
    return Fault(f"http-{status}", shorten(str(said)), retry, status in FATAL, wait)


def explain_error(error: Exception, charged: bool) -> Fault:
    """Return what an exception of a request means.

    Args:
        error: the exception.
        charged: the request may have reached the endpoint.
    """
    if isinstance(error, TimeoutError):
        return Fault("timeout", charged=charged)
    if isinstance(error, ValueError):
        return Fault("bad-body", shorten(str(error)), charged=charged)
    return Fault("connection", shorten(str(error) or type(error).__name__), charged=charged)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the headers ask to wait: ``Retry-After`` in seconds or as an HTTP date (RFC 9110).

    ``retry-after-ms``, which OpenAI and Azure send beside it, is finer and comes first.
    """
    value, milliseconds = headers.get("Retry-After"), headers.get("retry-after-ms")
    try:
        seconds = float(milliseconds) / 1000 if milliseconds else float(value or "")
    except ValueError:
        try:
            date = parsedate_to_datetime(value or "")
        except ValueError:
            return None
        # An HTTP date is in GMT; one that does not say so would be read as this machine's time.
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time()
    return max(seconds, 0.0) if seconds < float("inf") else None  # NaN is not less than anything either


def choose_wait(attempt: int, fault: Fault) -> float:
    """Return the seconds to wait before the next attempt: exponential with jitter, never under Retry-After."""
    backoff = random.uniform(0.5, 1.0) * min(FIRST_WAIT * 2 ** min(attempt - 1, 10), LONGEST_WAIT)
    return max(backoff, fault.wait or 0.0)


def blames_constraint(code: str, detail: str) -> bool:
    """Tell whether an endpoint refuses how its replies are constrained (`generator.constrain`)."""
    refused = code in ("http-400", "http-422", "http-501")
    return refused and bool(CONSTRAINT.search(detail)) and not BROKEN_REPLY.search(detail)


def shorten(text: str, limit: int = 300) -> str:
    """Return a foreign text on one line, fit for an error message."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
