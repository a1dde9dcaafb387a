"""decontaminate.exact"""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons

from ._shared import Against, must_hold_text


class Exact(Against):
    """Drop rows in which a test item stands as a whole, word for word.

    ## What it does
    Looks for whole questions, and long answers, of the test sets in `against`: anywhere in the row, or, with `match:
    equal`, as a message of their own. Case, line breaks, punctuation, accents, Unicode forms and `1,000` for `1000` make
    no difference; every word does, and every number. Items that say little (`Which of these is true?`) count only with
    their answer near them, or as a message of their own.

    ## Why
    The cheapest look at contamination, and one without doubt: each row it drops holds a test item. Edited items take
    `decontaminate.ngram`.

    ## Example
    >>> import tempfile
    >>> from pathlib import Path
    >>> from tamis.testing import run_step
    >>> test = Path(tempfile.mkdtemp()) / "test.jsonl"
    >>> _ = test.write_text('{"question": "Which gas do plants take in from the air?"}')
    >>> rows = [{"prompt": "WHICH GAS do plants\\ntake in from the air"}, {"prompt": "Which gas do animals take in?"}]
    >>> print(run_step(Exact(against=test), rows).line)
    2 in = 1 kept + 1 dropped (question_leaked 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "question_leaked": "a test question stands in the row as a whole",
        "answer_leaked": "a test answer stands in the row as a whole",
    }

    match: Literal["contained", "equal"] = Field(
        "contained", description="Whether an item may stand anywhere in the text, or must be a whole message."
    )

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.leaks import ANSWER, Rule, find_leaks
        from tamis.engine.overlap import Spec, index_of
        from tamis.engine.testsets import Named

        must_hold_text(rows, self.view, self.name)
        named = Named(self.question, self.answer)
        index = index_of(Spec(self.test_sets(), named, WORDS, self.parts, 1, True))
        rule = Rule(WORDS, 1.0, WORDS + 1, numbers=True, whole=True, equal=self.match == "equal")
        found = find_leaks(rows, self.view, index, rule)
        verdict = drop("question_leaked", when=pl.Series((found.kind > 0) & (found.kind != ANSWER)), **found.evidence)
        return verdict.drop("answer_leaked", when=pl.Series(found.kind == ANSWER))


#: words of the n-gram by which an item is found, before it is compared as a whole
WORDS = 8
