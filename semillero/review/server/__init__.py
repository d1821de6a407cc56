"""A real Argilla on this machine, without Docker and without root.

Four processes on loopback (`parts.py`): Argilla's own server with its page, its worker, an in-memory search engine
and a Redis. They come from PyPI, pinned by hash, into an environment of their own (`environment.py`), keep running when
the command that started them ends, and keep everything in one private folder (`places.py`): SQLite database, generated
keys, logs. The database is what survives; the search index is rebuilt from it at every start.

>>> argilla = start_argilla()          # starts, mends or finds it; any number of times
>>> argilla.url
'http://127.0.0.1:6900'
>>> stop_argilla()
"""

from semillero.review.server.keys import NewOwner
from semillero.review.server.local import ArgillaStatus, LocalArgilla, PartStatus, argilla_status, local_argilla
from semillero.review.server.starting import start_argilla, stop_argilla

__all__ = [
    "ArgillaStatus",
    "LocalArgilla",
    "NewOwner",
    "PartStatus",
    "argilla_status",
    "local_argilla",
    "start_argilla",
    "stop_argilla",
]
