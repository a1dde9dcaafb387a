"""decontaminate.ngram"""

from __future__ import annotations

from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons

from ._shared import Against, must_hold_text


class Ngram(Against):
    """Drop rows that hold items of a test set, word for word or slightly edited.

    ## What it does
    Looks for n-grams of `n` words, and rare ones of four, that a row shares with a test item, and compares the two from
    there on, over words put in, left out or changed. The *coverage* is the share of the item's words that stand in the
    row, n-grams that more than `common` items share (templates) left aside. An item of `long` words or more counts as
    leaked from `coverage` on; the shorter it is, the more of it must stand there, and of `n` words or fewer all; 85 % will
    do where words were left out or put in and no telling word has another in its place. Case, line breaks, punctuation,
    accents, Unicode forms and `1,000` for `1000` make no difference; another number does. Questions split over turns are
    found. An item that says little (`Which of these is true?`) counts only with its answer or choices near it, or as a
    message of its own; of items that only signs tell apart (`not ( True and False )`) the signs are words. The evidence
    names item, coverage, and every span in row and item.

    ## Why
    A model that was trained on its test knows the answers. How well leaks are found, and what is taken for one that is
    none: `docs/figures/decontamination.md`. Rephrased and translated items are not found.

    ## Example
    >>> import tempfile
    >>> from pathlib import Path
    >>> from tamis.testing import run_step
    >>> test = Path(tempfile.mkdtemp()) / "test.jsonl"
    >>> _ = test.write_text('{"question": "A farmer has 1,200 hens and sells 45 of them every week. How many are left?"}')
    >>> rows = [
    ...     {"prompt": "Solve: a farmer has 1200 hens, and sells 45 of them\\nevery week. How many are left?"},
    ...     {"prompt": "Solve: a farmer has 1,300 hens and sells 52 of them every week. How many are left?"},
    ... ]
    >>> result = run_step(Ngram(against=test), rows)
    >>> result.evidence[0]["benchmark"], result.evidence[0]["coverage"]
    ('test', 1.0)
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (question_leaked 1)
    """

    version: ClassVar[int] = 2
    reasons: ClassVar[Reasons] = {
        "question_leaked": "so much of a test question stands in the row that it counts as leaked",
        "short_question_leaked": "a test question shorter than `n` words stands in the row as a whole",
        "answer_leaked": "so much of a test answer stands in the row that it counts as leaked",
    }

    n: int = Field(8, ge=4, le=32, description="Words in an n-gram.")
    coverage: float = Field(
        0.6, gt=0, le=1, description="Share of an item's words that must stand in the row, 0..1, of long items."
    )
    long: int = Field(30, ge=5, description="Words from which on an item is long.")
    common: int = Field(10, ge=1, description="n-grams that stand in more test items than this do not count.")
    numbers: bool = Field(True, description="Whether an item with other numbers is another item.")

    @model_validator(mode="after")
    def _lengths_are_in_order(self) -> Self:
        if self.long <= self.n:
            raise ValueError(f"`long` ({self.long} words) must be above `n` ({self.n} words)")
        return self

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.leaks import ANSWER, QUESTION, SHORT, Rule, find_leaks
        from tamis.engine.overlap import Spec, index_of
        from tamis.engine.testsets import Named

        must_hold_text(rows, self.view, self.name)
        named = Named(self.question, self.answer)
        index = index_of(Spec(self.test_sets(), named, self.n, self.parts, self.common, False))
        rule = Rule(self.n, self.coverage, self.long, self.numbers)
        found = find_leaks(rows, self.view, index, rule)
        verdict = drop("question_leaked", when=pl.Series(found.kind == QUESTION), **found.evidence)
        verdict = verdict.drop("short_question_leaked", when=pl.Series(found.kind == SHORT))
        return verdict.drop("answer_leaked", when=pl.Series(found.kind == ANSWER))
