"""What a Space runs on and what it is told: hardware, sleep, variables, secrets. Only what differs is sent.

Each change restarts a Space, and the value of a secret cannot be read back. So what we set says so in its
description, a secret with a fingerprint of its value: whoever runs the same command again, on whatever machine, sees
what is up to date, and what we set once and the project file no longer names is taken away. What others set stays.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from semillero.errors import InputError, PublishError
from semillero.project import Project
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository

MARK = "set by semillero"
VOTES_SECRET = "VOTES_TOKEN"
SLEEPLESS = ("cpu-basic", "zero-a10g")  # the Hub decides when these sleep


@dataclass(frozen=True)
class Configuration:
    """How a Space should be kept.

    Attributes:
        hardware: the Hub's name of it.
        sleep: seconds without a visitor until it sleeps; None where the Hub decides.
        variables, secrets: by name.
        votes: the dataset repository that its votes go to; None when it asks for none.
    """

    hardware: str
    sleep: int | None
    variables: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    votes: str | None = None

    def redact(self, text: str) -> str:
        """Return a text (a log) without the values of secrets."""
        for name, value in self.secrets.items():
            text = text.replace(value, f"[{name}]")
        return text


def read_configuration(project: Project, own_token: str) -> Configuration:
    """Return how the project file and the environment say that the Space should be kept.

    A votes token that is not set is no fault: that Space asks for no votes (`semillero check` warns).

    Raises:
        InputError: another secret is not set, or one of them is the token that publishes.
    """
    settings, hardware = project.publish.space, project.demo.hardware
    secrets = {}
    for name, variable in settings.secrets.items():
        if not os.environ.get(variable):
            raise InputError(
                f"the Space's secret {name} comes from the environment variable {variable}, which is not set",
                "its value",
                f"export {variable}=…, or take it out of publish.space.secrets",
            )
        secrets[name] = os.environ[variable]
    if project.demo.votes and (token := os.environ.get(settings.votes_token_env)):
        secrets[VOTES_SECRET] = token
    if leaked := [name for name, value in secrets.items() if value == own_token]:
        raise InputError(
            f"the Space's secret {', '.join(leaked)} is the token that publishes; whoever gets into the Space has it",
            "a fine-grained token for what the Space needs and nothing else",
            "make one on the Hub's settings page and put it into that environment variable",
        )
    sleep = None if hardware in SLEEPLESS else 60 * settings.sleep_minutes
    votes = f"{project.repository}-votes" if project.demo.votes else None
    return Configuration(hardware, sleep, dict(settings.variables), secrets, votes)


def configure_space(hub: Hub, repository: Repository, wanted: Configuration) -> list[str]:
    """Set what differs; return what that was.

    Raises:
        PublishError: the Hub asks for money or a plan, or everybody could read the votes.
    """
    if wanted.votes:
        _keep_votes_private(hub, Repository("dataset", wanted.votes, ()))
    changed = [*_set_variables(hub, repository, wanted), *_set_secrets(hub, repository, wanted)]
    runtime = hub.api.get_space_runtime(repository.name)
    if (runtime.requested_hardware or "cpu-basic") != wanted.hardware:
        _request_hardware(hub, repository, wanted)
        changed.append(f"hardware {wanted.hardware}")
    elif wanted.sleep is not None and runtime.sleep_time != wanted.sleep:
        hub.api.set_space_sleep_time(repository.name, wanted.sleep)
        changed.append(f"sleep after {wanted.sleep // 60} minutes")
    return changed


def _keep_votes_private(hub: Hub, votes: Repository) -> None:
    """Make the repository of the votes: the Space's token, which is for it alone, cannot."""
    online = hub.look(votes)
    if online is None:
        hub.create(votes)
    elif not online.private:
        raise PublishError(
            f"{hub.url(votes)} is public: everybody could read what visitors wrote",
            "a private repository",
            "make it private in its settings, or set demo.votes: false",
        )


def _set_variables(hub: Hub, repository: Repository, wanted: Configuration) -> list[str]:
    there = hub.api.get_space_variables(repository.name)
    changed = []
    for name, value in wanted.variables.items():
        if name not in there or there[name].value != value:
            hub.api.add_space_variable(repository.name, name, value, description=MARK)
            changed.append(name)
    for name in _no_longer_wanted(there, wanted.variables):
        hub.api.delete_space_variable(repository.name, name)
        changed.append(f"no more {name}")
    return changed


def _set_secrets(hub: Hub, repository: Repository, wanted: Configuration) -> list[str]:
    there = hub.api.get_space_secrets(repository.name)
    changed = []
    for name, value in wanted.secrets.items():
        description = f"{MARK}, fingerprint {fingerprint(repository.name, value)}"
        if name not in there or there[name].description != description:
            hub.api.add_space_secret(repository.name, name, value, description=description)
            changed.append(name)
    # A token that this machine does not have may have been set from another one: it is left alone.
    for name in _no_longer_wanted(there, {**wanted.secrets, VOTES_SECRET: ""}):
        hub.api.delete_space_secret(repository.name, name)
        changed.append(f"no more {name}")
    return changed


def _no_longer_wanted(there: Mapping[str, Any], wanted: Mapping[str, str]) -> list[str]:
    return [n for n, value in there.items() if n not in wanted and (value.description or "").startswith(MARK)]


def fingerprint(salt: str, value: str) -> str:
    """Return 32 bits that tell one secret from another, and nothing about either."""
    return hmac.new(salt.encode(), value.encode(), hashlib.sha256).hexdigest()[:8]


def _request_hardware(hub: Hub, repository: Repository, wanted: Configuration) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    try:
        hub.api.request_space_hardware(repository.name, wanted.hardware, sleep_time=wanted.sleep)
    except HfHubHTTPError as error:
        if error.response is None or error.response.status_code not in (402, 403):
            raise
        raise PublishError(
            f"{hub.url(repository)}: the Hub does not give it {wanted.hardware} "
            f"(answer {error.response.status_code}: a payment method or a paid plan is needed)",
            "hardware that the organization has paid for, or free hardware",
            "add a payment method on the organization's billing page, or set demo.hardware: cpu-basic",
        ) from error
