"""Semillero: one project file in; a corpus, a fine-tuned model, a demo and a submission out.

This package is the work itself, in plain Python: one room (module or package) a stage, no Prefect anywhere,
heavy libraries imported only inside the functions that use them. Policy is in ``tasks/``, order in ``flows/``.
"""

__version__ = "0.1.0"
