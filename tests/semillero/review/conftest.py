"""A client of the shared Argilla, and a project name that no other test has."""

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.reviewing import connect_to

if TYPE_CHECKING:
    from semillero.review.server import LocalArgilla


@pytest.fixture(scope="session")
def client(argilla_server: "LocalArgilla") -> Any:
    """The owner's client of the shared Argilla."""
    return connect_to(argilla_server.url, argilla_server.api_key)


@pytest.fixture
def name() -> str:
    """A project name of this test's own: the Argilla is shared."""
    return f"t{uuid.uuid4().hex[:8]}"
