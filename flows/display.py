"""What the commands print: tables for people, JSON for machines."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from flows.running import print_json
from semillero.project import load_project

if TYPE_CHECKING:
    from flows.steps import StageReport
    from semillero.checking import Check
    from semillero.submission import Score

OUTCOME_STYLE = {
    "made": "green", "reused": "cyan", "skipped": "dim", "to make": "yellow", "waits": "dim",
    "ok": "green", "warns": "yellow", "fails": "red",
}  # fmt: skip


def show_reports(file: Path, reports: "Sequence[StageReport]", seconds: float, as_json: bool, smoke: bool) -> None:
    """Tell what a run made, where it is and what to do next."""
    project = load_project(file)
    if smoke:
        project = project.as_smoke()
    if as_json:
        print_json({"seconds": round(seconds, 1), "stages": [_report_json(report) for report in reports]})
        return
    reused = sum(report.outcome == "reused" for report in reports)
    typer.echo(f"\n{len(reports)} stages in {seconds:.0f} s, {reused} of them reused.")
    published = project.resolve(project.publish.folder)
    if reports and reports[-1].stage == "submit":
        for path in sorted(p for kind in ("datasets", "models", "spaces") for p in published.glob(f"{kind}/*/*")):
            typer.echo(f"  {path}")
        figures = [p for r in reports for path in r.paths for p in _figures(project.store_root, path)]
        if figures:
            typer.echo("Figures to look at:")
        for figure in figures:
            typer.echo(f"  {figure}")
        typer.echo("Next:")
        typer.echo(f"  semillero demo {file}      talk to the model")
        typer.echo(f"  semillero score {file}     the jury's points, and what gains most next")
        typer.echo(f"  semillero status {file}    where every stage stands")


def show_status(reports: "Sequence[StageReport]", as_json: bool) -> None:
    """Show where every stage stands."""
    if as_json:
        print_json([_report_json(report) for report in reports])
        return
    rows = [
        (
            r.stage,
            _styled(r.outcome),
            r.summary,
            r.paths[0] if len(r.paths) == 1 else f"{len(r.paths)} parts" * bool(r.paths),
        )
        for r in reports
    ]
    _print_table(("stage", "on the next run", "counts", "in the run store"), rows)


def show_checks(checks: "Sequence[Check]", as_json: bool) -> None:
    """Show what was tried and how it went."""
    if as_json:
        print_json([asdict(check) for check in checks])
        return
    _print_table(("what", "", "found"), [(c.what, _styled(c.outcome), c.found) for c in checks])


def show_score(score: "Score", as_json: bool) -> None:
    """Show the rubric's points, and what gains most next."""
    if as_json:
        print_json(asdict(score))
        return
    from semillero.submission import score_lines

    typer.echo("\n".join(score_lines(score)))


def _report_json(report: "StageReport") -> dict[str, Any]:
    keys = ("stage", "outcome", "summary", "seconds", "paths")
    return {key: getattr(report, key) for key in keys}


def _figures(root: str, path: str) -> list[Path]:
    return sorted(Path(root, path).glob("figures/*.png")) if "://" not in root else []


def _styled(outcome: str) -> str:
    style = OUTCOME_STYLE.get(outcome, "default")
    return f"[{style}]{outcome}[/{style}]"


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
