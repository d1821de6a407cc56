"""The ``semillero`` command. Each command imports what it needs when it runs, so ``--help`` answers at once."""

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from semillero.errors import InputError, SemilleroError

P = ParamSpec("P")

app = typer.Typer(
    name="semillero",
    help="Grow a jury-ready language-model project from one project file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

argilla = typer.Typer(help="A real Argilla on this machine, without Docker: up, down, status.", no_args_is_help=True)
app.add_typer(argilla, name="argilla")
reviewing = typer.Typer(help="Review by people in Argilla: who is awaited, accounts, backups.", no_args_is_help=True)
app.add_typer(reviewing, name="review")
hosting = typer.Typer(help="The Space on the Hub: how it is, its logs, deploying it again.", no_args_is_help=True)
app.add_typer(hosting, name="space")


class StageName(StrEnum):
    """The stages, as the command line spells them."""

    generate = "generate"
    curate = "curate"
    judge = "judge"
    review = "review"
    dataset = "dataset"
    report = "report"
    train = "train"
    evaluate = "evaluate"
    cards = "cards"
    demo = "demo"
    publish = "publish"
    submit = "submit"


ProjectFile = Annotated[Path, typer.Argument(help="The project file.", metavar="[FILE]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DEFAULT_FILE = Path("semillero.yaml")


def explained(command: Callable[P, None]) -> Callable[P, None]:
    """Turn our errors into a message and an exit code; everything else is a bug and keeps its traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SemilleroError as error:
            typer.secho(f"semillero: {error}", fg="red" if error.exit_code != 75 else "yellow", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("semillero: stopped; run the same command again to go on from here", err=True)
            raise typer.Exit(130) from None

    return run


@app.command()
@explained
def init(folder: Annotated[Path, typer.Argument(help="Where to start.", metavar="DIR")]) -> None:
    """Write a project file to start from, with a few seeds, passages and topics of each variety."""
    from semillero.project.starting import start_project

    file = start_project(folder)
    typer.echo(f"Wrote {file}.\nNext: edit it, then  semillero check {file}  and  semillero run {file}")


@app.command()
@explained
def check(file: ProjectFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Try now everything that could fail later: files, endpoints, model, memory, disk."""
    from flows.display import show_checks
    from semillero.checking import check_project

    results = check_project(file)
    show_checks(results, as_json)
    if any(result.outcome == "fails" for result in results):
        raise typer.Exit(1)


@app.command()
@explained
def run(
    file: ProjectFile = DEFAULT_FILE,
    until: Annotated[StageName, typer.Option(help="Last stage to make.")] = StageName.submit,
    only: Annotated[StageName | None, typer.Option(help="Make this stage alone; earlier ones must be there.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="All stages on a handful of rows, in minutes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the pipeline: make what is missing, reuse what is there."""
    from semillero.project import load_project

    load_project(file)  # a bad project file is told before Prefect is even imported
    from flows.running import run_pipeline

    run_pipeline(file, until.value, only.value if only else None, smoke, as_json)


@app.command()
@explained
def status(file: ProjectFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Show where every stage stands."""
    from flows.display import show_status
    from flows.looking import look_at_stages

    show_status(file, look_at_stages(file), as_json)


@app.command()
@explained
def explain(
    stage: Annotated[StageName, typer.Argument(help="The stage.", metavar="STAGE")],
    file: ProjectFile = DEFAULT_FILE,
    as_json: AsJson = False,
) -> None:
    """Say why a stage would be reused or made again."""
    from flows.looking import explain_stage

    explanation = explain_stage(file, stage.value)
    typer.echo(json.dumps(explanation.as_json(), ensure_ascii=False, indent=2) if as_json else str(explanation))


@app.command()
@explained
def demo(
    file: ProjectFile = DEFAULT_FILE,
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; a free one by default.")] = None,
) -> None:
    """Serve the project's Space on this machine until Ctrl-C."""
    from flows.running import serve_demo

    serve_demo(file, port)


@app.command()
@explained
def score(file: ProjectFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Estimate the jury's points from the files, and say what gains most next."""
    from flows.display import show_score
    from flows.looking import look_at_score

    show_score(look_at_score(file), as_json)


@app.command()
@explained
def publish(
    file: ProjectFile = DEFAULT_FILE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent and removed; change nothing.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check again all that is online against the receipts.")
    ] = False,
    rollback: Annotated[
        str | None, typer.Option(help="Return to an earlier publication, by a new commit.", metavar="TAG")
    ] = None,
    repository: Annotated[
        str | None, typer.Option(help="With --rollback: this one alone, as datasets/ORG/NAME.", metavar="REPOSITORY")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish what the run store has: to the folder, and to the Hub when the project file says so."""
    from flows.publishing import plan, publish_now, return_to, verify_all

    if sum((dry_run, verify, rollback is not None)) > 1 or (repository and rollback is None):
        raise InputError("--dry-run, --verify and --rollback exclude each other; --repository goes with --rollback")
    if dry_run:
        plan(file, as_json)
    elif verify:
        verify_all(file, as_json)
    elif rollback is not None:
        return_to(file, rollback, repository)
    else:
        publish_now(file, as_json)


@hosting.command("status")
@explained
def space_status(file: ProjectFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Show what the Space runs on, which commit it runs and which one worked last."""
    from flows.display import show_facts
    from flows.hosting import look_at_space

    show_facts(look_at_space(file), as_json)


@hosting.command("logs")
@explained
def space_logs(
    file: ProjectFile = DEFAULT_FILE,
    build: Annotated[bool, typer.Option("--build", help="Of its build instead of the app.")] = False,
    lines: Annotated[int, typer.Option(min=1, help="How many, from the end.")] = 100,
) -> None:
    """Print the end of the Space's log."""
    from flows.hosting import print_log

    print_log(file, build, lines)


@hosting.command("deploy")
@explained
def space_deploy(file: ProjectFile = DEFAULT_FILE) -> None:
    """Give the Space that is online the project file's settings, wait until it runs and ask it something."""
    from flows.hosting import deploy_again

    deploy_again(file)


@app.command()
@explained
def up(
    file: ProjectFile = DEFAULT_FILE,
    port: Annotated[int, typer.Option(help="Port of the Prefect page on 127.0.0.1.")] = 4200,
) -> None:
    """Start the Prefect server and a worker on this machine; stop both with Ctrl-C."""
    from flows.serving import serve_prefect

    serve_prefect(file, port)


@app.command()
@explained
def deploy(file: ProjectFile = DEFAULT_FILE) -> None:
    """Register the Prefect deployments, so that the page and a schedule can start this project."""
    from flows.serving import register_deployments

    register_deployments(file)


@argilla.command("up")
@explained
def argilla_up(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of the page on 127.0.0.1; the last one or 6900 by default.")
    ] = None,
) -> None:
    """Start Argilla on this machine, or mend what of it is down; it goes on running. Installed the first time."""
    from flows.display import show_argilla
    from semillero.review.server import start_argilla

    show_argilla(start_argilla(port=port))


@argilla.command("down")
@explained
def argilla_down() -> None:
    """Stop Argilla; what people have answered stays."""
    from semillero.review.server import stop_argilla

    typer.echo("Argilla has been stopped; its data stay." if stop_argilla() else "Argilla was not running.")


@argilla.command("status")
@explained
def argilla_status(as_json: AsJson = False) -> None:
    """Show which of Argilla's processes is up, what it holds and where its keys and logs are."""
    from flows.display import show_argilla_status
    from semillero.review.server import argilla_status as look

    show_argilla_status(look(), as_json)


@reviewing.command("status")
@explained
def review_status(file: ProjectFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Show what has been answered and what is missing, by person and variety."""
    from flows.display import show_review
    from flows.reviewing import look_at_review

    show_review(*look_at_review(file, required=False), as_json)


@reviewing.command("collect")
@explained
def review_collect(
    file: ProjectFile = DEFAULT_FILE,
    from_space: Annotated[
        bool, typer.Option("--from-space", help="First bring the demo's votes to the reviewers.")
    ] = False,
    votes: Annotated[
        Path | None, typer.Option(help="Folder of votes, instead of the Space's dataset.", metavar="FOLDER")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what has been answered since; the next run goes on with it."""
    from flows.display import show_review
    from flows.reviewing import collect_votes, look_at_review

    if from_space or votes:
        typer.echo(collect_votes(file, votes), err=as_json)
    show_review(*look_at_review(file, required=True), as_json)


@reviewing.command("invite")
@explained
def review_invite(
    file: ProjectFile = DEFAULT_FILE,
    renew: Annotated[str | None, typer.Option(help="Give this reviewer a new password.", metavar="NAME")] = None,
) -> None:
    """Make the reviewers' accounts and show each password, once."""
    from flows.reviewing import invite

    invite(file, renew)


@reviewing.command("backup")
@explained
def review_backup(
    file: ProjectFile = DEFAULT_FILE,
    target: Annotated[Path | None, typer.Option(help="Parquet file; named after the time by default.")] = None,
) -> None:
    """Write every response to a parquet file."""
    from flows.reviewing import back_up

    path, count, note = back_up(file, target)
    typer.echo(f"{count} responses in {path}" + (f"\n{note}" if note else ""))


@reviewing.command("restore")
@explained
def review_restore(
    file: ProjectFile = DEFAULT_FILE,
    backup: Annotated[Path | None, typer.Option(help="A backup; what was collected last by default.")] = None,
) -> None:
    """Put accounts, records and responses back into an Argilla that has lost them."""
    from flows.reviewing import restore

    restore(file, backup)


@reviewing.command("listen")
@explained
def review_listen(
    file: ProjectFile = DEFAULT_FILE,
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; a free one by default.")] = None,
    public_url: Annotated[
        str | None, typer.Option(help="How an Argilla elsewhere reaches this port (a tunnel).", metavar="URL")
    ] = None,
) -> None:
    """Wait for Argilla to say that somebody has answered, and go on once it is enough."""
    from flows.listening import listen

    listen(file, port, public_url)


@app.command()
@explained
def schema(
    target: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("semillero.schema.json"),
) -> None:
    """Write the JSON Schema of the project file, for editors."""
    from semillero.project import write_json_schema

    write_json_schema(target)
    typer.echo(f"Wrote {target}.")


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Nothing is ever lost and nothing is ever redone: run the same command again after anything."""
    if version:
        from semillero import __version__

        typer.echo(__version__)
        raise typer.Exit


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the console script."""
    return app(args=arguments if arguments is not None else sys.argv[1:])


if __name__ == "__main__":
    main()
