"""The way to Argilla: which server, with which key, and what is said when it cannot be reached.

The address is the project file's, else ``$ARGILLA_API_URL``, else the local server's (`semillero argilla up`). The key
is the environment variable's that the project file names; the local server has its own, which goes to it alone, as the
team's key goes to the team's server alone. Neither is ever printed.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from semillero.errors import InputError, SemilleroError
from semillero.project.models import CREDENTIALS_IN_URL, ReviewSettings

if TYPE_CHECKING:
    import argilla

URL_VARIABLE = "ARGILLA_API_URL"
START_LOCAL = "run `semillero argilla up` for a local one, or set review.url (or ARGILLA_API_URL) to your team's"


class Access(NamedTuple):
    """Where Argilla is, and the key for it (never to be printed)."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"Access(url={self.url!r}, key=…)"


def connect(review: ReviewSettings) -> "argilla.Argilla":
    """Return a client of the project's Argilla, tried out.

    Args:
        review: gives the address, or null, and the NAME of the variable with the key.

    Raises:
        InputError: no server is configured, there is no key, or the server refuses it or its rights.
        SemilleroError: the server does not answer (retryable).
    """
    access = find_access(review)
    with explain_faults(access.url):
        try:
            return _open(access, review)
        except ValueError:  # it answered, but not as Argilla does
            raise InputError(f"there is no Argilla at {access.url}", "its address", START_LOCAL) from None


def find_access(review: ReviewSettings) -> Access:
    """Return the address and the key, without a request.

    Raises:
        InputError: there is none, or the address cannot be used.
    """
    from semillero.review.server import local_argilla

    local = local_argilla()
    configured = (review.url or os.environ.get(URL_VARIABLE, "")).strip().rstrip("/")
    if not configured and local is None:
        raise InputError("no Argilla server is configured, and no local one is running", "", START_LOCAL)
    url = configured or (local.url.rstrip("/") if local else "")
    _check_url(url)
    if local is not None and url == local.url.rstrip("/"):
        return Access(url, local.api_key)
    key = os.environ.get(review.api_key_env, "").strip()
    if not key:
        raise InputError(
            f"there is no key for the Argilla at {url}: {review.api_key_env} is not set",
            "the API key of an owner (in Argilla: My settings)",
            f"export {review.api_key_env}=… and run the same command again",
        )
    return Access(url, key)


@contextlib.contextmanager
def explain_faults(url: str) -> Iterator[None]:
    """Turn what the SDK and httpx raise inside the block into errors for people.

    Raises:
        InputError: the key, or what its owner may do, is refused.
        SemilleroError: anything else; retryable where the server was down or failing.
    """
    import httpx
    from argilla._exceptions import ArgillaError

    try:
        yield
    except (httpx.TransportError, httpx.HTTPStatusError, ArgillaError) as error:
        raise _explain(url, error) from None  # the cause could show headers, and with them the key


def _explain(url: str, error: Exception) -> SemilleroError:
    status = _find_status(error)
    again = "what was sent is kept: run the same command again"
    if status is None:
        down = f"Argilla at {url} does not answer ({type(error).__name__})"
        return SemilleroError(down, "", f"see that it is up (`semillero argilla status`); {again}", retryable=True)
    if status == 401:
        return InputError(f"Argilla at {url} refuses the key", "an owner's API key", "set the key again: My settings")
    if status == 403:
        return InputError(f"the key for Argilla at {url} may not do this", "an OWNER's API key", "use an owner's key")
    if status >= 500 or status == 429:
        return SemilleroError(f"Argilla at {url} fails with status {status}", "", again, retryable=True)
    if 300 <= status < 400:
        return InputError(f"{url} answers with a redirect", "Argilla's own address", "set review.url to it")
    return SemilleroError(f"Argilla at {url} refuses a request (status {status}): {_detail(error)}")


def _find_status(error: BaseException | None) -> int | None:
    """Return the HTTP status behind an error; the SDK wraps errors in one another and sometimes drops it."""
    from httpx import HTTPStatusError, TransportError

    while error is not None:
        if isinstance(error, TransportError):
            return None
        if isinstance(error, HTTPStatusError):
            return error.response.status_code
        if type(error).__name__ == "ArgillaCredentialsError":
            return 401
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return 400


def _detail(error: BaseException) -> str:
    from httpx import HTTPStatusError

    text = error.response.text if isinstance(error, HTTPStatusError) else str(error.__cause__ or error)
    return " ".join(text.split())[:500]


def _check_url(url: str) -> None:
    if CREDENTIALS_IN_URL.match(url):
        raise InputError("Argilla's URL carries credentials", "", "put the key in an environment variable")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(f"{url!r} is no address of an Argilla server", "http(s)://host[:port]", START_LOCAL)


def _open(access: Access, review: ReviewSettings) -> "argilla.Argilla":
    import argilla

    from semillero.review.patience import TIMEOUT, PatientTransport

    # httpx prefers a mount over the transport that the SDK makes.
    mounts = {"all://": PatientTransport(access.url)}
    client = argilla.Argilla(api_url=access.url, api_key=access.key, timeout=TIMEOUT, mounts=mounts)
    if client.me.role != "owner":
        raise InputError(
            f"the key in {review.api_key_env} belongs to {client.me.username}, whose role is {client.me.role.value}",
            "an owner, who may make users, workspaces and datasets",
            "use an owner's API key",
        )
    return client
