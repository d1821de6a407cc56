"""Accounts in Argilla, with passwords that are generated, handed over once and stored nowhere."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argilla

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another when typed from a message
PASSWORD_GROUPS = 4  # of four letters each: 79 bits


@dataclass(frozen=True)
class NewAccount:
    """An account made now, or given a new password now.

    Attributes:
        name: user name.
        password: generated; left out of every printed form of this record.
        varieties: codes of the varieties this person reviews; none for the author of restored responses.
    """

    name: str
    password: str = field(repr=False)
    varieties: tuple[str, ...] = ()


Announce = Callable[[NewAccount], None]


def make_password() -> str:
    """Return a new random password that can be typed."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(PASSWORD_GROUPS))


def _make_account(client: "argilla.Argilla", name: str, varieties: tuple[str, ...]) -> NewAccount | None:
    """Make an account; None when another run made it in this moment (and has its password)."""
    import argilla as rg
    import httpx
    from argilla._exceptions import ArgillaError

    account = NewAccount(name, make_password(), varieties)
    try:
        rg.User(username=name, role="annotator", password=account.password, client=client).create()
    except ArgillaError:
        if name not in list_users(client):
            raise
        return None
    except httpx.TransportError:
        # The answer was lost; the account may be there all the same, and nobody else knows a password for it.
        user = list_users(client).get(name)
        if user is None:
            raise
        set_password(client, user, account.password)
    return account


def set_password(client: "argilla.Argilla", user: "argilla.User", password: str) -> None:
    """Replace a user's password."""
    client.http_client.patch(f"/api/v1/users/{user.id}", json={"password": password}).raise_for_status()


def list_users(client: "argilla.Argilla") -> "dict[str, argilla.User]":
    """Return name → user of all accounts."""
    return {str(user.username): user for user in client.users.list()}


def add_accounts(
    client: "argilla.Argilla", wanted: dict[str, tuple[str, ...]], announce: Announce | None
) -> list[NewAccount]:
    """Make the accounts (name → varieties) that are not there, and return them."""
    known, made = list_users(client), []
    for name, varieties in wanted.items():
        if name not in known and (account := _make_account(client, name, varieties)):
            made.append(account)
            if announce:
                announce(account)
    return made
