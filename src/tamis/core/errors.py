"""The one tree of errors. A user's mistake ends here and prints no traceback.

TamisError                   1   something failed
├── UsageError               2   the command line or the recipe is wrong
│   └── RecipeError          2   … with every problem of the recipe, listed at once
├── DataError                1   an input cannot be used as it stands
│   └── CorruptFile          1   bytes differ from their recorded hash
├── StepError                1   a step broke its contract
│   └── BalanceError         1   rows unaccounted for
├── DiskFull                 1   no room (or no right) to write
├── MissingExtra             2   an optional dependency is needed
├── WorkspaceBusy            1   another run holds the workspace
├── Conflict                 1   somebody else decided on the row meanwhile
├── ClusterError             1   a Ray cluster cannot run this, or failed
├── EndpointDown             1   a model endpoint refuses all that is asked, or cannot be reached; resumable
├── GateWaiting              3   a gate waits for people
├── TooManyQuarantined       4   more unreadable rows than the recipe allows
├── BudgetReached            5   the money is spent; resumable
└── Interrupted            130   Ctrl-C or SIGTERM; resumable
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class TamisError(Exception):
    """Anything Tamis says no to. `hint` is the next thing to do, where one is known."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes: as they are, not by calling their class again."""
        return _again, (type(self), self.args, self.__dict__)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message, and no traceback."""
        return [f"{type(self).__name__}: {self}"]

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nHint: {self.hint}"


def _again(kind: type[TamisError], args: tuple[Any, ...], fields: dict[str, Any]) -> TamisError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class UsageError(TamisError):
    """The command line or the recipe is wrong."""

    exit_code = 2


class RecipeError(UsageError):
    """Every problem of a recipe, together."""

    def __init__(self, where: str, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        head = f"{where}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class DataError(TamisError):
    """An input cannot be used as it stands: missing, truncated, changed while it was read."""


class CorruptFile(DataError):
    """The bytes of a file differ from the hash recorded when it was written."""


class StepError(TamisError):
    """A step returned what its contract forbids."""


class BalanceError(StepError):
    """in + born differs from kept + dropped + merged + held + quarantined."""


class DiskFull(TamisError):
    """No room, or no right, to write."""


class MissingExtra(UsageError):
    """An optional dependency is needed; the message is the command to type."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra [{extra}]", hint=f'pip install "tamis[{extra}]"')


class WorkspaceBusy(TamisError):
    """Another run holds the workspace."""


class Conflict(TamisError):
    """Somebody else decided on the row after it was shown."""


class ClusterError(TamisError):
    """A Ray cluster cannot run this, or failed."""


class EndpointDown(TamisError):
    """A model endpoint refuses all that is asked of it (key, account), or cannot be reached."""


class GateWaiting(TamisError):
    """A gate waits for people."""

    exit_code = 3


class TooManyQuarantined(TamisError):
    """More unreadable rows than `max_quarantined` allows."""

    exit_code = 4


class BudgetReached(TamisError):
    """The budget is spent."""

    exit_code = 5


class Interrupted(TamisError):
    """Stopped by Ctrl-C or SIGTERM."""

    exit_code = 130


def did_you_mean(word: str, possible: Iterable[str]) -> str:
    """' (did you mean X?)' or what is possible, to end an error message with."""
    choices = sorted(set(possible))
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(choices[:20]) + (", …" if len(choices) > 20 else "")
    return f"possible: {shown}" if choices else "nothing is possible here"
