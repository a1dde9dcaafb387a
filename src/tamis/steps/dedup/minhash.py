"""dedup.minhash"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.fingerprint import fingerprint
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View, view_column
from tamis.core.step import Reasons, TableStep
from tamis.engine.bands import choose
from tamis.engine.copies import RULES, Wanted, gather, groups, known_copies
from tamis.engine.earlier import delivered_files
from tamis.engine.neardup import Unit

from ._keep import KeepFields

Similarity = Annotated[float, Field(gt=0, le=1)]


class Minhash(KeepFields):
    """Merge rows that say nearly the same.

    ## What it does
    Two rows are near copies when enough of their n-grams are the same: the Jaccard similarity of the sets of their
    character 5-grams, once case, white space, punctuation and compatibility forms are made one, as `dedup.exact`
    does; digits stay. Rows that may be similar are found by MinHash sketches; then their texts are compared, so no row
    leaves on a guess. Each goes into the most similar row that stays, never over a third one, and evidence holds
    the similarity. Where 20 rows or more differ from a row in one passage alone, what they share is a template, and
    they all stay. Texts shorter than an n-gram are compared whole; empty ones match nothing.
    With `on: {prompt: 0.8, response: 0.65}` rows must be similar in each view.
    `against` names earlier deliveries: their rows stay, and rows near to them are dropped.

    ## Why
    Re-worded copies weigh a training set as copies do. At 0.65, nearly all rows with every tenth word changed are
    found, and rows that only sound alike are not. The threshold can be moved from `floor` up without comparing again.

    ## Example
    >>> from tamis.testing import run_step
    >>> said = ("Where is my order? It is late.", "WHERE is my order? It is so late!", "Cancel my order, please.")
    >>> result = run_step(Minhash(on="prompt"), [{"prompt": p, "response": "Here."} for p in said])
    >>> result.evidence[1]["similarity"]
    0.7
    >>> print(result.line)
    3 in = 2 kept + 1 merged (near_duplicate 1)
    """

    version: ClassVar[int] = 2  # 2: of rows near the floor others may meet, since sketches are compared by fewer bits
    reasons: ClassVar[Reasons] = {
        "near_duplicate": "a row that stays says nearly the same",
        "near_earlier": "a row delivered earlier says nearly the same",
    }

    on: View | tuple[View, ...] | dict[View, Similarity] = Field(
        "all", description="What is compared: a view, several, or views with a threshold each. All must be similar."
    )
    threshold: Similarity = Field(0.65, description="Jaccard similarity from which on rows are near copies, 0..1.")
    unit: Literal["characters", "words"] = Field("characters", description="What n-grams are made of.")
    n: int = Field(5, ge=1, le=50, description="Units in an n-gram.")
    normalise: Literal["none", "case", "loose"] = Field("loose", description="What counts as the same text.")
    floor: Similarity = Field(
        0.6,
        description="Pairs from this similarity up are remembered: thresholds can be moved down to it, and up, without "
        "comparing again. A lower threshold lowers it.",
    )
    recall: float = Field(
        0.95,
        gt=0,
        lt=1,
        description="Chance that a pair exactly at the floor is found; of more similar ones it is higher.",
    )
    templates: int = Field(
        20, ge=0, description="So many rows that differ from a row in one passage alone show a template; 0: none do."
    )
    against: Path | tuple[Path, ...] = Field(
        (), description="Earlier deliveries: JSONL or Parquet files, or folders of them. Their rows are never dropped."
    )

    @model_validator(mode="after")
    def _pairs_can_be_found(self) -> Self:
        if not self.on:
            raise ValueError("`on` is empty; name at least one view or column")
        choose(self.wanted().floors, self.recall)
        return self

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*map(view_column, self.views()), *([self.by] if self.by else [])]))

    def files(self) -> tuple[str, ...]:
        places = (self.against,) if isinstance(self.against, Path) else self.against
        return tuple(str(path) for path in delivered_files(places))

    def thresholds(self) -> tuple[float, ...]:
        """The threshold of each view."""
        return tuple(self.on.values()) if isinstance(self.on, dict) else (self.threshold,) * len(self.views())

    def wanted(self) -> Wanted:
        """What is looked for, whatever the threshold turns out to be."""
        floors = tuple(min(one, self.floor) for one in self.thresholds())
        unit = Unit(self.n, self.unit == "words")
        return Wanted(self.views(), floors, self.recall, unit, self.templates, RULES[self.normalise])

    def chance(self, *similarities: float) -> float:
        """The chance that two rows of these similarities, one for each view, are compared."""
        return choose(self.wanted().floors, self.recall).chance(similarities)

    def gathers_by(self) -> tuple[str, ...]:
        return ("on", "unit", "n", "normalise", "keep", "by")

    def gather_key(self) -> str:
        return TableStep.gather_key(self.model_copy(update={"on": self.views()}))  # whatever the thresholds

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        wanted = self.wanted()
        return {**gather(rows, wanted.views, wanted.unit, wanted.rules), **self._gather_worth(rows)}

    def decide(self, table: Table) -> Verdict:
        key = fingerprint("copies", self.version, self.order)
        found, places = known_copies(table, self.wanted(), key, lambda: self._worth(table), self.files(), self.gather)
        into, similarity = groups(found, self.thresholds())
        earlier = pl.Series(into <= -2)
        column = pl.Series("into", into)
        verdict = drop("near_earlier", when=earlier, earlier=places(into))
        known = pl.Series(similarity, nan_to_null=True)
        return verdict.merge("near_duplicate", into=column.set(column < 0, None), similarity=known)
