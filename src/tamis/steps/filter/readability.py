"""filter.readability"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Readability(RowStep):
    """Drop texts that are harder, or easier, to read than wanted.

    ## What it does
    Measures the prose of one view: Flesch's reading `ease` (100 easy, 0 hard) or the Flesch–Kincaid `grade` (years of
    school), both made for English, or `lix` (20 a children's book, 60 a law), which needs no syllables and serves many
    languages. Code in fences and backticks, numbers, addresses and names of variables are no prose; a new paragraph, an
    item of a list or a heading ends a sentence. Without `min` and `max` nothing is dropped, and the figure of every row
    is in the evidence. Texts of fewer than `min_words` words are kept: a formula says nothing about them.

    ## Why
    Answers for children, patients or customers must be easy; and a paragraph of 200 words without a full stop is
    often a broken text. How well syllables are counted: `docs/figures/quality.md`.

    ## Example
    >>> from tamis.testing import run_step
    >>> easy = "The cat sat on the mat. It saw a dog. " * 5
    >>> hard = "Notwithstanding considerable organisational heterogeneity, interdepartmental coordination deteriorated. " * 5
    >>> result = run_step(Readability(max=14), [{"response": easy}, {"response": hard}])
    >>> result.evidence[0]["figure"]
    -1.84
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (above_max 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "below_min": "the text's figure on the `scale` is below `min`",
        "above_max": "the text's figure on the `scale` is above `max`",
    }

    view: View = Field("response", alias="in", description="Which text of the row is measured.")
    scale: Literal["ease", "grade", "lix"] = Field(
        "grade", description="Flesch's reading ease, the Flesch–Kincaid grade (English), or LIX (other languages)."
    )
    min: float | None = Field(None, description="Least figure that is kept, on the `scale`.")
    max: float | None = Field(None, description="Greatest figure that is kept, on the `scale`.")
    min_words: int = Field(30, ge=1, description="Texts with fewer words of prose are kept.")

    @model_validator(mode="after")
    def _some_figure_is_possible(self) -> Self:
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError(f"every row would be dropped: max {self.max} is below min {self.min}")
        return self

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.readability import readability

        found = readability(rows.buffers(self.view), self.scale, min_words=self.min_words)
        verdict = Verdict().note(**found._asdict())
        if self.min is not None:
            verdict = verdict.drop("below_min", when=found.figure < self.min)
        if self.max is not None:
            verdict = verdict.drop("above_max", when=found.figure > self.max)
        return verdict
