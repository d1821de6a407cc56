"""What went wrong on the Hub: whether it may pass, and how it is told."""

import json
from collections.abc import Iterator

from semillero.errors import PublishError

# Busy, gone for a moment, or (412) another writer was faster.
TRANSIENT = frozenset({408, 409, 412, 425, 429, 500, 502, 503, 504})


def is_transient(error: BaseException) -> bool:
    """Tell whether a fault may pass, so that it is worth looking again: lost connections, a busy server, a race."""
    import httpx2
    from huggingface_hub.errors import RevisionNotFoundError

    faults = list(_causes(error))
    status = next((s for s in map(status_of, faults) if s is not None), None)
    if any(isinstance(fault, RevisionNotFoundError) for fault in faults):
        return True  # a repository just made may not have its branch yet
    if status is not None:
        return status in TRANSIENT
    # RuntimeError is what the chunk storage's client raises; JSONDecodeError is half an answer.
    passing = (httpx2.TransportError, ConnectionError, TimeoutError, RuntimeError, json.JSONDecodeError)
    return any(isinstance(fault, passing) for fault in faults)


def explain(error: BaseException, what: str, endpoint: str) -> PublishError:
    """Return a fault that will not pass as an error for the user."""
    status = next((s for s in map(status_of, _causes(error)) if s is not None), None)
    again = "then run the same command again; what has been published stays, nothing is sent twice"
    if status == 401:
        found, remedy = f"{what}: {endpoint} does not accept the token (expired or revoked?)", f"renew it, {again}"
    elif status in (403, 404):
        found = f"{what}: the token may not write there, or the organization does not exist"
        remedy = f"give it write access to that organization's repositories, {again}"
    elif status == 402:
        found, remedy = f"{what}: {endpoint} asks for a paid plan ({shorten(error)})", "choose another kind of account"
    else:
        found, remedy = f"{what}: {shorten(error)}", f"correct what it names, {again}"
    return PublishError(found, "a server that takes what is published", remedy)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status an error carries, if it carries one."""
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None)


def asked_wait(error: BaseException) -> float:
    """Return the seconds that a server asks to wait (``Retry-After``), 0 when it does not say."""
    value = next(
        (r.headers.get("retry-after", "") for e in _causes(error) if (r := getattr(e, "response", None)) is not None),
        "",
    )
    return float(value) if value.isdigit() else 0.0


def shorten(error: BaseException) -> str:
    """Return what an error says, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:4])[:300] or type(error).__name__
