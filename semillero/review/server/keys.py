"""The keys of a local Argilla: generated, never a default, kept in one file that its owner alone can read."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

OWNER = "semillero"


@dataclass(frozen=True)
class NewOwner:
    """The owner's account on the page, when it was made by this very call; show it once, store it nowhere.

    Attributes:
        name: user name.
        password: its password.
    """

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """What ``keys.json`` holds.

    Attributes:
        password: of the owner, on the page.
        api_key: of the owner, for programs.
        auth_secret: signs the page's sessions.
        redis_password: whoever can write to the job queue can run code as this user.
        token: in the environment of every process of this Argilla: proof that a process is one of them. Not secret.
    """

    password: str = field(repr=False)
    api_key: str = field(repr=False)
    auth_secret: str = field(repr=False)
    redis_password: str = field(repr=False)
    token: str = field(repr=False)


def load_keys(path: Path) -> Keys | None:
    """Return the keys, or None when there are none (or the file is no longer one of ours)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        keys = Keys(**{name.name: value[name.name] for name in fields(Keys)})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return keys if all(isinstance(key, str) and key for key in asdict(keys).values()) else None


def load_or_make_keys(path: Path) -> tuple[Keys, bool]:
    """Return the keys, and whether they were generated now."""
    if keys := load_keys(path):
        return keys, False
    keys = Keys(
        password=secrets.token_urlsafe(12),
        api_key=secrets.token_urlsafe(32),
        auth_secret=secrets.token_hex(32),
        redis_password=secrets.token_hex(32),
        token=secrets.token_hex(16),
    )
    write_private(path, json.dumps(asdict(keys), indent=2) + "\n")
    return keys, True


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
