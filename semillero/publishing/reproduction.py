"""What another team needs to make the same again: the project's settings and the digests of every step."""

import json
from pathlib import Path
from typing import Any

import yaml

from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import RunStore

# Where an endpoint was is nobody's business, and the name of a machine reproduces nothing.
ENDPOINT = "https://endpoint.invalid/v1"
_HEAD = """\
# The settings this was made with, every default written out. The topics, seeds and passages are not published with it,
# and endpoints are yours to fill in. manifest.json has the digests of every step.
"""


def write_project(project: Project) -> bytes:
    """Return the project's settings as YAML, without local paths, endpoints, reviewers' names or the run store."""
    data = project.model_dump(mode="json", exclude={"store"})
    for number, reviewer in enumerate(data["review"]["reviewers"], start=1):
        reviewer["name"] = f"reviewer-{number}"  # user names are personal data
    # What decides only how fast a run goes says nothing about what was made.
    for key in ("threads", "keep_checkpoints", "checkpoint_copy", "budget_minutes"):
        data["training"].pop(key, None)
    return (_HEAD + yaml.safe_dump(_anonymise(data), allow_unicode=True, sort_keys=False, width=110)).encode()


def _anonymise(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _anonymise(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_anonymise(item) for item in value]
    if key in ("base_url", "url") and value:
        return ENDPOINT
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value


def write_manifest(store: RunStore, outputs: Outputs) -> bytes:
    """Return stage, key, content, counts and library versions of every artifact as JSON."""
    steps = []
    for artifact in outputs:
        steps.append(
            {
                "stage": artifact.stage,
                "part": artifact.part,
                "key": artifact.key,
                "content": artifact.content,
                "counts": dict(artifact.counts),
                "versions": store.manifest(artifact)["versions"],
            }
        )
    return (json.dumps(steps, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
