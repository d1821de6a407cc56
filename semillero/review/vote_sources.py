"""Where the demo's votes are: in this machine's run store, and in the Space's private dataset on the Hub."""

from pathlib import Path

from semillero.errors import InputError
from semillero.project.models import Project
from semillero.publishing.hub import open_hub

LOCAL = "votes"  # in the run store: what `semillero demo` collects


def find_vote_folders(project: Project) -> list[Path]:
    """Return folders with votes; the Space's are fetched first, when the project is published on the Hub.

    Raises:
        InputError: there are no votes anywhere.
        PublishError: the Hub does not give them.
    """
    folders = [folder for folder in (local_votes(project),) if folder.is_dir()]
    if project.publish.target == "hub":
        with open_hub(project.publish.token_env) as hub:
            fetched = hub.fetch_dataset(f"{project.repository}-votes", "votes/**")
        folders += [fetched] if fetched else []
    if not folders:
        raise InputError(
            f"there are no votes: {local_votes(project)} is not there"
            + ("" if project.publish.target == "local" else f", nor a dataset {project.repository}-votes"),
            "votes of a demo's visitors",
            "run `semillero demo` and vote, or name their folder: --votes FOLDER",
        )
    return folders


def local_votes(project: Project) -> Path:
    """Return the folder where a demo on this machine keeps votes: beside the project when its store is elsewhere."""
    root = project.folder if "://" in project.store_root else Path(project.store_root)
    return root / LOCAL
