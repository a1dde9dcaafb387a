"""filter.grounding"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Grounding(RowStep):
    """Drop answers with numbers, dates, names, links or e-mail addresses that their source does not have.

    ## What it does
    Reads the items of the chosen `kinds` out of the answer and looks for each in the source (`against`, the prompt).
    Numbers are compared by value (1,000 = 1000 = one thousand; 3 p.m. = 15:00), dates in any spelling (3 March =
    03/03), names by their words, links without `https://www.`. Numbers written in letters in the answer, numbers of list
    items, and English words that only begin a sentence are not checked. The evidence lists what was not found, with its
    span. `derived: keep` also accepts the sum, difference, product or ratio of two of the source's numbers.

    ## Why
    For summaries, replies from a record, extraction: a number that is not in the source was made up, and a model trained
    on it learns to make numbers up. Open questions are answered with things the prompt lacks, so `kinds` has no
    default: use it, perhaps with `where`, on tasks whose answer must come from the prompt.

    ## Example
    >>> from tamis.testing import run_step
    >>> mail = "The meeting with Anna is on 3 March at 2 p.m. and costs 1,200 euros."
    >>> rows = [{"prompt": mail, "response": "Anna, 03/03, 14:00, 1200 euros"}, {"prompt": mail, "response": "1300 euros"}]
    >>> result = run_step(Grounding(kinds=("numbers", "names")), rows)
    >>> result.evidence[1]["items"]
    '[{"kind": "numbers", "text": "1300", "start": 0, "end": 4}]'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (ungrounded 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"ungrounded": "more items than `max_items` are not in the source"}

    kinds: tuple[Literal["numbers", "dates", "names", "links", "emails"], ...] = Field(
        min_length=1, description="What must be in the source; `dates` go by themselves, `numbers` leave them out."
    )
    view: View = Field("response", alias="in", description="Which text of the row is checked.")
    against: View = Field("prompt", description="Which text of the row is its source.")
    max_items: int = Field(0, ge=0, description="Most items that may be missing from the source.")
    max_share: float = Field(
        0.0, ge=0, lt=1, description="Largest share of the items checked that may be missing from the source, 0..1."
    )
    derived: Literal["keep", "drop"] = Field(
        "drop", description="Whether numbers made of two of the source's (sum, difference, product, ratio) are kept."
    )

    @model_validator(mode="after")
    def _views_differ(self) -> Self:
        if self.view == self.against:
            raise ValueError(f"nothing would be found: {self.view!r} is checked against itself")
        return self

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.grounding import grounding

        found = grounding(rows, self.view, self.against, self.kinds, derived=self.derived == "keep")
        missing = (found.ungrounded > self.max_items) & (found.share > self.max_share)
        return drop("ungrounded", when=missing, **found._asdict())
