"""What all clustering steps share: vectors in, frozen clusters out, new rows to the clusters there are."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

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
from tamis.engine.clusterings import (
    FILES, FOLDER, Assigned, Cluster, Clustering, assign, examples, ids_text, limits, load, numbered, save,
)  # fmt: skip
from tamis.engine.diverse import vectors_of
from tamis.engine.keyphrases import key_phrases, names_of, sample
from tamis.engine.quantised import Whole, centres_of, distance, nearest, quantise, sums

#: rows whose texts are read at a time
BATCH = 20_000
#: new rows that must be far before anything is said of them
FEW = 5


class Groups(NamedTuple):
    """label: (n,) -1 for outliers; centres: (k, d), or None to take the means; layers: further labels, by name."""

    label: NDArray[np.int32] | None
    centres: Whole | None
    layers: dict[str, NDArray[np.int32]]


class Clusters(TableStep):
    """Fields and ways of every clustering step. A subclass says how vectors become groups."""

    seeded: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("cluster", "name", "distance")
    #: whether there are rows that belong to no cluster
    leaves_out: ClassVar[bool] = False

    vectors: str = Field(
        "embed.text", description="The id of the step that embedded the rows, or `column:NAME` for a column of vectors."
    )
    name_by: View = Field("prompt", description="The text that the key phrases, and so the names, are made from.")
    grow: bool = Field(
        False,
        description="Keep the clusters of the first run in this workspace: later rows are assigned to them, none moves.",
    )
    fit: Path | None = Field(
        None, description="The folder of a recorded clustering whose clusters are taken as they are; nothing is fitted."
    )
    drift: float = Field(
        0.05,
        ge=0.01,
        le=1,
        description="Share of new rows that may be farther from their centre than 99% of those it was fitted on, before "
        "the run warns of it.",
    )

    def group(self, vectors: Whole, seed: int) -> Groups:
        """The groups of vectors that all point somewhere, in the order of their rows' ids."""
        raise NotImplementedError

    def place(self) -> str:
        """The column with the vectors or their keys, as a recipe names it."""
        return (
            self.vectors.removeprefix("column:") if self.vectors.startswith("column:") else f"{self.vectors}.{VECTOR}"
        )

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
        del whole
        made = self._clustering(table, rows, vectors, high, low)
        found = assign(made, vectors, high, low, fill=self._fills())
        return self._verdict(table.height, rows, made, found)

    def _fills(self) -> bool:
        return True

    def _parameters(self) -> dict[str, Any]:
        left_out = {"id", "where", "grow", "fit", "drift"}
        return {k: v for k, v in self.configuration().items() if k not in left_out}

    def _clustering(
        self, table: Table, rows: NDArray[np.int64], vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64]
    ) -> Clustering:
        """The clustering asked for, the one recorded, or a new one."""
        if self.fit is not None:
            return load(self.fit)
        folder = table.recorded(FOLDER)
        told = [xxhash.xxh3_128_hexdigest(np.ascontiguousarray(one)) for one in (vectors, high, low)]
        about = [self.address(), self.version, self._parameters(), table.seed]
        key = fingerprint(*about, *([self.name] if self.grow else told))
        place = None if folder is None else folder / f"{self.name}-{key[:16]}"
        if place is not None and (place / FILES[0]).exists():
            return load(place)
        made = self._fitted(table, rows, vectors, high, low)
        if place is not None:
            save(place, made)
        return made

    def _fitted(
        self, table: Table, rows: NDArray[np.int64], vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64]
    ) -> Clustering:
        groups = self.group(vectors, table.seed)
        if groups.label is None:
            assert groups.centres is not None
            label, order = numbered(nearest(vectors, groups.centres)[0], len(groups.centres))
            centres = groups.centres[order]
        else:
            label, order = numbered(groups.label, int(groups.label.max(initial=-1)) + 1)
            centres = centres_of(sums(vectors, label, len(order)))
        if not len(centres):  # nothing but outliers: one group of all
            centres = centres_of(sums(vectors, np.zeros(len(vectors), np.int32), 1))
        outlier = label < 0
        near, product = nearest(vectors, centres)
        own = np.where(outlier, near, label)
        moved = ~outlier & (near != label)  # a row of a dense group may be nearer to the centre of another one
        wide = vectors[moved].astype(np.int64)
        product[moved] = (wide * centres[label[moved]].astype(np.int64)).sum(axis=1)
        k = len(centres)
        phrases = self._phrases(table, rows, label, k)
        names = names_of(phrases)
        central, boundary = examples(vectors, centres, label, product)
        limit = limits(label, product, k)
        size, left = np.bincount(label[~outlier], minlength=k), np.bincount(own[outlier], minlength=k)
        clusters = tuple(
            Cluster(
                int(size[c]), int(left[c]), limit[c], names[c], tuple(phrases[c]),
                ids_text(high, low, central[c]), ids_text(high, low, boundary[c]),
            )
            for c in range(k)
        )  # fmt: skip
        about = {
            "step": self.address(), "version": self.version, "parameters": self._parameters(), "seed": table.seed,
            "rows": len(vectors), "dimensions": vectors.shape[1], "versions": self._versions(),
        }  # fmt: skip
        return Clustering(about, clusters, centres, high, low, label, outlier, product, groups.layers)

    def _versions(self) -> dict[str, str]:
        found = {"python": sys.version.split()[0]}
        for name in ("numpy", "polars", *self.libraries):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found

    def _phrases(self, table: Table, rows: NDArray[np.int64], label: NDArray[np.int32], k: int) -> list[Any]:
        """Key phrases of each cluster from some of its rows' texts."""
        chosen = sample(label, k)
        chosen = chosen[np.argsort(rows[chosen], kind="stable")]
        texts = [
            table.fetch(rows[chosen[at : at + BATCH]], [f"view:{self.name_by}"]).to_series()
            for at in range(0, len(chosen), BATCH)
        ]
        return key_phrases(pl.concat(texts) if texts else pl.Series([], dtype=pl.String), label[chosen], k)

    def _verdict(
        self, height: int, rows: NDArray[np.int64], made: Clustering | None, found: Assigned | None
    ) -> Verdict:
        label, far = np.full(height, -1, np.int32), np.full(height, np.nan)
        names: list[str] = []
        warnings = []
        if made is not None and found is not None:
            label[rows], names = found.label, [c.name for c in made.clusters]
            far[rows] = np.where(found.label >= 0, distance(found.product), np.nan)
            warnings = self._drift(made, found)
        cluster = pl.Series("cluster", label)
        cluster = cluster.set(cluster < 0, None)
        name = pl.Series("name", names, dtype=pl.String).gather(cluster.cast(pl.UInt32))
        away = pl.Series("distance", far, nan_to_null=True)
        verdict = keep().change(cluster=cluster, name=name, distance=away).note(distance=away)
        for message in warnings:
            verdict = verdict.warn(message)
        return verdict

    def _drift(self, made: Clustering, found: Assigned) -> list[str]:
        """What is to be said of how new rows fit."""
        new = ~found.known & (found.label >= 0)
        count = int(new.sum())
        if not count:
            return []
        limit = np.array([c.limit for c in made.clusters], np.int64)
        far = found.product[new] < limit[found.label[new]]
        share = float(far.mean())
        told = (
            f"{count:,} rows are new to the clustering; {int(far.sum()):,} of them ({share:.1%}) are farther from their "
            "centre than 99% of the rows it was fitted on"
        )
        if int(far.sum()) >= FEW and share > self.drift:
            worst = np.bincount(found.label[new][far], minlength=len(limit)).argmax()
            return [f"drift: {told}, most of them in cluster {worst} ({made.clusters[worst].name}); cluster anew"]
        return [told]
