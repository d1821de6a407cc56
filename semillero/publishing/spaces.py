"""Deploy the Space whose files are online: configure it, wait until it runs, ask it something, or roll it back.

In: a Space on the Hub and the commit that should run. Out: a Space that runs that commit and has answered a question;
or, when it does not build, start or answer, the publication before it, by one more commit, and an error with the end
of the log. Every step looks first and changes only what differs, so the whole may be taken again after anything.
"""

import json
from collections.abc import Sequence
from typing import Any

from semillero.errors import PublishError
from semillero.progress import say
from semillero.project import Project
from semillero.publishing.history import Receipts
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository
from semillero.publishing.rolling import roll_back
from semillero.publishing.space_configuring import SLEEPLESS, Configuration, configure_space, read_configuration
from semillero.publishing.space_smoke import ask_space
from semillero.publishing.space_watching import AT_REST, SpaceFault, read_runtime, wait_for_space

QUESTION = "¿Qué me puedes contar?"
TAG = "publication-"


def deploy_space(hub: Hub, repository: Repository, commit: str, project: Project, receipts: Receipts) -> None:
    """Make a Space run a commit, and make sure that it answers.

    Returns at once when it runs as the project file says and the commit was found to work before: then it carries the
    tag of a publication, which is given to what has answered.

    Args:
        hub: where.
        repository: the Space.
        commit: its head.
        project: `demo.hardware` and `publish.space` say how it is kept.
        receipts: of that Hub; a Space that is rolled back gets a new one.

    Raises:
        PublishError: it does not build, start or answer in time (it has been rolled back then, or paused when nothing
            ever worked and it costs money); or the Hub refuses its settings.
        InputError: a secret is not set in the environment, or would hand out the token that publishes.
    """
    wanted, url = read_configuration(project, hub.token), hub.url(repository)
    changed = hub.settle(url, lambda: configure_space(hub, repository, wanted))
    if changed:
        say(f"{url}: set {', '.join(changed)}")
    elif hub.settle(url, lambda: _works_already(hub, repository, commit)):
        return
    settings = project.publish.space
    try:
        wait_for_space(hub, repository, commit, 60.0 * settings.build_minutes)
        answer = ask_space(hub, repository, _choose_question(repository), settings.answer_seconds)
    except SpaceFault as fault:
        ending = _go_back(hub, repository, commit, project, wanted, receipts)
        raise PublishError(
            f"{url}: {wanted.redact(str(fault))}",
            f"a Space that builds, starts and answers; {ending}",
            "correct the cause and run the same command again",
        ) from fault
    say(f"{url} answers: {answer[:60]!r}")


def open_for_space(hub: Hub, space: Repository, repositories: Sequence[Repository], project: Project) -> None:
    """Make public what a Space reads when it starts: it has no token for that, it reads as any visitor does.

    Where llama.cpp answers, the Space carries the adapter itself and nothing is opened early; nor is anything in a
    project that stays private, whose Space gets a token to read with (`publish.space.secrets`).
    """
    if project.publish.private or _read_config(space).get("engine") == "llama.cpp":
        return
    for repository in repositories:
        if repository.kind != "space":
            hub.settle(repository.folder, lambda r=repository: hub.publish(r))  # type: ignore[misc]


def _works_already(hub: Hub, repository: Repository, commit: str) -> bool:
    runtime = read_runtime(hub, repository)
    # Whoever paused it had a reason.
    at_work = runtime.runs(commit) or runtime.stage in AT_REST
    return at_work and any(oid == commit for tag, oid in hub.list_tags(repository).items() if tag.startswith(TAG))


def _go_back(
    hub: Hub, repository: Repository, commit: str, project: Project, wanted: Configuration, receipts: Receipts
) -> str:
    """Return to what worked before; says what has become of the Space."""
    url = hub.url(repository)
    head = hub.settle(url, lambda: hub.look(repository))
    if head is None or head.head != commit:
        return "somebody else has changed it in the meantime, so it was not rolled back"
    former = hub.settle(url, lambda: find_former(hub, repository, commit))
    if former is None:
        if wanted.hardware in SLEEPLESS:
            return "it is the first version, so there is nothing to return to, and it stays as it is"
        hub.settle(url, lambda: hub.api.pause_space(repository.name))
        return "it is the first version, so there is nothing to return to; it is paused and costs nothing"
    tag, tagged = former
    if tagged == commit:
        return "its files are those that worked before, so they stay; its settings or the Hub must be the cause"
    try:
        say(f"{url}: back to {tag}: {roll_back(hub, repository, tag, receipts)}")
    except PublishError as error:
        return f"it could not be rolled back to {tag}: {error.found}"
    try:
        wait_for_space(hub, repository, receipts.read(repository).commit, 60.0 * project.publish.space.build_minutes)
    except SpaceFault as fault:
        return f"it was rolled back to {tag}, which does not run either ({fault.why})"
    return f"it was rolled back, and {tag} runs again"


def find_former(hub: Hub, repository: Repository, commit: str) -> tuple[str, str] | None:
    """Return tag and commit of the newest publication, up to this commit, that was found to work."""
    tagged = {oid: tag for tag, oid in hub.list_tags(repository).items() if tag.startswith(TAG)}
    commits = (str(entry.commit_id) for entry in hub.list_commits(repository, commit))
    return next(((tagged[oid], oid) for oid in commits if oid in tagged), None)


def _choose_question(repository: Repository) -> str:
    """Return the first of the Space's own examples."""
    first = next(iter(_read_config(repository).get("examples", ())), QUESTION)
    return str(first["text"] if isinstance(first, dict) else first)


def _read_config(repository: Repository) -> dict[str, Any]:
    found = next((file for file in repository.files if file.name == "config.json"), None)
    return {} if found is None else dict(json.loads(found.read()))
