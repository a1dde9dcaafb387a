"""filter.language"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from tamis.core.columns import Columns
from tamis.core.errors import did_you_mean
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Language(RowStep):
    """Drop rows written in another language than those wanted.

    ## What it does
    Recognises the language of one view, offline, and drops rows that are clearly in another one than those in `keep`.
    A row counts as *unknown* where the confidence is below `min_confidence` or nothing can be told (code, numbers,
    emoji); `unknown` says what becomes of it. Texts with fewer than `min_letters` letters are always kept: nobody can
    tell the language of "OK". Code outside Markdown fences is taken for some language now and then (1.5% of a set of code
    answers); raise `min_confidence` for such data. The evidence holds the language (`und`: undetermined) and the
    confidence of every row.

    ## Why
    A few per cent of another language are enough to make a small model answer in it.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "The parcel is on its way to you."}, {"response": "Das Paket ist auf dem Weg zu Ihnen."}]
    >>> print(run_step(Language(keep=("en",)), rows).line)
    2 in = 1 kept + 1 dropped (other_language 1)
    """

    version: ClassVar[int] = 2
    codes: ClassVar[tuple[str, ...]] = ("language",)
    reasons: ClassVar[Reasons] = {
        "other_language": "the text is in a language that `keep` does not name",
        "unknown_language": "the language cannot be told with `min_confidence`",
    }

    view: View = Field("response", alias="in", description="Which text of the row is looked at.")
    keep: tuple[str, ...] = Field(min_length=1, description="Languages that stay, as ISO 639 codes (`en`, `de`, `zh`).")
    min_confidence: float = Field(0.7, ge=0, le=1, description="Least confidence for a language to count, 0..1.")
    min_letters: int = Field(
        20,
        ge=0,
        description="Texts with fewer letters are kept; a Chinese, Japanese or Korean character counts as three.",
    )
    unknown: Literal["keep", "drop"] = Field("keep", description="What becomes of rows whose language cannot be told.")

    @field_validator("keep")
    @classmethod
    def _codes_are_known(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        from tamis.engine.language_codes import CODES, FOLDED

        known = {*CODES, *FOLDED}
        for code in codes:
            if code not in known:
                raise ValueError(f"unknown language {code!r}; {did_you_mean(code, known)}")
        return codes

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.patterns import languages

        found = languages(rows.buffers(self.view), keep=self.keep, min_letters=self.min_letters)
        sure = (found.language != "und") & (found.confidence >= self.min_confidence)
        verdict = drop(
            "other_language",
            when=sure & ~found.wanted & ~found.short,
            language=found.language,
            confidence=found.confidence,
        )
        if self.unknown == "drop":
            verdict = verdict.drop("unknown_language", when=~sure & ~found.short)
        return verdict
