"""filter.repetition"""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Repetition(RowStep):
    """Drop texts that loop or say the same over and over.

    ## What it does
    Measures three shares of one view, 0..1: `loop`, the longest stretch in which the same words follow themselves three
    times or more ("on and on and on and …"), or one long word does; `repeated`, what stands in runs of six words
    (twelve characters in Chinese, Japanese and Korean) that stood before in the text; and `lines`, repeated lines of 20
    bytes or more. Rows above a limit are dropped. Texts shorter than `min_bytes` are kept: "hahaha" is an answer.

    ## Why
    Models that sample badly fall into loops, and a model trained on them does too. The limits are made for answers, with
    their code, tables, lists and songs; those for web pages would take a third of good instruction data.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "It rains, " + "and it rains and it rains " * 9}, {"response": "It rains, and then it stops."}]
    >>> result = run_step(Repetition(), rows)
    >>> result.evidence[0]["times"]
    18
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (looping 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "looping": "the same words follow themselves in a larger share of the text than `max_loop`",
        "repeated_ngrams": "a larger share of the text than `max_repeated` stood in it before",
        "repeated_lines": "a larger share of the lines than `max_lines` stood in the text before",
    }

    view: View = Field("response", alias="in", description="Which text of the row is measured.")
    max_loop: float = Field(0.3, ge=0, le=1, description="Largest share of the text in one loop, 0..1.")
    max_repeated: float = Field(0.5, ge=0, le=1, description="Largest share of the text in repeated n-grams, 0..1.")
    max_lines: float = Field(0.5, ge=0, le=1, description="Largest share of the lines' bytes in repeated lines, 0..1.")
    min_bytes: int = Field(100, ge=0, description="Texts with fewer bytes (UTF-8) are kept.")

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.repetition import measure

        text = rows.buffers(self.view)
        found = measure(text)
        long = pl.Series(text.offsets[1:] - text.offsets[:-1] >= self.min_bytes)
        return (
            drop("looping", when=long & (found.loop > self.max_loop), loop=found.loop, times=found.times)
            .drop("repeated_ngrams", when=long & (found.repeated > self.max_repeated), repeated=found.repeated)
            .drop("repeated_lines", when=long & (found.lines > self.max_lines), lines=found.lines)
        )
