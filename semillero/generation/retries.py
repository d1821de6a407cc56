"""What went wrong with a request, in a stable code, and what to do about it: ask again, give it up, or stop."""

import json
import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

# The request itself is wrong, or the endpoint will not have it: asking again costs and changes nothing.
FINAL = {400, 401, 403, 404, 413, 422}
# No other request will fare better: wrong key, no rights, no such model.
FATAL = {401, 403, 404}
FIRST_WAIT = 0.5  # seconds; doubled each time
LONGEST_WAIT = 30.0
LONGEST_RETRY_AFTER = 600.0  # what an endpoint may ask for; beyond that the run is not waiting but hung


@dataclass(frozen=True)
class Fault:
    """Why an attempt brought no reply.

    Attributes:
        code: stable: ``timeout``, ``connection``, ``http-503``, ``bad-body``, ``empty-reply``.
        detail: the endpoint's own words, for the error message only.
        retry: asking again may help.
        fatal: no other request will succeed either.
        wait: seconds the endpoint asked us to wait, if it did.
    """

    code: str
    detail: str = ""
    retry: bool = True
    fatal: bool = False
    wait: float | None = None


def explain_status(status: int, retry_after: str | None, body: bytes) -> Fault:
    """Return what an HTTP status other than 200 means."""
    try:
        said = json.loads(body)["error"]["message"]
    except (ValueError, LookupError, TypeError):
        said = body[:1000].decode(errors="replace")
    retry = status not in FINAL and status >= 400  # a redirect leads to a host that is not ours to talk to
    return Fault(f"http-{status}", shorten(str(said)), retry, status in FATAL, read_retry_after(retry_after))


def explain_error(error: Exception) -> Fault:
    """Return what an exception of a request means."""
    if isinstance(error, TimeoutError):
        return Fault("timeout")
    if isinstance(error, ValueError):
        return Fault("bad-body", shorten(str(error)))
    return Fault("connection", shorten(str(error) or type(error).__name__))


def read_retry_after(value: str | None) -> float | None:
    """Return the seconds a Retry-After header asks for (a number or an HTTP date), bounded; None without one."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if seconds == seconds else None


def choose_wait(attempt: int, fault: Fault) -> float:
    """Return the seconds to wait before the next attempt: exponential with full jitter, never under Retry-After."""
    backoff = random.uniform(0.5, 1.0) * min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    return max(backoff, fault.wait or 0.0)


def shorten(text: str, limit: int = 300) -> str:
    """Return a foreign text on one line, fit for an error message."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
