"""clean.email"""

from __future__ import annotations

from typing import ClassVar, Self

import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tamis.engine.rewrite import Rewriter, Rewritten

from ._base import Cleaning


class Email(Cleaning):
    """Cut quoted replies, signatures and disclaimers from mails.

    ## What it does
    - *Quotes*: lines that begin with `>`, with the line that introduces them (`On … wrote:`); all that follows
      `-----Original Message-----`, a dated introduction, or a block of `From:`, `Sent:`, `To:` lines.
    - *Signatures*: what follows the line `-- `; "Sent from my iPhone"; a closing such as "Best regards," with
      the name and the short lines below it.
    - *Disclaimers*: closing paragraphs that show three signs of a confidentiality notice or more.

    English, German, French, Spanish and Italian. A mail of which nothing would be left is left whole
    (`left_whole`). Forwarded mails stay: what was forwarded is the message.

    ## Why
    Quoted threads make near copies of each other, signatures are personal data, and a model trained on
    both ends its answers with someone's telephone number.

    ## Example
    >>> from tamis.testing import run_step
    >>> mail = "Works for me.\\n\\n-- \\nAnn Lee\\n+1 555 0100\\n\\nOn 3 May 2021, at 10:02, Bob wrote:\\n> Tuesday?"
    >>> result = run_step(Email(), [{"prompt": mail}])
    >>> result.column("messages")[0][0]["content"], result.evidence[0]["signatures"]
    ('Works for me.', 25)
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    figures: ClassVar[tuple[str, ...]] = ("quotes", "signatures", "disclaimers", "left_whole")

    quotes: bool = Field(True, description="Whether quoted replies are cut.")
    signatures: bool = Field(True, description="Whether signatures are cut.")
    disclaimers: bool = Field(True, description="Whether confidentiality notices are cut.")

    @model_validator(mode="after")
    def _something_is_cut(self) -> Self:
        if not (self.quotes or self.signatures or self.disclaimers):
            raise ValueError("nothing would be cut: set quotes, signatures or disclaimers")
        return self

    def rewriter(self) -> Rewriter:
        from tamis.engine.mail import DISCLAIMER, QUOTE, SIGNATURE, SIGNS, cut
        from tamis.engine.rewrite import rewritten_one_by_one, with_any

        chosen = ((QUOTE, self.quotes), (SIGNATURE, self.signatures), (DISCLAIMER, self.disclaimers))
        kinds = frozenset(kind for kind, wanted in chosen if wanted)

        def one(text: str) -> tuple[str, tuple[int, ...]]:
            done = cut(text, kinds)
            return done.text, (*(done.cut.get(kind, 0) for kind, _ in chosen), int(done.left_whole))

        def clean(strings: pl.Series, selected: NDArray) -> Rewritten:  # type: ignore[type-arg]
            return rewritten_one_by_one(strings, with_any(strings, selected, SIGNS), one, len(self.figures))

        return clean

    def evidence(self, figures: dict[str, pl.Series]) -> dict[str, pl.Series]:
        """Characters cut by kind, over the row's texts, and how many texts were left whole."""
        return figures
