"""What a run's judging steps are known to be worth: the figures of `engine.judging.panel`, from the ledger's evidence."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from tamis.engine.judging.panel import judge_figures

from .ledger import Ledger

_HEAD = "evidence."
#: evidence that every judging step keeps, and no other
_MARKS = {f"{_HEAD}family", f"{_HEAD}canary", f"{_HEAD}again"}
_USED = ("score", "again", "length", "human", "canary", "family", "orders", "longer")


def judging(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Step → its figures, for the steps that judged in this run. `unjudged`: rows without a verdict, by reason; `refused`: those
    among them that are of the judge's own family."""
    found = {}
    for step in ledger.steps:
        parts, failed = [], Counter[str]()
        for index in range(len(ledger.partitions())):
            if not set(ledger.columns(step, index)) >= _MARKS:
                continue
            frame = ledger.part(step, index)
            assert frame is not None
            if f"{_HEAD}error" in frame.columns:
                failed.update(one.split(":", 1)[0] for one in frame[f"{_HEAD}error"].drop_nulls().to_list())
            names = [name for name in _USED if f"{_HEAD}{name}" in frame.columns]
            parts.append(frame.select(pl.col(f"{_HEAD}{name}").alias(name) for name in names))
        if parts:
            figures = judge_figures(pl.concat(parts, how="diagonal_relaxed"))
            unjudged = dict(sorted(failed.items(), key=lambda pair: (-pair[1], pair[0])))
            found[step["name"]] = {**figures, "unjudged": unjudged, "refused": failed["own_family"]}
    return found
