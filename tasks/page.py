"""What a stage shows on the Prefect page: tables, figures and short texts; nothing when no run is being recorded."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import TaskRunContext

MAX_IMAGE_BYTES = 200_000  # the page keeps every artifact in its database


def show_table(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Show rows as a table on the page of the current run."""
    if _recorded() and rows:
        create_table_artifact(key=key, table=[dict(row) for row in rows], description=description)


def show_markdown(key: str, text: str, description: str = "") -> None:
    """Show Markdown on the page of the current run."""
    if _recorded():
        create_markdown_artifact(key=key, markdown=text, description=description or None)


def show_figure(key: str, figure: Path, description: str) -> None:
    """Show a PNG on the page of the current run, inside the artifact: the page needs no file access."""
    if figure.stat().st_size > MAX_IMAGE_BYTES:
        show_markdown(key, f"{description}: `{figure}` (too large to show here)")
        return
    image = base64.b64encode(figure.read_bytes()).decode()
    show_markdown(key, f"![{description}](data:image/png;base64,{image})", description)


def _recorded() -> bool:
    return TaskRunContext.get() is not None
