"""review.gate"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.columns import Table
from tamis.core.outcome import Verdict, hold
from tamis.core.step import GateStep, Reasons
from tamis.engine.allocate import seeded_order
from tamis.engine.reviewing import Reviewing


class Gate(GateStep, Reviewing):
    """Stop until people have looked.

    ## What it does
    Holds the rows that `where` selects, all of them or a seeded `sample`, and asks `question` about each. The run
    ends with exit code 3; rows that were accepted go on when it is resumed, rejected ones are dropped. Rows outside
    the sample pass. Which rows are sampled depends on the seed and their ids alone: asked again, it is the same ones.

    Reviewers go by `guidelines` and answer `questions`; they accept a row, reject it for one of `reject_reasons`, change its
    messages (`edit`), set columns (`labels`), give points (`rate`, column `<id>.rating`) or say which of two answers is
    better (`pair`, column `<id>.preferred`; where b is, the two change places). With `reviewers: 3` three people decide on
    each row (column `<id>.reviewers`), and where they do not agree by `consensus`, the row waits for somebody's last word.
    `order`, `blind`, `repeat` and `calibration` say what reviewers see, and when. Who decided what is in the ledger.

    ## Why
    Some decisions are not a program's to make, and a look at fifty rows before training costs less than a look after.
    Two people agree on fewer rows than one of them would believe: overlap, repeats and known answers measure it.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": f"question {n}", "response": "yes"} for n in range(4)]
    >>> print(run_step(Gate(question="Is the answer right?", sample=1), rows).line)
    4 in = 3 kept + 1 held (undecided 1)
    """

    version: ClassVar[int] = 1
    seeded: ClassVar[bool] = True
    codes: ClassVar[tuple[str, ...]] = ("who", "at", "reason", "preferred", "answers", "differ")
    reasons: ClassVar[Reasons] = {
        "undecided": "nobody has decided on the row yet",
        "rejected": "people rejected the row",
    }

    question: str = Field("Keep this row?", min_length=1, description="What people are asked about each row.")
    sample: int | None = Field(None, ge=1, description="How many rows people look at; all of them by default.")
    show: tuple[str, ...] = Field((), description="Columns or views shown beside the row, such as `column:category`.")

    def reads(self) -> tuple[str, ...]:
        shown = [name.removeprefix("column:") for name in self.show if name.startswith("column:")]
        named = [
            *self.blind,
            *([self.order_by] if self.order_by else []),
            *(name for name in self.labels if "." in name),
        ]
        return tuple(dict.fromkeys([*shown, *named]))

    def files(self) -> tuple[str, ...]:
        return tuple(str(path) for path in (self.guidelines, self.calibration) if isinstance(path, Path))

    def question_text(self) -> str:
        return self.question

    def decide(self, table: Table) -> Verdict:
        asked = np.ones(table.height, np.bool_)
        if self.sample is not None and self.sample < table.height:
            order = seeded_order(table.seed, *table.ids())
            asked[:] = False
            asked[np.lexsort((np.arange(table.height), order))[: self.sample]] = True
        return hold("undecided", when=pl.Series(asked))
