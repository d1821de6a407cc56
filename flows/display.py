"""What the commands print: tables for people, JSON for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from flows.running import print_json
from semillero.project import load_project
from semillero.publishing.hub import find_url
from semillero.publishing.planning import name_repositories

if TYPE_CHECKING:
    from flows.steps import StageReport
    from semillero.checking import Check
    from semillero.publishing.online import Finding
    from semillero.publishing.outline import PlanLine
    from semillero.review.people import Standing
    from semillero.review.server import ArgillaStatus, LocalArgilla
    from semillero.submission import Score

OUTCOME_STYLE = {
    "made": "green", "reused": "cyan", "skipped": "dim", "to make": "yellow", "waits": "dim", "awaits people": "yellow",
    "paused": "yellow",
    "ok": "green", "warns": "yellow", "fails": "red",
    "new": "green", "changed": "yellow", "unchanged": "dim", "removed": "red", "in the way": "red", "kept": "yellow",
    "up": "green", "down": "red", "silent": "red", "incomplete": "yellow",
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
    for page in (p for r in reports for path in r.paths for p in _pages(project.store_root, path)):
        typer.echo(f"Report on the corpus, to open in a browser:\n  {page}")
    if reports and reports[-1].stage == "submit":
        for path in sorted(p for kind in ("datasets", "models", "spaces") for p in published.glob(f"{kind}/*/*")):
            typer.echo(f"  {path}")
        if project.publish.target == "hub":
            for repository in name_repositories(project):
                typer.echo(f"  {find_url(repository)}")
        figures = [p for r in reports for path in r.paths for p in _figures(project.store_root, path)]
        if figures:
            typer.echo("Figures to look at:")
        for figure in figures:
            typer.echo(f"  {figure}")
        typer.echo("Next:")
        typer.echo(f"  semillero demo {file}      talk to the model")
        typer.echo(f"  semillero score {file}     the jury's points, and what gains most next")
        typer.echo(f"  semillero status {file}    where every stage stands")


def show_status(file: Path, reports: "Sequence[StageReport]", as_json: bool) -> None:
    """Show where every stage stands, and where the report on the corpus is."""
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
    root = load_project(file).store_root
    for page in (p for r in reports for path in r.paths for p in _pages(root, path)):
        typer.echo(f"Report on the corpus, to open in a browser:\n  {page}")


def show_checks(checks: "Sequence[Check]", as_json: bool) -> None:
    """Show what was tried and how it went."""
    if as_json:
        print_json([asdict(check) for check in checks])
        return
    _print_table(("what", "", "found"), [(c.what, _styled(c.outcome), c.found) for c in checks])


def show_plan(lines: "Sequence[PlanLine]", account: str, as_json: bool) -> None:
    """Show what a publication would do to each file, and how much would be sent."""
    total = sum(line.sent for line in lines)
    if as_json:
        print_json({"account": account, "bytes": total, "files": [asdict(line) for line in lines]})
        return
    for place in dict.fromkeys(line.repository for line in lines):
        typer.secho(f"\n{place}", bold=True)
        rows = [
            (line.name, f"{line.bytes:,}", _styled(line.state), f"{line.sent:,}" if line.sent else "")
            for line in lines
            if line.repository == place
        ]
        _print_table(("file", "bytes", "", "to send"), rows)
    counted = {state: sum(line.state == state for line in lines) for state in dict.fromkeys(x.state for x in lines)}
    typer.echo(f"\n{', '.join(f'{count} {state}' for state, count in counted.items())}; {total / 1e6:,.1f} MB to send")
    if account:
        typer.echo(account)


def show_findings(findings: "Sequence[Finding]", as_json: bool) -> None:
    """Show how what is published compares with the receipts."""
    if as_json:
        print_json([asdict(finding) for finding in findings])
        return
    _print_table(("repository", "", "found"), [(f.repository, _styled(f.outcome), f.found) for f in findings])


def show_facts(facts: Mapping[str, str], as_json: bool) -> None:
    """Show facts by what they are."""
    if as_json:
        print_json(dict(facts))
        return
    _print_table(("what", "found"), list(facts.items()))


def show_score(score: "Score", as_json: bool) -> None:
    """Show the rubric's points, and what gains most next."""
    if as_json:
        print_json(asdict(score))
        return
    from semillero.submission import score_lines

    typer.echo("\n".join(score_lines(score)))


