"""dedup.bloom"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from tamis.core.columns import Table
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons
from tamis.engine.bloom import Filter, Seen, write_filter
from tamis.engine.hashing import Keys
from tamis.engine.pieces import pieces

from ._filter import Filtered


class Bloom(Filtered):
    """Drop rows seen before, in memory that does not grow with them.

    ## What it does
    Rows pass a Bloom filter in order. One that is in it is dropped; any other is kept and added. Whole rows are
    compared (`on` and `normalise` as in `dedup.exact`), or, with `threshold`, the distinct n-grams of a row: it is
    dropped when at least that share of them is in the filter. The n-grams of a dropped row are not added, so that a
    chain of small edits does not drift away from the row that stays. N-grams do not reach over messages; a message
    shorter than one n-gram counts as one. Rows with nothing to compare are never dropped.
    The filter is made for a `false_positive_rate`, or for `memory_mb`. It may begin with the rows of earlier
    deliveries (`against`), or with a `filter` that `Bloom(on=…).keep(files, "seen.bloom")` wrote in Python. How many rows were dropped by error, at most, is told:
    computed from how full the filter was as each row was judged.

    ## Why
    `dedup.exact` and `dedup.minhash` name the row that stays, and need memory for every row. A filter knows what it
    has seen in a few bytes a row, and fits a file: new data is compared with all that was ever delivered.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": text} for text in ("Turn it off and on again.", "turn it off, and on again", "No.")]
    >>> print(run_step(Bloom(on="response"), rows).line)
    3 in = 2 kept + 1 dropped (seen 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"seen": "the row, or enough of its n-grams, is in the filter already"}

    def decide(self, table: Table) -> Verdict:
        one = self.begin(table)
        seen, share = np.zeros(table.height, np.bool_), np.full(table.height, np.nan, np.float32)
        for start, told in self._judged(one, table):
            stop = start + len(told.seen)
            seen[start:stop] = told.seen
            with np.errstate(invalid="ignore"):
                share[start:stop] = told.known / told.distinct
        verdict = drop("seen", when=pl.Series(seen), share=pl.Series(share).fill_nan(None))
        at_most = "expected" if self.threshold is None else "at most expected"
        judged = int(np.isfinite(share).sum())
        return verdict.warn(
            f"{one.wrong:.2g} of {judged:,} rows {at_most} to be dropped by error; the filter has "
            f"{one.bits / 8e6:,.3g} MB and {one.hashes} hashes, is {one.fill:.1%} full, and now errs at a rate of "
            f"{one.rate:.2g} per {'row' if self.threshold is None else 'n-gram'}"
        )

    def keep(self, files: Sequence[Path | str], to: Path | str, *, room: float = 2.0) -> Filter:
        """Write a filter that has seen the rows of delivered files, and what this step begins with, for `filter`.

        room: how many times the rows there are it is made for, where `expected` does not say.
        """
        step = self.model_copy(update={"against": (*self.against, *map(Path, files))})
        one = step.begin(None, room)
        write_filter(Path(to), one, self.about())
        return one

    def _judged(self, one: Filter, table: Table) -> Iterator[tuple[int, Seen]]:
        if self.threshold is None:
            for start, piece in pieces(table, ["high", "low", "valid"]):
                yield start, one.judge_keys(Keys(*(piece[name].to_numpy() for name in piece.columns)))
            return
        names = [f"view:{view}" for view in self.views()]
        for start, piece in pieces(table, ["grams"]):
            frame = table.fetch(np.arange(start, start + piece.height, dtype=np.int64), names)
            yield start, one.judge_grams(*self.grams(frame.get_columns()), round(self.threshold * 1_000_000))
