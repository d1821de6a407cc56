"""Policy of the report: an endpoint that swaps are asked of is retried; recorded replies are used again."""

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from semillero.project.models import CorpusSettings, ReportSettings
from semillero.reporting import report_corpus
from semillero.store import Artifact, RunStore
from tasks.page import show_figure, show_markdown
from tasks.policy import RETRIED, settled


@task(name="report", task_run_name="report", **RETRIED)
def report(
    store: RunStore, curated: Artifact, reviewed: Artifact, corpus: CorpusSettings, settings: ReportSettings
) -> State[Any]:
    """Measure the corpus; show the report and its figures, and where the page with all of it is."""
    made = report_corpus(store, curated, reviewed, corpus, settings)
    if not made.reused:
        folder = store.folder(made)
        lines = (folder / "report.md").read_text(encoding="utf-8").splitlines()
        # The run's page reads no files: figures are shown by themselves.
        text = "\n".join(line for line in lines if not line.startswith("!["))
        where = f"`{folder / 'report.html'}` has it all, with figures.\n\n"
        show_markdown("corpus-report", where + text, "Report on the corpus")
        for figure in sorted((folder / "figures").glob("*.png")):
            show_figure(f"corpus-{figure.stem.replace('_', '-')}", figure, figure.stem.replace("_", " "))
    return settled(made)
