"""What the ways to split share: shares, rows that are settled already, copies that stay together, the leak check."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl

from tamis.core.columns import Columns, Table
from tamis.core.errors import StepError, UsageError
from tamis.core.outcome import Verdict
from tamis.core.row import id_text
from tamis.core.step import TableStep
from tamis.engine.allocate import quotas, seeded_order
from tamis.engine.hashing import Keys, keys
from tamis.engine.ids import hex_ids
from tamis.engine.near_splits import gather_near, near_copies, near_leaks, near_units
from tamis.engine.splits import Pin, leaks, pinned, place_rows, read_pins

from ._fields import SplitFields
from ._keys import Flags, Ints, gathered_keys, key_columns

LEAK = "the same text stands in another split"


class SplitStep(SplitFields):
    """Gives each row a split. Subclasses say how the rows that are not settled yet are placed."""

    def gathers_by(self) -> tuple[str, ...]:
        return ("leaks", "together", "ids", "by", "format", "near")

    def gather_key(self) -> str:
        return TableStep.gather_key(self.model_copy(update={"near": self.near and 1.0}))  # however near

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        wanted = {(view,) for view in self.leaks} | ({self._together()} if self._together() else set())
        gathered: dict[str, pl.Series] = {}
        for views in sorted(wanted):
            gathered |= key_columns("|".join(views), keys([rows.buffers(view) for view in views]))
            gathered |= gather_near(rows, views) if self.near is not None else {}
        if self.ids != "id":
            gathered |= key_columns("ids", keys([rows.buffers(f"column:{self.ids}")], ()))
        if self._by():
            gathered |= key_columns("by", keys([rows.buffers(f"column:{name}") for name in self._by()], ()))
        return gathered

    def decide(self, table: Table) -> Verdict:
        names = self.names()
        settled, joins = self._settled(table, names)
        split = self._place(table, settled, joins) if (settled < 0).any() else settled
        column = pl.Series(names, dtype=pl.String).gather(pl.Series(split, dtype=pl.UInt32)).alias("split")
        return self._checked(table, split, names).change(split=column)

    def _place(self, table: Table, settled: Ints, joins: Flags) -> Ints:
        """(n,) int64: the split of each row; where `settled` is not negative it is that.

        joins: the rows settled by `earlier`; copies that must stay together follow them.
        """
        raise NotImplementedError

    def _place_units(self, table: Table, settled: Ints, joins: Flags, root: Ints, named: Keys, strata: Ints) -> Ints:
        """Units of rows (`root`: the first row of each) in the seeded order of their names, or else of their ids."""
        targets = self._targets(settled)
        if self.near is not None and self._together():
            root = near_units(root, near_copies(table, self._together(), self.near))
        order = seeded_order(table.seed, named.high, named.low)
        if not named.valid.all():
            order = np.where(named.valid, order, seeded_order(table.seed, *table.ids()))
        waits = np.zeros(table.height, np.bool_)
        waits[root[settled < 0]] = True
        units, filled = int(waits.sum()), len(np.unique(settled[settled >= 0]))
        if units + filled < len(targets):
            raise UsageError(
                f"{self.name}: {table.height} rows form {units} groups that must stay together, too few for "
                f"{', '.join(self.names()[: len(targets)])}",
                hint="name other texts in `together`, or none: `together: []`",
            )
        return place_rows(root, order, strata, settled, joins, targets)

    def _targets(self, settled: Ints) -> Ints:
        """(n_splits,) int64: how many rows each split shall have; the golden rows beside the shares are not counted."""
        shared = len(self.shares) + len(self.counts)
        counts = np.bincount(settled[settled >= 0], minlength=shared)[:shared].tolist()
        total = int((settled < shared).sum())
        wanted = sum(self.counts.values())
        if total < shared or wanted + len(self.shares) > total:
            raise UsageError(
                f"{self.name}: {total} rows are too few for {', '.join(self.names()[:shared])}",
                hint="every split needs at least one row" + (f"; `counts` alone take {wanted}" if wanted else ""),
            )
        shares = [Fraction(str(share)) for share in self.shares.values()]
        fixed: list[int | None] = [None] * len(shares) + list(self.counts.values())
        return np.array(quotas(total, [*shares, *[None] * len(self.counts)], fixed, counts), np.int64)

    def _settled(self, table: Table, names: list[str]) -> tuple[Ints, Flags]:
        """(n,) int64: the split a row has from `golden` or `earlier`, else -1; and which have it from `earlier`."""
        settled = np.full(table.height, -1, np.int64)
        if self.earlier is None and self.golden is None:
            return settled, np.zeros(table.height, np.bool_)
        row_ids = (*table.ids(), np.ones(table.height, np.bool_)) if self.ids == "id" else None
        rows = gathered_keys(table, "ids") if row_ids is None else Keys(*row_ids)
        if self.earlier is not None:
            pins = read_pins(self.earlier)
            for pin in pins:
                if pin.split not in names:
                    what = "no split" if pin.split is None else f"the split {pin.split!r}"
                    raise UsageError(f"{self.earlier} names {what} for {pin.id}; {self.name} has {', '.join(names)}")
            settled = pinned(rows, pins, names, self.ids)
        if self.golden is not None:
            pins = read_pins(self.golden) if isinstance(self.golden, Path) else [Pin(one, None) for one in self.golden]
            frozen = pinned(rows, [Pin(pin.id, self.golden_split) for pin in pins], names, self.ids)
            if pins and table.height and not (frozen >= 0).any():
                raise UsageError(f"{self.name}: not one of the {len(pins)} golden ids is among the {table.height} rows")
            settled = np.where(frozen >= 0, frozen, settled)
            return settled, (settled >= 0) & (frozen < 0)
        return settled, settled >= 0

    def _checked(self, table: Table, split: Ints, names: list[str]) -> Verdict:
        """The verdict on copies across splits."""
        twin, earlier = leaks([gathered_keys(table, view) for view in self.leaks], split)
        similarity = np.where(twin >= 0, 1.0, np.nan)
        for view in self.leaks if self.near is not None else ():
            near = near_leaks(near_copies(table, (view,), self.near or 1.0), split)
            fresh = ~(similarity >= near.similarity) & (near.twin >= 0)
            twin, similarity = np.where(fresh, near.twin, twin), np.where(fresh, near.similarity, similarity)
            earlier |= near.earlier
        found = np.flatnonzero(twin >= 0)
        if not len(found):
            return Verdict()
        high, low = table.ids()
        what = "copy" if self.near is None else "copy or near copy"
        if self.on_leak == "error":
            row, other = int(found[0]), int(twin[found[0]])
            raise StepError(
                f"{self.name}: {len(found)} rows have a {what} in another split, the first "
                f"{id_text(int(high[row]), int(low[row]))} ({names[split[row]]}) and "
                f"{id_text(int(high[other]), int(low[other]))} ({names[split[other]]})",
                hint="dedup them before, or set `on_leak: drop`",
            )
        verdict = Verdict().note(leak=hex_ids(high[twin], low[twin], valid=twin >= 0).alias("leak"))
        if self.near is not None:
            verdict = verdict.note(leak_similarity=pl.Series(similarity, nan_to_null=True))
        if self.on_leak == "drop":
            return verdict.drop("leak", when=pl.Series(earlier))
        return verdict.warn(
            f"{len(found)} rows have a {what} in another split; dedup them first, or set `on_leak: drop`"
        )
