"""The account of a step: in + born = kept + dropped + merged + held + quarantined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import BalanceError
from tamis.engine.judge import CODES
from tamis.engine.task import Applied


@dataclass
class Account:
    """Rows that came in, and what became of them. Balanced by `check`, against an independent count."""

    step: str
    rows_in: int = 0
    born: int = 0
    kept: int = 0
    dropped: int = 0
    merged: int = 0
    held: int = 0
    quarantined: int = 0
    not_applicable: int = 0
    changed: int = 0
    rescued: int = 0
    stale: int = 0
    judged_rows: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    rejected_for: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: NDArray[np.uint8], reason: NDArray[np.int8], slugs: list[str], rows_in: int) -> None:
        """Count the outcomes of rows that were live; `rows_in` of them came in."""
        counts = np.bincount(outcome, minlength=len(CODES))
        self.rows_in += rows_in
        self.kept += rows_in - int(counts[1:].sum())
        self.dropped += int(counts[1])
        self.merged += int(counts[2])
        self.held += int(counts[3])
        self.quarantined += int(counts[4])
        for index, count in enumerate(np.bincount(reason[reason >= 0], minlength=len(slugs))):
            if count:
                self.reasons[slugs[index]] = self.reasons.get(slugs[index], 0) + int(count)

    def add_counts(self, applied: Applied) -> None:
        """Count what a row step did to one partition."""
        self.rows_in += applied.rows_in
        for name, count in zip(CODES, applied.outcomes, strict=True):
            setattr(self, name, getattr(self, name) + count)
        for slug, count in applied.reasons.items():
            self.reasons[slug] = self.reasons.get(slug, 0) + count
        for name in ("not_applicable", "changed", "rescued", "stale", "judged_rows", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(applied, name))

    def check(self, live_after: int) -> None:
        """BalanceError unless every row is accounted for and `live_after` rows really go on."""
        total_in = self.rows_in + self.born
        out = self.kept + self.dropped + self.merged + self.held + self.quarantined
        if total_in != out or self.kept != live_after:
            raise BalanceError(
                f"step {self.step!r}: {self.rows_in} in + {self.born} born = {total_in}, but {self.kept} kept + {self.dropped} "
                f"dropped + {self.merged} merged + {self.held} held + {self.quarantined} quarantined = {out}, and {live_after} go on"
            )

    def record(self) -> dict[str, Any]:
        """The account as JSON values; `in` as users read it."""
        record = {"in": self.rows_in, "born": self.born}
        record |= {name: getattr(self, name) for name in CODES}
        extra: dict[str, Any] = {
            k: getattr(self, k) for k in ("not_applicable", "changed", "rescued", "stale") if getattr(self, k)
        }
        if self.rejected_for:  # people's own reasons, within the step's reason `rejected`
            extra["rejected_for"] = dict(sorted(self.rejected_for.items()))
        return {**record, **extra, "reasons": dict(self.reasons)}


def totals(accounts: list[Account], read: int, unreadable: int) -> dict[str, int]:
    """The account of a whole run: rows read (unreadable lines count) and their ends."""
    born = sum(a.born for a in accounts)
    out = {name: sum(getattr(a, name) for a in accounts) for name in ("dropped", "merged", "held", "quarantined")}
    out["quarantined"] += unreadable
    kept = read + born - sum(out.values())
    return {"in": read, "born": born, "kept": kept, **out}
