"""The run store: every artifact of every stage, found again by its recipe and trusted only after a check.

An artifact has two digests. Its *key* is the recipe: stage, stage version, content digests of the inputs and the
stage's own settings. Its *content* is the sha256 over its data files. Whatever differs from run to run (times,
energy, host, ledgers) lies in files that the content leaves out. The manifest is written last: no manifest, no
artifact. A hit re-hashes every file; a missing or damaged artifact is made again, never trusted, never a crash.
"""

from semillero.store.artifact import Artifact, Recipe
from semillero.store.lock import RunLock
from semillero.store.store import Draft, RunStore, WouldMake

__all__ = ["Artifact", "Draft", "Recipe", "RunLock", "RunStore", "WouldMake"]
