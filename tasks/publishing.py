"""Policy of publishing: what was published is verified by hash; a lost connection is retried, a refused file is not."""

import json
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.outputs import Outputs
from semillero.project import Project
from semillero.publishing import publish_project
from semillero.store import Artifact, RunStore
from tasks.page import show_markdown
from tasks.policy import RETRIED, settled


@task(name="publish", task_run_name="publish", **RETRIED)
def publish(store: RunStore, project: Project, outputs: Outputs, cards: Artifact, space: Artifact | None) -> State[Any]:
    """Publish dataset, adapter, cards and Space; show where they are."""
    published = publish_project(store, project, outputs, cards, space)
    if not published.reused:
        folder = project.resolve(project.publish.folder)
        repositories = sorted(p for kind in ("datasets", "models", "spaces") for p in folder.glob(f"{kind}/*/*"))
        receipt = json.loads((store.folder(published) / "receipt.json").read_text(encoding="utf-8"))
        online = [f"- {entry['url']} ({entry['tag']})" for entry in receipt["hub"].values()]
        lines = [f"- `{path}`" for path in repositories]
        show_markdown("published", "\n".join([*online, *lines]), "Published repositories")
    return settled(published)
