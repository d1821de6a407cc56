"""What a stage shows on the Prefect page: tables, figures and short texts; nothing when no run is being recorded."""

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.context import TaskRunContext

MAX_IMAGE_BYTES = 200_000  # the page keeps every artifact in its database
PROGRESS_SECONDS = 10.0  # between two updates of a number that people glance at


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


def show_progress(key: str, description: str) -> Callable[[int, int], None]:
    """Return a function that shows ``(done, of)`` as a percentage on the page of the current run, now and then."""
    shown: UUID | None = None
    last = -PROGRESS_SECONDS

    def update(done: int, of: int) -> None:
        nonlocal shown, last
        if not _recorded() or (time.monotonic() - last < PROGRESS_SECONDS and done < of):
            return
        last, percent, text = time.monotonic(), 100.0 * done / max(of, 1), f"{description}: {done} of {of}"
        if shown is None:
            made = create_progress_artifact(progress=percent, key=key, description=text)
            shown = made if isinstance(made, UUID) else None  # typed as if it might be awaited; in a task it is not
        else:
            update_progress_artifact(shown, progress=percent, description=text)

    return update


def _recorded() -> bool:
    return TaskRunContext.get() is not None
