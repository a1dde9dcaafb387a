"""score.spelling"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import RowStep


class Spelling(RowStep):
    """Add the share of typos in the answer, 0..1, as the column `typo_share`.

    ## What it does
    Counts English words of the answer that are in no dictionary *and* one slip of the finger away from a frequent word:
    two letters changed places, one too many, one left out, one wrong. Only words all in small letters are looked at, so
    names, abbreviations, camelCase, numbers and addresses are not; nor is code, fenced or not. A text of fewer than
    `min_words` such words, or with more than a fifth of them unknown (another language), has no share: null. What users
    write themselves is meant to be natural: `in: prompt` is refused. Nothing is dropped: `filter.quantile` or
    `filter.where` can do that by the column.

    ## Why
    A model writes as its answers do. One typo in fifty words is careless; a clean set has one in several thousand.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "You will recieve teh parcel on one of the next few days, so please wait at home."}]
    >>> result = run_step(Spelling(), rows)
    >>> result.evidence[0]["found"]
    'recieve, teh'
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    sets: ClassVar[tuple[str, ...]] = ("typo_share",)

    view: View = Field("response", alias="in", description="Which text of the row is looked at; not the user's prompt.")
    min_words: int = Field(10, ge=1, description="Texts with fewer words in small letters have no share.")

    @field_validator("view")
    @classmethod
    def _users_are_exempt(cls, view: str) -> str:
        if view in ("prompt", "all"):
            raise ValueError(f"{view!r} holds what users wrote, whose typos are natural; score the response")
        return view

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.spelling import spelling

        found = spelling(rows.buffers(self.view), min_words=self.min_words)
        return change(typo_share=found.share).note(words=found.words, typos=found.typos, found=found.found)
