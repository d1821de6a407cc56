"""What ``semillero check`` can say of a training that has not begun: the memory plan, and time by earlier runs."""

from semillero.project import Project
from semillero.store import RunStore


def outline_training(project: Project) -> tuple[bool, str]:
    """Return whether training fits this machine, and the plan, a line for each of its parts.

    Rows are taken to be as long as ``training.max_length`` allows: what fits then, fits.

    Raises:
        InputError: the base's configuration is not at hand.
    """
    from semillero.models.base import find_configuration
    from semillero.models.shape import Shape
    from semillero.training.devices import plan_run, this_device
    from semillero.training.forecast import forecast_run, plan_table

    settings = project.training
    folder, device = find_configuration(settings.base, settings.base_revision), this_device()
    lengths = [settings.max_length] * settings.batch_size
    plan = plan_run(folder, settings, lengths, device)
    store = RunStore(project.store_root, dry=True)
    facts = [
        run for run in store.last_run_facts("train") if run.get("tokens_per_second") and run.get("training_seconds")
    ]
    tokens = int(max((f["tokens_per_second"] * f["training_seconds"] for f in facts), default=0))
    forecast = forecast_run(tokens, "cpu" if device.capability is None else device.name, facts)
    rows = plan_table(plan, Shape.read(folder), device, forecast)
    return plan.fits, "\n".join(f"{what}: {found}" for what, found in rows)
