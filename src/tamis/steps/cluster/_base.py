"""What all clustering steps share: vectors in, frozen clusters out, new rows to the clusters there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from tamis.core.columns import Columns, Table
from tamis.core.fingerprint import fingerprint
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, TableStep
from tamis.engine.cluster_edits import KINDS, Edit, edits_of
from tamis.engine.clusterings import FILES, FOLDER, Assigned, Clustering, load
from tamis.engine.diverse import gathered, place_of
from tamis.engine.fitting import SET_TYPES, Groups, freeze, versions
from tamis.engine.kept_clusters import Settled, settle
from tamis.engine.quantised import Whole, quantise

from ._verdict import texts_of, verdict_of


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

    _edits: tuple[Edit, ...] = PrivateAttr(())

    def group(self, vectors: Whole, seed: int) -> Groups:
        """The groups of vectors that all point somewhere, in the order of their rows' ids."""
        raise NotImplementedError

    def place(self) -> str:
        """The column with the vectors or their keys, as a recipe names it."""
        return place_of(self.vectors)

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.place(), *TableStep.reads(self)]))  # type: ignore[misc]

    def files(self) -> tuple[str, ...]:
        return () if self.fit is None else tuple(str(self.fit / name) for name in FILES)

    def gathers_by(self) -> tuple[str, ...]:
        return ("vectors", "name_by")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return {"vector": gathered(rows, self.vectors)}

    def obeys(self) -> tuple[str, ...]:
        return KINDS

    def with_decisions(self, decisions: Sequence[Mapping[str, Any]]) -> Self:
        step = self.model_copy()
        step._edits = tuple(edits_of(decisions))
        return step

    def decide(self, table: Table) -> Verdict:
        whole, valid = quantise(table.vectors("vector"))
        rows = np.flatnonzero(valid)
        if not len(rows):
            return self._verdict(table.height, rows, None)
        high, low = table.ids()
        rows = rows[np.lexsort((low[rows], high[rows]))]  # the same clusters however the rows stand
        return self._verdict(table.height, rows, self.settled(table, rows, whole[rows], high[rows], low[rows]))

    def settled(
        self, table: Table, rows: NDArray[np.int64], vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64]
    ) -> Settled:
        """The clustering asked for, the one recorded, or a new one, and these rows in it. rows: where they stand in the table."""

        def read(some: NDArray[np.int64]) -> pl.Series:
            return texts_of(table, rows[some], self.name_by)

        def fit() -> Clustering:
            if self.fit is not None:
                return load(self.fit)
            about = {
                "step": self.address(), "version": self.version, "parameters": self._parameters(), "seed": table.seed,
                "rows": len(vectors), "dimensions": vectors.shape[1], "versions": versions(self.libraries),
            }  # fmt: skip
            return freeze(self.group(vectors, table.seed), vectors, high, low, read, about)

        place = self._place(table, vectors, high, low)
        return settle(fit, place, self.name, self._edits, vectors, high, low, read, fill=self.fills(), seed=table.seed)

    def fills(self) -> bool:
        return True

    def _parameters(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude={"id", "where", "grow", "fit", "drift"})

    def _place(self, table: Table, vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Path | None:
        """The clustering's folder; None where nothing is kept here."""
        folder = table.recorded(FOLDER)
        if folder is None:
            return None
        if self.fit is not None:  # its folder's first file holds the hashes of all others
            return folder / f"{self.name}-{fingerprint((self.fit / FILES[0]).read_text(encoding='utf-8'))[:16]}"
        told = [xxhash.xxh3_128_hexdigest(np.ascontiguousarray(one).tobytes()) for one in (vectors, high, low)]
        about = [self.address(), self.version, self._parameters(), table.seed]
        key = fingerprint(*about, *([self.name] if self.grow else told))
        return folder / f"{self.name}-{key[:16]}"

    def _verdict(self, height: int, rows: NDArray[np.int64], settled: Settled | None) -> Verdict:
        verdict = verdict_of(height, rows, settled, self.drift)
        made, found = (None, None) if settled is None else (settled.made, settled.found)
        return verdict.change(**self.more(height, rows, made, found))

    def more(
        self, height: int, rows: NDArray[np.int64], made: Clustering | None, found: Assigned | None
    ) -> dict[str, pl.Series]:
        """Further columns of a step."""
        return {}
