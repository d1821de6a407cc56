"""Argilla's messages that somebody has answered: registered, received, and checked.

Argilla signs each message (Standard Webhooks) with a secret that it makes for this receiver and that is kept in memory
only. A message carries no decision: whoever receives one collects and counts the answers as any run does.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from semillero.review.connection import explain_faults

if TYPE_CHECKING:
    import argilla
    from fastapi import FastAPI

EVENTS = ("response.created", "response.updated", "record.completed")
PATH = "/argilla"


def receiver(secret: str, tell: Callable[[], None]) -> "FastAPI":
    """Return the web application that takes Argilla's messages: 401 for one that is not signed with ``secret``."""
    from fastapi import FastAPI, Request, Response
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError

    app = FastAPI(openapi_url=None)
    check = Webhook(secret)

    async def take(request: Request) -> Response:
        try:
            check.verify((await request.body()).decode(), dict(request.headers))
        except (WebhookVerificationError, ValueError):
            return Response(status_code=401)
        tell()
        return Response(status_code=204)

    app.add_api_route(PATH, take, methods=["POST"], response_model=None)
    return app


@contextmanager
def registered(client: "argilla.Argilla", url: str) -> Iterator[str]:
    """Register ``url`` with Argilla for the block; yields the secret that its messages are signed with."""
    with explain_faults(str(client.api_url)):
        webhook = _register(client, url)
    try:
        yield webhook.secret
    finally:
        with explain_faults(str(client.api_url)):
            webhook.delete()


def _register(client: "argilla.Argilla", url: str) -> Any:
    import argilla

    for old in client.webhooks.list():  # of a listener that was killed: its secret is lost
        if old.url == url:
            old.delete()
    about = f"semillero review listen, pid {os.getpid()}"
    return argilla.Webhook(url=url, events=list(EVENTS), description=about, _client=client).create()
