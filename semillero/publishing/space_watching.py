"""Watch a Space until it runs, or until it is clear that it will not; then with the end of its log."""

import re
import time
from dataclasses import dataclass

from semillero.progress import say
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository

BROKEN = ("BUILD_ERROR", "RUNTIME_ERROR", "CONFIG_ERROR", "NO_APP_FILE", "DELETING")
AT_REST = ("SLEEPING", "PAUSED", "STOPPED")
FIRST_POLL, LONGEST_POLL = 1.0, 15.0  # seconds
NOTICED = 20.0  # seconds until the Hub has surely noticed a commit; until then it may tell what was before
TAIL = 25  # lines of a log that are shown
LOG_SECONDS = 20  # a log that is still written to has no end
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class SpaceFault(Exception):
    """A Space does not build, start or answer; ``why`` in a line, ``log`` the end of what it said."""

    def __init__(self, why: str, log: str = "") -> None:
        self.why, self.log = why, log
        super().__init__(f"{why}\n{log}" if log else why)


@dataclass(frozen=True)
class Runtime:
    """What a Space is doing.

    Attributes:
        stage, error: the Hub's word for it, and its explanation where it has one.
        hardware: what it runs on, or was told to run on.
        sleep: seconds without a visitor until it sleeps.
        commit: the one that runs, where the server tells.
    """

    stage: str
    hardware: str | None
    sleep: int | None
    commit: str | None
    error: str

    def runs(self, commit: str) -> bool:
        """Tell whether that commit runs."""
        return self.stage == "RUNNING" and self.commit in (None, commit)


def read_runtime(hub: Hub, repository: Repository) -> Runtime:
    """Return what a Space is doing now."""
    told = hub.api.get_space_runtime(repository.name)
    stage = str(getattr(told.stage, "value", told.stage))
    error = str(told.raw.get("errorMessage") or "")
    return Runtime(stage, told.hardware or told.requested_hardware, told.sleep_time, told.raw.get("sha"), error)


def wait_for_space(hub: Hub, repository: Repository, commit: str, seconds: float) -> None:
    """Wait until a commit runs. A Space that rests, or that broke before, is started again first.

    Args:
        hub: where.
        repository: the Space.
        commit: its head.
        seconds: how long at most.

    Raises:
        SpaceFault: it broke, or does not run in time.
    """
    url, begin, pause = hub.url(repository), time.monotonic(), FIRST_POLL
    stages: list[str] = []
    while True:
        runtime = hub.settle(url, lambda: read_runtime(hub, repository))
        waited = time.monotonic() - begin
        if runtime.runs(commit):
            say(f"{url}: {runtime.stage} after {waited:.0f} s")
            return
        if not stages and runtime.stage in (*AT_REST, *BROKEN):
            hub.settle(url, lambda: hub.api.restart_space(repository.name, factory_reboot=True))
        if stages[-1:] != [runtime.stage]:
            say(f"{url}: {runtime.stage} after {waited:.0f} s")
            stages.append(runtime.stage)
            pause = FIRST_POLL
        if runtime.stage in BROKEN and (len(stages) > 1 or waited > NOTICED):
            why = f"{runtime.stage}{': ' + runtime.error if runtime.error else ''}"
            raise SpaceFault(why, read_log(hub, repository, build=runtime.stage != "RUNTIME_ERROR"))
        if waited > seconds:
            log = read_log(hub, repository, build="BUILDING" in runtime.stage)
            raise SpaceFault(f"still {runtime.stage} after {seconds / 60:.0f} minutes", log)
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_POLL)


def read_log(hub: Hub, repository: Repository, build: bool, lines: int = TAIL) -> str:
    """Return the end of a Space's log, of its build or of the app; what cannot be read is told instead of it."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    found: list[str] = []
    deadline = time.monotonic() + LOG_SECONDS
    try:
        for line in hub.api.fetch_space_logs(repository.name, build=build):
            found.append(TERMINAL_CODES.sub("", line).rstrip())
            if time.monotonic() > deadline:
                break
    except (HfHubHTTPError, httpx2.HTTPError) as error:
        found.append(f"(the log cannot be read: {type(error).__name__})")
    return "\n".join(found[-lines:])
