"""embed.layout"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.fingerprint import fingerprint
from tamis.core.outcome import Verdict, keep
from tamis.core.step import Reasons, TableStep
from tamis.engine import layouts
from tamis.engine.diverse import gathered, place_of
from tamis.engine.layouts import FILES, FOLDER
from tamis.engine.quantised import Whole, distance, quantise

Ids = NDArray[np.uint64]


class Layout(TableStep):
    """Give each row a place on a map on which rows of like meaning stand together.

    ## What it does
    Lays the vectors of an `embed` step out in two dimensions and sets `x` and `y`. `umap` keeps near rows near and pulls groups
    apart; `pca` takes the two directions in which the rows differ most: at once, but groups overlap. What UMAP gives is recorded
    and never made again for the same rows. With `grow: true` rows keep the place they have; later ones are placed among those
    of the first run that are nearest by meaning, and the run says how well they fit. `map_distance` is 1 - cosine to the nearest
    of these, 0 for rows that the map was made from. Above `most` rows, that many make the map, drawn by the seed, and the others are
    placed like later ones. A row without a vector has no place.

    ## Why
    What there is, and what a filter took, is seen on a map at one glance. A map that turns with every run cannot be
    remembered, so it stands still.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "a", "vector": v} for v in ([1, 0, 0], [1, 0.1, 0], [0, 1, 0])]
    >>> result = run_step(Layout(method="pca", vectors="column:vector"), rows)
    >>> [round(x, 1) for x in result.column("embed.layout.x")]
    [0.5, 0.4, -0.9]
    >>> print(result.line)
    3 in = 3 kept
    """

    version: ClassVar[int] = 1
    seeded: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("x", "y", "map_distance")
    set_types = {"x": pl.Float32(), "y": pl.Float32(), "map_distance": pl.Float64()}
    libraries: ClassVar[tuple[str, ...]] = ("umap-learn", "faiss-cpu")

    vectors: str = Field(
        "embed.text", description="The id of the step that embedded the rows, or `column:NAME` for a column of vectors."
    )
    method: Literal["umap", "pca"] = Field("umap", description="How rows are laid out.")
    neighbours: int = Field(15, ge=2, le=200, description="For `umap`: rows around each row that are kept near it.")
    spacing: float = Field(0.1, ge=0, le=1, description="For `umap`: how near to each other rows may stand at least.")
    most: int = Field(200_000, ge=100, description="Rows that the map is made from, at most; the others are placed.")
    grow: bool = Field(False, description="Keep the first run's map: later rows are placed on it, none moves.")
    fit: Path | None = Field(None, description="The folder of a recorded layout that rows are placed on; none is made.")
    drift: float = Field(
        0.05, ge=0.01, le=1,
        description="Share of new rows that may be farther off than 99% of those the map was made from, before the run warns.",
    )  # fmt: skip

    def place(self) -> str:
        """The column with the vectors or their keys, as a recipe names it."""
        return place_of(self.vectors)

    def reads(self) -> tuple[str, ...]:
        return (self.place(),)

    def files(self) -> tuple[str, ...]:
        return () if self.fit is None else tuple(str(self.fit / name) for name in FILES)

    def gathers_by(self) -> tuple[str, ...]:
        return ("vectors",)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return {"vector": gathered(rows, self.vectors)}

    def decide(self, table: Table) -> Verdict:
        whole, valid = quantise(table.vectors("vector"))
        places, far = np.full((table.height, 2), np.nan, np.float32), np.full(table.height, np.nan)
        rows, message = np.flatnonzero(valid), None
        if len(rows):
            high, low = table.ids()
            rows = rows[np.lexsort((low[rows], high[rows]))]  # the same map however the rows stand
            vectors, high, low = whole[rows], high[rows], low[rows]
            made = self._layout(table, vectors, high, low)
            found = layouts.place(made, vectors, high, low)
            places[rows] = found.places
            far[rows] = distance(found.product)
            message = layouts.drift(made, found, self.drift)
        x, y, away = (pl.Series(one, nan_to_null=True) for one in (places[:, 0].copy(), places[:, 1].copy(), far))
        verdict = keep().change(x=x, y=y, map_distance=away)
        return verdict if message is None else verdict.warn(message)

    def _layout(self, table: Table, vectors: Whole, high: Ids, low: Ids) -> layouts.Layout:
        """The layout asked for, the one recorded, or a new one."""
        if self.fit is not None:
            return layouts.load(self.fit)
        folder = table.recorded(FOLDER)
        names = ("vectors", "method", "neighbours", "spacing", "most")
        about: dict[str, Any] = {"step": self.address(), "version": self.version, "seed": table.seed}
        about["parameters"] = {name: getattr(self, name) for name in names}
        key = fingerprint(about, *([self.name] if self.grow else layouts.told(vectors, high, low)))
        place = None if folder is None else folder / f"{self.name}-{key[:16]}"
        if place is not None and (place / FILES[0]).exists():
            return layouts.load(place)
        made = layouts.make(
            vectors, high, low, table.seed, about, self.libraries, method=self.method, most=self.most,
            neighbours=self.neighbours, spacing=self.spacing,
        )  # fmt: skip
        if place is not None:
            layouts.save(place, made)
        return made
