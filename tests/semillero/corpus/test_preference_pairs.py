"""Preference pairs must not carry the held-out rows to whoever trains on them."""

import polars as pl

from semillero.corpus import drop_held_out
from semillero.records import PREFERENCES


def test_pairs_related_to_held_out_rows_are_left_out() -> None:
    rows = pl.DataFrame({"grupo": ["p1", "p2"], "split": ["train", "test"], "pregunta": ["¿Uno?", "¿Dos?"]})
    reviewed = pl.DataFrame({"id": ["a", "b", "c", "d"], "group": ["p1", "p2", "p2", "p3"]})
    pair = {"variety": "es-MX", "prompt": "¿?", "chosen": "sí", "rejected": "no"}
    pairs = pl.DataFrame([{"id": one, **pair} for one in "abcd"], schema=PREFERENCES)
    # "c" was discarded, but its passage is tested; "d" has no kept row, so nothing of it is tested.
    assert drop_held_out(pairs, reviewed, rows)["id"].to_list() == ["a", "d"]
