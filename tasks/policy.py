"""What all stage tasks share: the cache they do not have, the errors they retry, the state they end in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from semillero.errors import SemilleroError
from semillero.store import Artifact

WAITING = "WaitingForPeople"
PAUSED = "TrainingPaused"

# Prefect's own result cache stays off: it would be a second, unverified truth beside the run store.
STORED: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}


def may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Tell whether a failed task is worth a retry: our errors say so themselves, lost connections always are."""
    try:
        state.result(raise_on_failure=True)
    except SemilleroError as error:
        return error.retryable
    except (ConnectionError, TimeoutError):
        return True
    except BaseException:
        return False
    return False


RETRIED: dict[str, Any] = {
    **STORED,
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=5),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": may_pass,
}


def settled(made: Artifact | Sequence[Artifact] | None, skipped: str = "") -> State[Any]:
    """Return the state a stage task ends in: *Completed*, *Cached* when the run store had it all, or *Skipped*."""
    artifacts = [made] if isinstance(made, Artifact) else list(made or ())
    if made is None:
        return Completed(name="Skipped", message=skipped)
    if artifacts and all(a.reused for a in artifacts):
        return Completed(name="Cached", message="verified in the run store", data=made)
    return Completed(message=describe_counts(artifacts), data=made)


@dataclass(frozen=True)
class Waiting:
    """What a stage hands over instead of an artifact while something is awaited: for what, and what to do.

    ``state`` is the name of the state: people are awaited, or the next run of a training whose time was up.
    """

    message: str
    state: str


def awaiting(reason: SemilleroError, state: str) -> State[Any]:
    """Return the state of a stage that goes on in a later run: neither failed nor suspended, and nothing is held."""
    return Completed(name=state, message=reason.found, data=Waiting(str(reason), state))


def describe_counts(artifacts: Sequence[Artifact]) -> str:
    """Return the summed counts as a line for people: ``40 requested, 39 answered, 1 failed``."""
    total: dict[str, int] = {}
    for artifact in artifacts:
        for name, count in artifact.counts.items():
            total[name] = total.get(name, 0) + count
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in total.items())
