"""dedup.exact"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, merge
from tamis.core.row import View, view_column
from tamis.core.step import Reasons
from tamis.engine.hashing import LOOSE, Keys, Rule, keys, normalised
from tamis.engine.same import survivors
from tamis.engine.text import to_text

from ._keep import KeepFields

#: rows whose text is read at a time by `verify`
BATCH = 20_000


class Exact(KeepFields):
    """Merge rows that say the same.

    ## What it does
    Two rows are copies when their key is equal: one view, or several views and columns together, after `normalise`.
    `loose` (the default) makes one of compatibility forms, upper and lower case, white space and invisible characters,
    quotes, dashes and sentence marks; marks before a digit and signs stay, so that 1.5 is not 15 and C is not C#.
    `none` compares the bytes. Or list the rules: `nfkc`, `case`, `whitespace`, `punctuation`, `digits`.
    Of each set of copies `max_per_key` rows stay, chosen by `keep`, ties by row order; the others are merged into the
    first choice. Rows with nothing in their key are never copies of each other.

    ## Why
    Copies weigh a training set towards whatever was pasted most, and a copy across splits makes a test worthless.
    For prompts with many good answers, `on: prompt` with `max_per_key: 3` keeps some of each.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": p, "response": "Here."} for p in ("Where is my order?", "where is my ORDER", "Why?")]
    >>> print(run_step(Exact(on="prompt"), rows).line)
    3 in = 2 kept + 1 merged (duplicate 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"duplicate": "enough rows with the same key stay already"}

    on: View | tuple[View, ...] = Field(
        "all", description="What makes the key: a view, `column:NAME`, or a list of them."
    )
    normalise: Literal["none", "case", "loose"] | tuple[Rule, ...] = Field(
        "loose", description="What counts as the same text: `none`, `case`, `loose`, or a list of rules."
    )
    hash: Literal["xxh3", "md5", "sha256"] = Field(
        "xxh3", description="How keys are hashed, to 128 bits; the last two are slower, for those who must name them."
    )
    max_per_key: int = Field(1, ge=1, description="Rows that stay of each set of copies.")
    verify: bool = Field(False, description="Read the texts again and compare them; 128 bits make that a formality.")

    @model_validator(mode="after")
    def _there_is_a_key(self) -> Self:
        if not self.on:
            raise ValueError("`on` is empty; name at least one view or column")
        return self

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*map(view_column, self.views()), *([self.by] if self.by else [])]))

    def rules(self) -> tuple[Rule, ...]:
        """The rules of normalisation."""
        presets: dict[Any, tuple[Rule, ...]] = {"none": (), "case": ("case",), "loose": LOOSE}
        return presets[self.normalise] if isinstance(self.normalise, str) else self.normalise

    def gathers_by(self) -> tuple[str, ...]:
        return ("on", "normalise", "hash", "keep", "by")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        parts = [rows.buffers(view) for view in self.views()]
        found = keys(parts, self.rules(), self.hash)
        gathered = {"high": pl.Series(found.high), "low": pl.Series(found.low), "valid": pl.Series(found.valid)}
        return {**gathered, **self._gather_worth(rows)}

    def decide(self, table: Table) -> Verdict:
        found = Keys(*(table[name].to_numpy() for name in ("high", "low", "valid")))
        into, copies = survivors(found, self._worth(table), self.max_per_key)
        if self.verify:
            self._verify(table, into)
        known, sizes = pl.Series("into", into), pl.Series(copies)
        return merge("duplicate", into=known.set(known < 0, None), copies=sizes.set(sizes == 1, None))

    def _verify(self, table: Table, into: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """Take back merges of rows whose texts differ: two texts with one hash."""
        merged = np.flatnonzero(into >= 0)
        names = [f"view:{view}" for view in self.views()]
        for start in range(0, len(merged), BATCH):
            rows = merged[start : start + BATCH]
            mine, theirs = table.fetch(rows, names), table.fetch(into[rows], names)
            for name in names:
                a, b = (normalised(to_text(frame[name]), self.rules()) for frame in (mine, theirs))
                differ = [
                    bytes(a.data[p:q]) != bytes(b.data[r:s])
                    for p, q, r, s in zip(a.offsets, a.offsets[1:], b.offsets, b.offsets[1:], strict=False)
                ]
                into[rows[np.array(differ, np.bool_) | (a.valid != b.valid)]] = -1
