"""What the server says no to: a status, a sentence, what is possible."""

from __future__ import annotations

from typing import Any

from tamis.core.errors import DiskFull, TamisError

from . import shapes


class Refused(Exception):
    """An answer that is not 2xx. `now`: of a 409, how the row stands."""

    def __init__(self, status: int, error: str, *, hint: str | None = None, now: dict[str, Any] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.problem = shapes.Problem(error=error, hint=hint, now=now)


class NotThere(Refused):
    """404."""

    def __init__(self, error: str, *, hint: str | None = None) -> None:
        super().__init__(404, error, hint=hint)


def refused(error: TamisError) -> Refused:
    """An error of the tree as an answer: what was asked cannot be done, and why."""
    status = 507 if isinstance(error, DiskFull) else 400
    return Refused(status, error.message, hint=error.hint)
