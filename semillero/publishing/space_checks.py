"""What could keep the Space from running, found before anything is published; part of ``semillero check``."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from semillero.checking import Check
from semillero.demo.building import LLAMA, choose_engine
from semillero.models.base import EMBEDDED, count_parameters, name_base
from semillero.project import Project
from semillero.publishing.hub import Hub, open_hub
from semillero.publishing.planning import Repository
from semillero.publishing.space_configuring import VOTES_SECRET, read_configuration

# GB that a model can take: RAM of the CPU ones, the card's memory of the others (huggingface.co/docs/hub/spaces-gpus).
MEMORY = {"cpu-basic": 16, "cpu-upgrade": 32, "t4-small": 15, "t4-medium": 15, "zero-a10g": 48}
LARGEST_ON_CPU = 4e9  # parameters; a larger one answers more slowly than people read, even as GGUF
EMBEDDED_PARAMETERS = 268_098_176
OVERHEAD = 2.5  # GB: libraries, the conversation's keys and values, the page
BYTES_GGUF, BYTES_NF4, BYTES_HALF = 1.1, 0.7, 2.0  # a parameter
UNASKED = "the Hub may refuse it (402): {} has no payment method or paid plan"


def check_space(project: Project) -> Iterator[Check]:
    """Try what the Space will need: its secrets, room for the model, access to the base, a plan that pays for it.

    Raises:
        InputError: there is no token to ask the Hub with, or a secret is missing or the wrong one.
        PublishError: the Hub does not answer.
    """
    with open_hub(project.publish.token_env) as hub:
        wanted = read_configuration(project, hub.token)
        yield from _check_votes_token(hub, project, wanted.secrets.get(VOTES_SECRET))
        yield _check_room(hub, project)
        yield from _check_base(hub, project, wanted.secrets)
        if project.publish.private and choose_engine(project) != LLAMA and "HF_TOKEN" not in wanted.secrets:
            found = "the model stays private: the Space needs a token that reads it (publish.space.secrets, HF_TOKEN)"
            yield Check("Space and model", "fails", found)
        yield _check_plan(hub, project)


def _check_votes_token(hub: Hub, project: Project, token: str | None) -> Iterator[Check]:
    if not project.demo.votes:
        return
    variable, votes = project.publish.space.votes_token_env, f"{project.repository}-votes"
    if token is None:
        found = f"{variable} is not set: unless the Space has its {VOTES_SECRET} already, it asks for no votes"
        yield Check("votes token", "warns", found)
        return
    access = hub.settle("votes token", lambda: hub.api.whoami(token=token))["auth"]["accessToken"]
    reached = [
        f"{scope['entity']['type']}s/{scope['entity']['name']}"
        for scope in (access.get("fineGrained") or {}).get("scoped", [])
    ]
    if access.get("role") != "fineGrained" or reached != [f"datasets/{votes}"]:
        reach = ", ".join(reached) if access.get("role") == "fineGrained" else f"everything ({access.get('role')})"
        yield Check("votes token", "fails", f"{variable} reaches {reach}; make one for datasets/{votes} alone")
        return
    yield Check("votes token", "ok", f"{variable} reaches {votes} alone")


def _check_room(hub: Hub, project: Project) -> Check:
    hardware, parameters = project.demo.hardware, _count_parameters(hub, project)
    if parameters is None:
        return Check("Space hardware", "warns", f"{hardware}; how large {project.training.base} is could not be asked")
    on_cpu, gguf = hardware.startswith("cpu"), choose_engine(project) == LLAMA
    quantized = not on_cpu and project.training.method == "qlora"
    needed = parameters * (BYTES_GGUF if gguf else BYTES_NF4 if quantized else BYTES_HALF) / 1e9 + OVERHEAD
    found = f"{hardware} has {MEMORY[hardware]} GB, a base of {parameters / 1e9:.2g}B needs about {needed:.1f} GB"
    if needed > MEMORY[hardware]:
        return Check("Space hardware", "fails", f"{found}: choose a smaller base or a larger demo.hardware")
    if on_cpu and parameters > LARGEST_ON_CPU:
        return Check("Space hardware", "warns", f"{found}; it will answer slowly on a CPU")
    if on_cpu and not gguf:
        return Check("Space hardware", "warns", f"{found}; with demo.base_gguf it would answer many times quicker")
    return Check("Space hardware", "ok", found)


def _count_parameters(hub: Hub, project: Project) -> int | None:
    base = project.training.base
    if base == EMBEDDED:
        return EMBEDDED_PARAMETERS
    if (folder := Path(base).expanduser()).is_dir():
        return count_parameters(folder)
    try:
        told = hub.api.model_info(base, revision=project.training.base_revision).safetensors
    except Exception:  # gone, gated or unreachable: `_check_base` says which
        return None
    return None if told is None else int(told.total)


def _check_base(hub: Hub, project: Project, secrets: Mapping[str, str]) -> Iterator[Check]:
    base, gguf = name_base(project.training.base), project.demo.base_gguf
    if choose_engine(project) == LLAMA:
        if gguf is None:
            return  # it comes from PyPI
        base = "/".join(gguf.split("/")[:2])
    if "/" not in base:
        found = f"{base} is on this machine only: put it on the Hub, or the Space cannot load it"
        yield Check("base on the Hub", "fails", found)
        return
    access = hub.settle(base, lambda: _ask_access(hub, base))
    url = f"{hub.endpoint}/{base}"
    if access == "missing":
        yield Check("base on the Hub", "fails", f"{url} is not there, so the Space cannot load it")
    elif access == "refused":
        yield Check("base on the Hub", "fails", f"{base} is gated and you have no access: ask for it at {url}")
    elif access == "gated" and "HF_TOKEN" not in secrets:
        found = f"{base} is gated: the Space needs a token that reads it (publish.space.secrets, HF_TOKEN)"
        yield Check("base on the Hub", "fails", found)
    else:
        yield Check("base on the Hub", "ok", f"the Space can load {base}")


def _ask_access(hub: Hub, base: str) -> str:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        gated = hub.api.model_info(base).gated
        hub.api.auth_check(base)
    except GatedRepoError:
        return "refused"
    except RepositoryNotFoundError:
        return "missing"
    return "gated" if gated else "open"


def _check_plan(hub: Hub, project: Project) -> Check:
    hardware, owner = project.demo.hardware, project.repository.split("/")[0]
    who = hub.settle("account", hub.api.whoami)
    account = next((org for org in who["orgs"] if org["name"] == owner), who)
    pays = bool(account.get("canPay") or account.get("isPro") or account.get("isEnterprise"))
    if pays:
        return Check("Space plan", "ok", f"{owner} can pay for {hardware}")
    if hardware == "zero-a10g":
        return Check("Space plan", "warns", f"ZeroGPU needs a paid plan; {UNASKED.format(owner)}")
    if hardware != "cpu-basic":
        return Check("Space plan", "warns", f"{hardware} costs money; {UNASKED.format(owner)}")
    there = hub.settle("Space", lambda: hub.look(Repository("space", project.repository, ())))
    if there is None:
        return Check("Space plan", "warns", f"a new Gradio Space on free hardware: {UNASKED.format(owner)}")
    return Check("Space plan", "ok", "the Space is there, on free hardware")
