"""The way to an endpoint for requests that are not a shard's: a judge's, a report's."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from semillero.generation.budget import Purse
from semillero.generation.channel import Channel
from semillero.generation.endpoint import open_endpoint
from semillero.generation.ledger import Ledger, read_answers
from semillero.progress import track
from semillero.project.models import BudgetSettings, GeneratorSettings, Price


@contextlib.contextmanager
def open_channel(
    generator: GeneratorSettings, ledger: Path, budget: BudgetSettings, price: Price, label: str, total: int
) -> Iterator[tuple[Channel, Ledger, Callable[[int], None]]]:
    """Yield a channel, the ledger that its requests go to, and what moves the progress bar.

    Args:
        generator: the endpoint and its limits.
        ledger: ``work/STAGE/KEY/ledger.jsonl``; its neighbours' replies to the same requests are reused.
        budget, price: what all requests of the project may cost, and what these do.
        label, total: of the progress bar.

    Raises:
        InputError: the API key's environment variable is not set.
        GenerationError: the endpoint cannot be reached, or refuses the key.
    """
    known = read_answers(ledger.parent.parent)
    purse = Purse.open(ledger.parents[2], budget, price)
    with (
        open_endpoint(generator) as endpoint,
        track(label, total=total) as advance,
        Channel(endpoint, generator, known, purse) as channel,
        Ledger(ledger) as opened,
    ):
        yield channel, opened, advance
