"""`Funnel`: the rows that are still in, and why the others left.

A filter is a pure function that takes the remaining rows and returns a *verdict* frame: `row` (the row's number in
the sorted input), `reason`, `evidence`. The funnel takes those rows out, so that each leaves for one reason, the
first that applied.
"""

import polars as pl

from semillero.curation.reasons import FLAGS, REASONS
from semillero.errors import AccountingError

VERDICT = pl.Schema({"row": pl.UInt32(), "reason": pl.String(), "evidence": pl.String()})
FLAG = pl.Schema({"row": pl.UInt32(), "flag": pl.String()})


class Funnel:
    """Rows on their way through the filters.

    Attributes:
        rows: the rows not rejected so far (`row`, `item`, `variety`, `instruction`, `answer` and what filters add).
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows
        self._verdicts: list[pl.DataFrame] = [pl.DataFrame(schema=VERDICT)]
        self._flags: list[pl.DataFrame] = [pl.DataFrame(schema=FLAG)]

    def drop(self, verdicts: pl.DataFrame) -> None:
        """Take the named rows out.

        Raises:
            AccountingError: a verdict names a row twice, a row that is not in, or a reason that is not in the table.
        """
        left = self.rows.join(verdicts, on="row", how="anti", maintain_order="left")
        strange = set(verdicts["reason"].unique()) - set(REASONS)
        if strange or self.rows.height - left.height != verdicts.height:
            raise AccountingError(
                f"a filter gave {verdicts.height} verdicts ({', '.join(sorted(strange)) or 'known reasons'}) "
                f"and took out {self.rows.height - left.height} rows",
                "one verdict with a documented reason for each row that leaves",
            )
        self.rows = left
        self._verdicts.append(verdicts.select(pl.col(name).cast(kind) for name, kind in VERDICT.items()))

    def flag(self, flags: pl.DataFrame) -> None:
        """Mark the named rows, which stay."""
        strange = set(flags["flag"].unique()) - set(FLAGS)
        if strange:
            raise AccountingError(f"unknown flags: {', '.join(sorted(strange))}", ", ".join(FLAGS))
        self._flags.append(flags.select(pl.col(name).cast(kind) for name, kind in FLAG.items()))

    @property
    def verdicts(self) -> pl.DataFrame:
        """Every verdict so far: `row`, `reason`, `evidence`."""
        return pl.concat(self._verdicts)

    @property
    def flags(self) -> pl.DataFrame:
        """One line a flagged row: `row`, `flags` (sorted, each once)."""
        each = pl.concat(self._flags).unique()
        return each.group_by("row").agg(pl.col("flag").sort().alias("flags")).sort("row")


def first_verdict(rows: pl.DataFrame, rules: list[tuple[str, pl.Expr, pl.Expr]]) -> pl.DataFrame:
    """Return a verdict for each row to which a rule applies; the first that applies counts.

    Args:
        rows: has `row` and whatever the rules read.
        rules: (reason, condition, evidence); a null condition does not apply.
    """
    reason = pl.coalesce(pl.when(condition).then(pl.lit(code)) for code, condition, _ in rules)
    evidence = pl.coalesce(pl.when(condition).then(text) for _, condition, text in rules)
    found = rows.select("row", reason.alias("reason"), evidence.alias("evidence"))
    return found.filter(pl.col("reason").is_not_null())
