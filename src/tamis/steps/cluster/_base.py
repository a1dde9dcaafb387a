"""What all clustering steps share: vectors in, frozen clusters out, new rows to the clusters there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.fingerprint import fingerprint
from tamis.core.outcome import Verdict, keep
from tamis.core.row import VECTOR, View
from tamis.core.step import Reasons, TableStep
from tamis.engine.clusterings import FILES, FOLDER, Assigned, Clustering, assign, load, save
from tamis.engine.diverse import vectors_of
from tamis.engine.fitting import SET_TYPES, Groups, drift, freeze, versions
from tamis.engine.quantised import Whole, distance, quantise

#: rows whose texts are read at a time
BATCH = 20_000


class Clusters(TableStep):
    """Fields and ways of every clustering step. A subclass says how vectors become groups."""

    seeded: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("cluster", "name", "distance")
    set_types = SET_TYPES

    vectors: str = Field(
        "embed.text", description="The id of the step that embedded the rows, or `column:NAME` for a column of vectors."
    )
    name_by: View = Field("prompt", description="The text that the key phrases, and so the names, are made from.")
    grow: bool = Field(False, description="Keep the first run's clusters: later rows are assigned to them, none moves.")
    fit: Path | None = Field(
        None, description="The folder of a recorded clustering whose clusters are taken as they are; nothing is fitted."
    )
    drift: float = Field(
        0.05,
        ge=0.01,
        le=1,
        description="Share of new rows that may be farther off than 99% of those fitted on, before the run warns of it.",
    )

    def group(self, vectors: Whole, seed: int) -> Groups:
        """The groups of vectors that all point somewhere, in the order of their rows' ids."""
        raise NotImplementedError

    def place(self) -> str:
        """The column with the vectors or their keys, as a recipe names it."""
        column = self.vectors.removeprefix("column:")
        return column if column != self.vectors else f"{column}.{VECTOR}"

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.place(), *TableStep.reads(self)]))  # type: ignore[misc]

    def files(self) -> tuple[str, ...]:
        return () if self.fit is None else tuple(str(self.fit / name) for name in FILES)

    def gathers_by(self) -> tuple[str, ...]:
        return ("vectors", "name_by")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        column = rows[rows.find(self.place())]
        if not self.vectors.startswith("column:"):
            return {"vector": column.cast(pl.String)}
        try:
            return {"vector": vectors_of(column)}
        except TypeError as error:
            raise UsageError(f"the column {self.place()!r} holds no vectors but {error}") from None

    def decide(self, table: Table) -> Verdict:
        whole, valid = quantise(table.vectors("vector"))
        rows = np.flatnonzero(valid)
        if not len(rows):
            return self._verdict(table.height, rows, None, None)
        high, low = table.ids()
        rows = rows[np.lexsort((low[rows], high[rows]))]  # the same clusters however the rows stand
        vectors, high, low = whole[rows], high[rows], low[rows]
        made = self._clustering(table, rows, vectors, high, low)
        found = assign(made, vectors, high, low, fill=self.fills())
        return self._verdict(table.height, rows, made, found)

    def fills(self) -> bool:
        return True

    def _parameters(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude={"id", "where", "grow", "fit", "drift"})

    def _clustering(
        self, table: Table, rows: NDArray[np.int64], vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64]
    ) -> Clustering:
        """The clustering asked for, the one recorded, or a new one."""
        if self.fit is not None:
            return load(self.fit)
        folder = table.recorded(FOLDER)
        told = [xxhash.xxh3_128_hexdigest(np.ascontiguousarray(one).tobytes()) for one in (vectors, high, low)]
        about = [self.address(), self.version, self._parameters(), table.seed]
        key = fingerprint(*about, *([self.name] if self.grow else told))
        place = None if folder is None else folder / f"{self.name}-{key[:16]}"
        if place is not None and (place / FILES[0]).exists():
            return load(place)
        about_it = {
            "step": self.address(), "version": self.version, "parameters": self._parameters(), "seed": table.seed,
            "rows": len(vectors), "dimensions": vectors.shape[1], "versions": versions(self.libraries),
        }  # fmt: skip
        groups = self.group(vectors, table.seed)
        made = freeze(groups, vectors, high, low, lambda some: self._texts(table, rows[some]), about_it)
        if place is not None:
            save(place, made)
        return made

    def _texts(self, table: Table, rows: NDArray[np.int64]) -> pl.Series:
        """Texts of some rows, in their order."""
        order = np.argsort(rows, kind="stable")
        back = np.argsort(order, kind="stable")
        column = f"view:{self.name_by}"
        parts = [table.fetch(rows[order[at : at + BATCH]], [column])[column] for at in range(0, len(rows), BATCH)]
        return pl.concat(parts).gather(back) if parts else pl.Series([], dtype=pl.String)

    def _verdict(
        self, height: int, rows: NDArray[np.int64], made: Clustering | None, found: Assigned | None
    ) -> Verdict:
        label, far = np.full(height, -1, np.int32), np.full(height, np.nan)
        names, message = list[str](), None
        if made is not None and found is not None:
            label[rows], names = found.label, [c.name for c in made.clusters]
            far[rows] = np.where(found.label >= 0, distance(found.product), np.nan)
            message = drift(made, found, self.drift)
        cluster = pl.Series("cluster", label).set(pl.Series(label < 0), None)
        name = pl.Series("name", names, dtype=pl.String).gather(cluster.cast(pl.UInt32))
        away = pl.Series("distance", far, nan_to_null=True)
        verdict = keep().change(cluster=cluster, name=name, distance=away).note(distance=away)
        verdict = verdict.change(**self.more(height, rows, made, found))
        return verdict if message is None else verdict.warn(message)

    def more(
        self, height: int, rows: NDArray[np.int64], made: Clustering | None, found: Assigned | None
    ) -> dict[str, pl.Series]:
        """Further columns of a step."""
        return {}
