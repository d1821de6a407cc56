"""What ``semillero check`` can say of a training that has not begun: the memory plan, and time by earlier runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from semillero.errors import InputError
from semillero.project import Project
from semillero.store import Artifact, RunStore


def outline_training(project: Project) -> tuple[bool, list[tuple[str, str]]]:
    """Return whether training fits this machine, and the plan as a table of what and how much.

    Rows are taken to be as long as ``training.max_length`` allows: what fits then, fits.

    Raises:
        InputError: the base's configuration is not at hand.
    """
    from semillero.models.shape import Shape
    from semillero.training.devices import plan_run, this_device
    from semillero.training.forecast import forecast_run, plan_table

    settings = project.training
    folder, device = _configuration(settings.base, settings.base_revision), this_device()
    lengths = [settings.max_length] * settings.batch_size
    plan = plan_run(folder, settings, lengths, device, settings.batch_tokens)
    facts = list(_earlier_runs(RunStore(project.store_root, dry=True)))
    tokens = int(max((f["tokens_per_second"] * f["training_seconds"] for f in facts), default=0))
    forecast = forecast_run(tokens, "cpu" if device.capability is None else device.name, facts)
    return plan.fits, plan_table(plan, Shape.read(folder), device, forecast)


def _configuration(base: str, revision: str | None) -> Path:
    """Return a folder with the base's ``config.json``; of a Hub base that file alone is fetched."""
    from semillero.models import embedded
    from semillero.models.base import EMBEDDED

    if base == EMBEDDED:
        store = RunStore(str(embedded.cache_folder() / "bases"))
        if found := store.find(embedded.conversion_recipe()):
            return store.folder(found)
        raise InputError("the embedded base has not been converted yet", "", "the first training run does it")
    if Path(base).is_dir():
        return Path(base)
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(base, "config.json", revision=revision)).parent
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        fault = f"the Hub did not give {base}'s config.json: {error}"
        raise InputError(fault, "", "check its name and your access") from None


def _earlier_runs(store: RunStore) -> Iterator[Mapping[str, Any]]:
    for entry in store.last("train").values():
        recipe = entry["recipe"]
        facts = store.run_facts(Artifact("train", recipe["part"], "", entry["content"], entry["path"], {}, {}))
        if facts.get("tokens_per_second") and facts.get("training_seconds"):
            yield facts