def show_review(standing: "Standing", agreement: dict[str, Any], note: str, as_json: bool) -> None:
    """Show how far the review is, by variety and person, how far people agree, and whether the run can go on."""
    from semillero.review.quorum import describe

    quorum = standing.quorum
    if as_json:
        print_json({**quorum.as_json(), "agreement": agreement, "note": note})
        return
    rows = [(v.variety, str(v.records), str(v.answered), str(v.wanted), str(v.missing)) for v in quorum.varieties]
    _print_table(("variety", "records", "answered", "wanted", "answers missing"), rows)
    people = [
        (p.reviewer, str(p.answered), ", ".join(f"{code} {count}" for code, count in p.open.items()) or "nothing")
        for p in quorum.people
    ]
    _print_table(("reviewer", "answered", "open to them"), people)
    measured = [(name, found["overall"]) for name, found in agreement.get("questions", {}).items()]
    known = [(name, alpha_text(found)) for name, found in measured if found["alpha"] is not None]
    if known:
        _print_table(("question", "agreement (Krippendorff's alpha)"), known)
    for outlier in agreement.get("outliers", []):
        about = ", ".join(outlier["questions"])
        typer.secho(f"{outlier['reviewer']} disagrees with everyone ({about}): talk first; review.exclude", fg="yellow")
    typer.echo(describe(quorum).splitlines()[0])
    if note:
        typer.secho(note, fg="yellow", err=True)


def alpha_text(found: dict[str, Any]) -> str:
    """Return an alpha with its interval, as text."""
    interval = f" [{found['low']:.2f}, {found['high']:.2f}]" if found["low"] is not None else ""
    return f"{found['alpha']:.2f}{interval}"


def show_argilla(argilla: "LocalArgilla") -> None:
    """Tell where Argilla is, and the owner's password the one time that it is new."""
    did = {"started": "has been started", "mended": "has been mended", "running": "was running already"}
    typer.echo(f"Argilla {did[argilla.outcome]}: {argilla.url}")
    if argilla.new_owner:
        typer.echo(f"  user      {argilla.new_owner.name}")
        typer.echo(f"  password  {argilla.new_owner.password}")
        typer.echo("  shown this once; `semillero argilla status` says in which file it is")
    typer.echo("It goes on running until  semillero argilla down")


def show_argilla_status(status: "ArgillaStatus", as_json: bool) -> None:
    """Show how each process of the local Argilla is, what it holds and where its files are."""
    if as_json:
        print_json(status.as_json())
        return
    _print_table(
        ("process", "", "pid", "port", "log"),
        [(p.name, _styled(p.state), str(p.pid or ""), str(p.port or ""), str(p.log)) for p in status.parts],
    )
    counts = ", ".join(f"{count} {name}" for name, count in status.contents.items()) or "nothing yet"
    typer.echo(f"page and API  {status.url or 'never started'}")
    typer.echo(f"holds         {counts}; {status.disk_bytes / 1e6:.0f} MB in {status.home}")
    typer.echo(f"keys          {status.key_file or 'none yet'}")
    if not status.running:
        started = any(part.state != "down" for part in status.parts)
        typer.echo(f"To {'mend' if started else 'start'} it:  semillero argilla up")


def _report_json(report: "StageReport") -> dict[str, Any]:
    keys = ("stage", "outcome", "summary", "seconds", "paths")
    return {key: getattr(report, key) for key in keys}


def _figures(root: str, path: str) -> list[Path]:
    return sorted(Path(root, path).glob("figures/*.png")) if "://" not in root else []


def _pages(root: str, path: str) -> list[Path]:
    return sorted(Path(root, path).glob("report.html")) if "://" not in root else []


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
