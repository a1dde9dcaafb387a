"""annotate.clusters"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, PrivateAttr

from tamis.core.calls import Ask, CallTableStep, Models
from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.cluster_edits import NAMES
from tamis.engine.clusterings import FOLDER, load
from tamis.engine.store import write_text

from ._evidence import evidence, together
from ._names import Names
from ._naming import naming, unfit


class Clusters(CallTableStep):
    """Name clusters by a model that sees their neighbours, and check that each name fits.

    ## What it does
    Shows the model of `role` some clusters that lie near each other: their key phrases, texts from the centre and from the border.
    It gives each a name and a description; names that are alike are given anew. Then texts that were held back are sorted under the
    names: `<id>.accuracy` is the share that was found under its own cluster's, and names under `fits` are told. Sets `<id>.name`,
    `<id>.description` and `<id>.accuracy`. Names that people gave stay (`tamis clusters rename`). Where the model gives none that
    can be used, the name made of key phrases stays.

    ## Why
    Nobody can choose between, or sample from, clusters called 17 and 31; and a name that a model makes up from a few texts, without
    a look at the neighbours, is often true of them too.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Where is my card?", "topics.cluster": 0, "topics.name": "card", "topics.distance": 0.1}]
    >>> said = {"clusters": [{"cluster": 0, "name": "Card delivery", "description": "Cards that have not come."}]}
    >>> result = run_step(Clusters(clusters="topics"), rows, replies=lambda role, ask: said)
    >>> result.column("annotate.clusters.name")
    ['Card delivery']
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    seeded: ClassVar[bool] = True
    sets: ClassVar[tuple[str, ...]] = ("name", "description", "accuracy")
    set_types: ClassVar[Mapping[str, pl.DataType]] = {"accuracy": pl.Float64()}
    writer_fields: ClassVar[tuple[str, ...]] = ("role",)

    clusters: str = Field(
        description="The id of the step that set the clusters: one that clusters, or `review.clusters`."
    )
    by: View = Field("prompt", description="The text of a row that is shown.")
    role: str = Field("annotator", description="The role that is asked; `models:` says who plays it.")
    failed: Literal["quarantine", "keep"] = Field(
        "keep",
        description="What becomes of rows whose cluster gets no name: quarantined, or kept with key phrases as its name.",
    )
    about: str = Field("", max_length=300, description="What the rows are, in a few words: `inquiries to a bank`.")
    together: int = Field(8, ge=1, le=30, description="Clusters that one prompt shows.")
    check: int = Field(
        6, ge=0, le=50, description="Texts of each cluster that are held back to check its name; 0: none."
    )
    fits: float = Field(
        0.6, ge=0, le=1, description="Share of held-out texts found under a name below which it is told of."
    )

    _folder: str | None = PrivateAttr(None)

    def reads(self) -> tuple[str, ...]:
        mine = [f"{self.clusters}.{part}" for part in ("cluster", "name", "distance")]
        return tuple(dict.fromkeys([*mine, *(super().reads() or ())]))

    def looks_at(self) -> tuple[str, ...]:
        return (self.clusters,)

    def with_recordings(self, recordings: Mapping[str, Sequence[str]]) -> Self:
        step = self.model_copy()
        step._folder = next(iter(recordings.get(self.clusters, ())), None)
        return step

    def gathers_by(self) -> tuple[str, ...]:
        return ("clusters",)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return {part: rows[rows.find(f"{self.clusters}.{part}")] for part in ("cluster", "name", "distance")}

    async def consult(self, table: Table, models: Models) -> Any:
        names = self._start(table)
        await names.give(models, self.role)
        await names.part(models, self.role)
        if self.check:
            await names.test(models, self.role)
        return names.told()

    def asks(self, table: Table, fence: Callable[..., str]) -> tuple[Sequence[Ask], int]:
        names = self._start(table)
        groups = [[names.evidence[c] for c in group] for group in names.groups]
        return [naming(some, fence, self.about, names.fixed.values()) for some in groups], names.tests()

    def _start(self, table: Table) -> Names:
        place = self._place(table)
        made = None if place is None else load(place)
        found = {one.cluster: one for one in evidence(table, self.by, self.check)}
        pairs = pl.DataFrame({"c": table["cluster"].cast(pl.Int64), "name": table["name"].cast(pl.String)})
        now = dict(pairs.drop_nulls("c").unique("c", keep="first", maintain_order=True).iter_rows())
        auto = {} if made is None else {c: one.name for c, one in enumerate(made.clusters)}
        fixed = {c: now[c] for c in found if c in auto and now[c] and now[c] != auto[c]}
        groups = together(sorted(set(found) - set(fixed)), made, self.together)
        return Names(found, {c: now[c] or str(c) for c in found}, fixed, groups, self.about)

    def _place(self, table: Table) -> Path | None:
        """The folder of the recorded clustering."""
        recorded = table.recorded(FOLDER)
        return None if recorded is None or self._folder is None else recorded.parent / self._folder

    def decide(self, table: Table) -> Verdict:
        heard = self._heard or {"clusters": {}, "unnamed": [], "warnings": []}
        said = {int(c): one for c, one in heard["clusters"].items()}
        numbers = table["cluster"].cast(pl.Int64).to_list()
        columns = {
            part: pl.Series(part, [said[c][part] if c in said else None for c in numbers], dtype=dtype)
            for part, dtype in (("name", pl.String()), ("description", pl.String()), ("accuracy", pl.Float64()))
        }
        columns["name"] = columns["name"].fill_null(table["name"].cast(pl.String))
        verdict = change(**columns)
        if self.failed == "quarantine":
            told = [f"the model gave cluster {c} no name" if c in heard["unnamed"] else None for c in numbers]
            verdict = verdict.quarantine(pl.Series("error", told, dtype=pl.String))
        for message in heard["warnings"]:
            verdict = verdict.warn(message)
        low = unfit(said, self.fits)
        verdict = verdict if low is None else verdict.warn(low)
        place = self._place(table)
        if said and place is not None:
            text = json.dumps({"step": self.name, "clusters": said}, ensure_ascii=False, indent=1)
            write_text(place / NAMES, text)
        return verdict.rests_on(*([self._folder] if self._folder else []))
