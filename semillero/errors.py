"""The errors a user can meet, in one tree.

::

    SemilleroError            exit code 1
    ├── InputError            exit code 2: bad usage, a file of the user's that cannot be used
    │   └── ProjectFileError  exit code 2: the project file itself
    ├── StoreError            the run store: full disk, held lock, unreadable root
    ├── GenerationError       the endpoint failed, or too few usable rows came back
    │   └── BudgetReached     corpus.budget has no room for one more request; raise it and run again
    ├── CorpusError           too few rows are left to review or to split
    ├── AccountingError       counts that must balance do not: always a bug or tampering
    ├── TrainingError         no rows, NaN loss, an adapter that changed nothing
    │   └── TrainingPaused    exit code 75: not an error; stopped with a checkpoint, run again to go on
    ├── EvaluationError       nothing to evaluate
    ├── PublishError          a card with template residue, a copy that does not verify
    └── WaitingForPeople      exit code 75: not an error; the run goes on when reviewers have answered

Every message says what was found, what was expected and what to do.
"""

from typing import ClassVar


class SemilleroError(Exception):
    """Base of every error that is explained to the user instead of shown as a traceback.

    Args:
        found: what is wrong, with the file, key or value named.
        expected: what would have been right (may be empty).
        remedy: what the user can do now (may be empty).
        retryable: the same call may succeed in a moment (an endpoint that is down); tasks retry only these.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, found: str, expected: str = "", remedy: str = "", *, retryable: bool = False) -> None:
        self.found, self.expected, self.remedy, self.retryable = found, expected, remedy, retryable
        super().__init__(found, expected, remedy)

    def __str__(self) -> str:
        lines = [self.found]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.remedy:
            lines.append(f"  to do:    {self.remedy}")
        return "\n".join(lines)


class InputError(SemilleroError):
    """A file, flag or environment variable of the user's cannot be used."""

    exit_code = 2


class ProjectFileError(InputError):
    """The project file is not valid; the message lists every fault with its line."""


class StoreError(SemilleroError):
    """The run store cannot be read or written."""


class GenerationError(SemilleroError):
    """Generation cannot go on: the endpoint fails, or what it returns is unusable."""


class BudgetReached(GenerationError):
    """One more request could cost more than the project file allows.

    Exit code 1, not 75: a run that waits for people goes on by itself when they have answered, but only a changed
    project file opens a purse, so a schedule should show this run as failed.
    """


class CorpusError(SemilleroError):
    """Too few rows are left to make a corpus of."""


class AccountingError(SemilleroError):
    """Rows that went in are not the rows that came out plus those that left with a reason."""


class TrainingError(SemilleroError):
    """Training cannot start, or what it made must not be used."""


class TrainingPaused(TrainingError):
    """Training stopped in good order with a checkpoint; a retryable one may go on at once, in the same run."""

    exit_code = 75


class EvaluationError(SemilleroError):
    """There is nothing to evaluate, or the numbers cannot be trusted."""


class PublishError(SemilleroError):
    """Something must not be published, or what was published does not verify."""


class WaitingForPeople(SemilleroError):
    """The run stops here until reviewers have answered; run it again later."""

    exit_code = 75
