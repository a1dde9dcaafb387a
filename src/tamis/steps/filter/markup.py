"""filter.markup"""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Markup(RowStep):
    """Drop rows that are mostly markup, data or encoded bytes where prose is expected.

    ## What it does
    Measures how much of one view is HTML or XML tags (with the contents of `<style>` and `<script>`), JSON-like objects,
    blocks in braces with semicolons (CSS, JavaScript), long runs of base64 or hexadecimal digits, and tables. Rows above
    `max_share` are dropped, for the kind that has most of it. What stands between Markdown fences counts as prose, and an
    answer whose question is about code, markup, data or tables is kept.

    ## Why
    Pages that were scraped badly leave their style sheets, and tool logs their JSON, and a model learns to write both. How
    many good rows are dropped: `docs/figures/noise.md`.

    ## Example
    >>> from tamis.testing import run_step
    >>> page = '<div class="nav"><a href="/">Home</a><a href="/shop">Shop</a></div><script>var a = 1;</script>'
    >>> rows = [{"prompt": "Who was Ada?", "response": page}, {"prompt": "Write HTML for a menu.", "response": page}]
    >>> print(run_step(Markup(), rows).line)
    2 in = 1 kept + 1 dropped (tags 1)
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[str, ...]] = ("kind",)
    reasons: ClassVar[Reasons] = {
        "tags": "most of the text is HTML or XML tags, style sheets or scripts",
        "data": "most of the text is a dump of data",
        "code": "most of the text is code in braces outside fences",
        "encoded": "most of the text is encoded bytes",
        "table": "most of the text is a table",
    }

    view: View = Field("response", alias="in", description="Which text of the row is measured.")
    max_share: float = Field(0.5, gt=0, le=1, description="Largest share of the visible bytes that is no prose, 0..1.")
    min_bytes: int = Field(40, ge=0, description="Texts with fewer bytes (UTF-8) are kept.")
    asked: bool = Field(
        True, description="Whether answers are kept whose question is about code, markup, data or tables."
    )

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.residue import find_residue

        text = rows.buffers(self.view)
        long = pl.Series(text.offsets[1:] - text.offsets[:-1] >= self.min_bytes)
        found = find_residue(rows, self.view, max_share=self.max_share)
        above = long & (found.share > self.max_share) & ~(found.asked if self.asked else pl.Series([False]))
        verdict = Verdict().note(share=found.share, kind=found.kind)
        for reason in self.reasons:
            verdict = verdict.drop(reason, when=above & (found.kind == reason))
        return verdict
