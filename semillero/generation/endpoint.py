"""Where the model answers: an OpenAI-compatible endpoint, the user's or the embedded one.

The key comes from the environment variable that the project file names; it goes into the Authorization header of
requests to ``base_url`` and nowhere else. Redirects are not followed, so nothing reaches another host.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from semillero.errors import GenerationError, InputError
from semillero.generation.retries import explain_fault
from semillero.project import GeneratorSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NO_KEY = "none"  # servers without authentication ignore it; an empty header is refused by some proxies
PATIENCE = 3.0  # seconds given to an endpoint that refuses connections: it may be starting
CONNECT_TIMEOUT = 10.0
SENT_HEADERS = {
    "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent",
    "x-stainless-raw-response",  # how the client remembers that it was asked for the undecoded body
}  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint.

    Attributes:
        base_url: up to and including ``/v1``.
        model: the model's name as the endpoint knows it.
        identity: what the replies depend on: the model's name, or the digest of its file.
        key: the API key; left out of every printed form.
    """

    base_url: str
    model: str
    identity: str
    key: str = field(default=NO_KEY, repr=False)


@contextlib.contextmanager
def open_endpoint(generator: GeneratorSettings) -> Iterator[Endpoint]:
    """Yield the endpoint of a project: the embedded server started, or the user's one looked at first.

    Raises:
        InputError: the key's environment variable is not set, or the ``local`` extra is not installed.
        GenerationError: the endpoint cannot be reached, or refuses the key.
    """
    if generator.kind == "embedded":
        from semillero.generation.embedded import serve_embedded

        with serve_embedded() as endpoint:
            yield endpoint
        return
    endpoint = Endpoint(str(generator.base_url), generator.model, generator.model, read_key(generator.api_key_env))
    check_endpoint(endpoint)
    yield endpoint


def read_key(variable: str | None) -> str:
    """Return the API key from its environment variable.

    Raises:
        InputError: the variable is named but not set.
    """
    if variable is None:
        return NO_KEY
    key = os.environ.get(variable, "").strip()
    if not key:
        raise InputError(
            f"the environment variable {variable} is not set",
            "the generator's API key in it (api_key_env in the project file)",
            f"export {variable}=…, or remove api_key_env if the endpoint needs no key",
        )
    return key


def check_endpoint(endpoint: Endpoint) -> None:
    """Ask the endpoint for its models, to learn in seconds whether it is there and takes the key.

    An endpoint that has no such list (any other status) is left to the first real request to judge.

    Raises:
        GenerationError: it cannot be reached, or it refuses the key.
    """
    import openai

    def clean(request: Any) -> None:
        keep_own_headers(request, endpoint.key)

    transport = openai.DefaultHttpxClient(**transport_options(endpoint), event_hooks={"request": [clean]})
    with openai.OpenAI(**client_options(endpoint, CONNECT_TIMEOUT), http_client=transport) as client:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                client.models.with_raw_response.list()
            except openai.APITimeoutError:
                return  # slow is not absent
            except openai.APIConnectionError as error:
                if time.monotonic() >= deadline:
                    raise _unreachable(endpoint, explain_fault(error).detail) from None
                time.sleep(0.5)
                continue
            except openai.APIStatusError as error:
                if error.status_code in (401, 403):
                    raise refused_key(endpoint, f"http-{error.status_code}") from None
            return


def open_client(endpoint: Endpoint, generator: GeneratorSettings) -> "AsyncOpenAI":
    """Return the asynchronous client of a channel; retries and deadlines are the channel's business."""
    import openai

    async def clean(request: Any) -> None:
        keep_own_headers(request, endpoint.key)

    options = {**transport_options(endpoint), "event_hooks": {"request": [clean]}}
    try:
        transport = openai.DefaultAioHttpClient(**options)  # carries several times the requests of the plain one
    except RuntimeError:  # aiohttp is not installed
        transport = openai.DefaultAsyncHttpxClient(**options)
    return openai.AsyncOpenAI(**client_options(endpoint, generator.timeout), http_client=transport)


def client_options(endpoint: Endpoint, timeout: float) -> dict[str, Any]:
    """Return what both kinds of client are made with."""
    return {"base_url": endpoint.base_url, "api_key": endpoint.key, "max_retries": 0, "timeout": timeout}


def transport_options(endpoint: Endpoint) -> dict[str, Any]:
    """Return the HTTP client's options: no redirects, and no proxy between us and this machine."""
    loopback = urlsplit(endpoint.base_url).hostname in ("127.0.0.1", "localhost", "::1")
    return {"follow_redirects": False, "trust_env": not loopback}


def keep_own_headers(request: Any, key: str) -> None:
    """Drop every header that is not ours to send: the client adds OPENAI_* variables of the environment to them.

    A key, organisation or custom header set there for one endpoint must not reach another one.
    """
    for name in set(request.headers.keys()) - SENT_HEADERS:
        del request.headers[name]
    request.headers["authorization"] = f"Bearer {key}"


def refused_key(endpoint: Endpoint, code: str) -> GenerationError:
    """Return the error for a key that the endpoint does not take."""
    return GenerationError(
        f"the endpoint {endpoint.base_url} refuses the API key ({code})",
        "a key that may use this model",
        "check the variable that api_key_env names in the project file; replies recorded so far are kept",
    )


def _unreachable(endpoint: Endpoint, detail: str) -> GenerationError:
    return GenerationError(
        f"the endpoint {endpoint.base_url} cannot be reached: {detail}",
        "an OpenAI-compatible server that answers there",
        "start it or correct base_url, then run the same command again; replies recorded so far are kept",
    )
