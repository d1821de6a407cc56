"""Where the model answers: an OpenAI-compatible endpoint, the user's or the embedded one.

The key comes from the environment variable that the project file names; it goes into the Authorization header of
requests to ``base_url`` and nowhere else. Redirects are not followed, so nothing reaches another host.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from semillero.errors import GenerationError, InputError
from semillero.generation.retries import explain_error
from semillero.project import GeneratorSettings

if TYPE_CHECKING:
    import aiohttp

NO_KEY = "none"  # servers without authentication ignore it; an empty header is refused by some proxies
PATIENCE = 3.0  # seconds given to an endpoint that refuses connections: it may be starting
CONNECT_TIMEOUT = 10.0


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint.

    Attributes:
        base_url: up to and including ``/v1``.
        model: the model's name as the endpoint knows it.
        identity: what the replies depend on: the model's name, or the digest of its file.
        key: the API key; left out of every printed form.
        bill_to: the Hugging Face organisation that pays, where it is not the key's owner.
    """

    base_url: str
    model: str
    identity: str
    key: str = field(default=NO_KEY, repr=False)
    bill_to: str | None = None


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
    key = read_key(generator.api_key_env)
    endpoint = Endpoint(str(generator.base_url), generator.model, generator.model, key, generator.bill_to)
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
    with ThreadPoolExecutor(1) as pool:  # a thread of its own: the caller's may have a running event loop
        pool.submit(asyncio.run, _look(endpoint)).result()


async def _look(endpoint: Endpoint) -> None:
    import aiohttp

    deadline = time.monotonic() + PATIENCE
    async with open_session(endpoint, 1) as session:
        while True:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT), session.get("models") as response:
                    if response.status in (401, 403):
                        raise refused_key(endpoint, f"http-{response.status}")
                return
            except TimeoutError:
                return  # slow is not absent
            except (aiohttp.ClientError, OSError) as error:
                if time.monotonic() >= deadline:
                    raise _unreachable(endpoint, explain_error(error, charged=False).detail) from None
            await asyncio.sleep(0.5)


def open_session(endpoint: Endpoint, concurrency: int) -> "aiohttp.ClientSession":
    """Return an HTTP session whose relative URLs start at ``base_url``; deadlines are the caller's business.

    aiohttp and not the openai client: the latter takes several milliseconds of CPU a request, more than anything
    else here, and adds whatever OPENAI_* variables the environment holds for other endpoints.
    """
    import aiohttp

    address = urlsplit(endpoint.base_url)
    proxy = None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)
    if address.hostname in ("127.0.0.1", "localhost", "::1"):
        proxy = None  # nothing stands between us and this machine
    headers = {"Authorization": f"Bearer {endpoint.key}", "User-Agent": "semillero"}
    if endpoint.bill_to:
        headers["X-HF-Bill-To"] = endpoint.bill_to
    return aiohttp.ClientSession(
        base_url=endpoint.base_url.rstrip("/") + "/",
        headers=headers,
        connector=aiohttp.TCPConnector(limit=concurrency),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        proxy=proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


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
