"""How requests to Argilla are sent: to one host only, and again when the fault is passing.

The SDK speaks through httpx and retries nothing but refused connections. This transport is put in its place: it sends
the key to no other host than the configured one, and repeats what can be repeated without doing it twice (reads, and
writes that name what they write). Making a user or a dataset is not repeated blindly: whoever makes it looks first.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import httpx

log = logging.getLogger("semillero.review")
Done = TypeVar("Done")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further try: about 15 in all, a restart of a small server
LONGEST_PAUSE = 30.0  # seconds, whatever Retry-After asks for
TIMEOUT = httpx.Timeout(60.0, connect=10.0)  # seconds; a batch of records on SQLite takes a few
# 500 too: two pushes that write the same record at once, or a locked SQLite, end in it, and the second try succeeds.
REPEATABLE_FAULTS = {429, 500, 502, 503, 504}
REFUSED_UNTOUCHED = {429, 503}  # the server said that it did nothing


def look_again(step: Callable[[], Done]) -> Done:
    """Take a step that looks before it acts, and take it again when Argilla refuses it.

    Two runs at once may try the same change. Argilla answers the second with a conflict, with "not found", or, when
    both reach its database together, with an internal error; what counts is what the next look shows.
    """
    from argilla._exceptions import ArgillaError

    for _ in range(2):
        with contextlib.suppress(ArgillaError):
            return step()
    return step()


class PatientTransport(httpx.BaseTransport):
    """An httpx transport for one origin that tries again.

    Args:
        origin: the only scheme, host and port that requests may go to.
        pauses: seconds to wait before each further try; `PAUSES` by default.
    """

    def __init__(self, origin: str, pauses: Sequence[float] | None = None) -> None:
        self._origin = _origin(httpx.URL(origin))
        self._pauses = tuple(PAUSES if pauses is None else pauses)
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body has been read when it comes back.

        Raises:
            httpx.UnsupportedProtocol: the request is for another host.
            httpx.TransportError: no answer, however often it was asked.
        """
        if _origin(request.url) != self._origin:
            raise httpx.UnsupportedProtocol(f"refused to send the key to {request.url.host}: it is for another host")
        for pause in self._pauses:
            try:
                response = self._send(request)
            except httpx.TransportError as error:
                if not _may_repeat(request, error):
                    raise
                self._wait(pause, type(error).__name__)
                continue
            if not _is_passing(request, response.status_code):
                return response
            self._wait(max(pause, _asked_pause(response)), f"status {response.status_code}")
        return self._send(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        try:
            response.read()  # here, so that a server that dies in mid-answer is asked again
        finally:
            response.close()
        return response

    def _wait(self, seconds: float, why: str) -> None:
        log.warning("Argilla at %s: %s; trying again in %.1f s", self._origin[1], why, seconds)
        time.sleep(seconds)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _is_idempotent(request: httpx.Request) -> bool:
    return request.method in {"GET", "HEAD", "PUT", "PATCH"} or request.url.path.endswith("/search")


def _may_repeat(request: httpx.Request, error: httpx.TransportError) -> bool:
    never_sent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return never_sent or _is_idempotent(request)


def _is_passing(request: httpx.Request, status: int) -> bool:
    if request.url.path.endswith("/search") and status == 500:
        return False  # a search index that is not there: waiting does not bring it back
    return status in (REPEATABLE_FAULTS if _is_idempotent(request) else REFUSED_UNTOUCHED)


def _asked_pause(response: httpx.Response) -> float:
    asked = response.headers.get("retry-after", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else 0.0
