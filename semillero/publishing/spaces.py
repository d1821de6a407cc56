"""Deploy the Space whose files are online: configure it, wait until it runs, ask it something, or roll it back.

In: a Space on the Hub and the commit that should run. Out: a Space that runs that commit and has answered a question;
or, when it does not build, start or answer, the version before it, in one commit of ours, and an error with the end of
the log. Every step looks first and changes only what differs, so the whole may be taken again after anything.
"""

import json

from semillero.errors import PublishError
from semillero.progress import say
from semillero.project import Project
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository
from semillero.publishing.space_configuring import Configuration, configure_space, read_configuration
from semillero.publishing.space_restoring import find_former, restore_commit
from semillero.publishing.space_smoke import ask_space
from semillero.publishing.space_watching import AT_REST, SpaceFault, read_runtime, wait_for_space

FREE = ("cpu-basic", "zero-a10g")
QUESTION = "¿Qué me puedes contar?"


def deploy_space(hub: Hub, repository: Repository, commit: str, project: Project) -> None:
    """Make a Space run a commit, and make sure that it answers.

    Returns at once when it runs as the project file says and the commit was found to work before: then it carries the
    tag of a publication, which is given to what has answered.

    Args:
        hub: where.
        repository: the Space.
        commit: its head.
        project: `demo.hardware` and `publish.space` say how it is kept.

    Raises:
        PublishError: it does not build, start or answer in time (it has been rolled back then, or paused when nothing
            ever worked); or its settings are refused.
        InputError: a secret is not set in the environment, or would hand out the token that publishes.
    """
    wanted = read_configuration(project, hub.token)
    url = hub.url(repository)
    changed = hub.settle(url, lambda: configure_space(hub, repository, wanted))
    if changed:
        say(f"{url}: set {', '.join(changed)}")
    elif hub.settle(url, lambda: _works_already(hub, repository, commit)):
        return
    try:
        check_space(hub, repository, commit, project, wanted)
    except SpaceFault as fault:
        ending = _go_back(hub, repository, commit, project, wanted)
        raise PublishError(
            f"{url}: {wanted.redact(str(fault))}",
            "a Space that builds, starts and answers",
            f"{ending}\n            correct the cause and run the same command again",
        ) from fault


def check_space(hub: Hub, repository: Repository, commit: str, project: Project, wanted: Configuration) -> None:
    """Wait until a Space runs a commit, and ask it a question.

    Raises:
        SpaceFault: it does not, and why.
    """
    settings, url = project.publish.space, hub.url(repository)
    wait_for_space(hub, repository, commit, 60.0 * settings.build_minutes)
    answer = ask_space(hub, repository, _choose_question(repository), settings.answer_seconds)
    say(f"{url} answers: {answer[:60]!r}")


def roll_back_space(hub: Hub, repository: Repository, project: Project) -> str:
    """Return a Space to the publication before the one that runs now; returns that commit's id.

    Raises:
        PublishError: there is none, or it does not run either.
    """
    url = hub.url(repository)
    online = hub.settle(url, lambda: hub.look(repository))
    former = online and hub.settle(url, lambda: find_former(hub, repository, online.head, other_files=True))
    if not online or not former:
        raise PublishError(f"{url} has no earlier publication", "one with other files that worked", "publish again")
    restored = restore_commit(hub, repository, former, online.head)
    if restored is None:
        raise PublishError(f"{url} was changed by somebody else just now", "", "look at it, and run again")
    wanted = read_configuration(project, hub.token)
    try:
        check_space(hub, repository, restored, project, wanted)
    except SpaceFault as fault:
        raise PublishError(
            f"{url}: {wanted.redact(str(fault))}", "the former version, running", "semillero space logs"
        ) from fault
    return restored


def _works_already(hub: Hub, repository: Repository, commit: str) -> bool:
    runtime = read_runtime(hub, repository)
    # Whoever paused it had a reason.
    return (runtime.runs(commit) or runtime.stage in AT_REST) and commit in hub.list_tags(repository).values()


def _go_back(hub: Hub, repository: Repository, commit: str, project: Project, wanted: Configuration) -> str:
    """Restore what worked before; return what has become of the Space, as a sentence for the user."""
    former = hub.settle(hub.url(repository), lambda: find_former(hub, repository, commit))
    if former is None:
        if wanted.hardware in FREE:
            return "it is the first version, so there is nothing to return to; it stays as it is"
        hub.settle(hub.url(repository), lambda: hub.api.pause_space(repository.name))
        return "it is the first version, so there is nothing to return to; it is paused and costs nothing"
    if former == commit:  # it worked with other settings; its files are not to blame
        return "its files are those that worked before, so they stay; only its settings or the Hub can be the cause"
    restored = restore_commit(hub, repository, former, commit)
    if restored is None:
        return "somebody else has changed it in the meantime, so it was not rolled back"
    say(f"{hub.url(repository)}: rolled back to {former[:7]}; waiting until it runs")
    try:
        wait_for_space(hub, repository, restored, 60.0 * project.publish.space.build_minutes)
    except SpaceFault as fault:
        return f"it was rolled back to {former[:7]}, which does not run either: {fault.why}"
    return f"it was rolled back: the version before ({former[:7]}) runs again"


def _choose_question(repository: Repository) -> str:
    """Return the first of the Space's own examples."""
    for file in repository.files:
        if file.name == "config.json":
            examples = json.loads(file.read()).get("examples") or [QUESTION]
            return str(examples[0]["text"] if isinstance(examples[0], dict) else examples[0])
    return QUESTION
