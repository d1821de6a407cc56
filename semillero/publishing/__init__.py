"""Publishing: the repositories of a project, in a local folder that has the Hub's shape, and on the Hub itself.

In: all artifacts, the cards, the Space. Out: ``datasets/ORG/NAME``, ``models/ORG/NAME`` and ``spaces/ORG/NAME`` under
``publish.folder``, each verified by hash. The steps are those a remote target needs as well: gate (`gate`) → manifest
of hashes (`planning`) → compare with what is there and write, README last (`folder`) → verify → receipt.
"""

from semillero.publishing.stage import VERSION, publish_project

__all__ = ["VERSION", "publish_project"]
