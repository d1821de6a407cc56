"""The report: what a jury asks of a corpus, measured. Varieties, bias, flags, and what each mitigation did.

In: the curate and review artifacts (which rows came, which left and why). Out: ``report.json`` (every number, its keys
documented in `semillero.reporting.stage`), ``report.html`` (one page without scripts that anybody can open),
``report.md`` and ``figures/``. It judges no row and changes none; the cards are filled from it.
"""

from semillero.reporting.stage import VERSION, report_corpus

__all__ = ["VERSION", "report_corpus"]
