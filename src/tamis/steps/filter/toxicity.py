"""filter.toxicity"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.errors import DataError
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Toxicity(RowStep):
    """Drop texts of abuse: slurs, vulgar insults, threats.

    ## What it does
    Looks for terms of abuse (a list of ours in English, and short ones in German, French and Spanish; your own lists by
    `words`), also where they are disguised: `f*ck`, `sh1t`, `b.i.t.c.h`, `fuuuck`. The score, 0..1, adds a slur 1, a
    vulgar term 0.5 and a mild one 0.2, and 0.2 more where it is aimed at somebody ("you …"); vulgar and mild terms thin
    out in texts of more than 60 words, so that a story may swear once. Terms alone in quotation marks, in code, in a
    sentence about words ("the slur …"), or in an innocent sense (a garden hoe, a pussy willow, Dick Cheney) do not
    count. A list knows words, not meaning: hate without bad words is not found (`docs/figures/toxicity.md`). A `model` of
    your own, trained on your labels, is asked as well where one is named.

    ## Why
    What abuse is in the answers comes out of the model, and a little of it is enough.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "Get lost, you sh1thead."}, {"response": "Scunthorpe has a cocktail bar."}]
    >>> result = run_step(Toxicity(), rows)
    >>> result.evidence[0]["terms"]
    'sh1thead'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (toxic 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "toxic": "the terms of abuse in the text weigh `min_score` or more",
        "toxic_by_model": "the classifier in `model` is at least `min_probability` sure that the text is abuse",
    }

    view: View = Field("response", alias="in", description="Which text of the row is looked at.")
    min_score: float = Field(0.5, gt=0, le=1, description="Least score that is dropped, 0..1.")
    languages: tuple[Literal["en", "de", "fr", "es"], ...] = Field(
        ("en",), description="Languages whose own lists are used, as ISO 639 codes."
    )
    words: tuple[Path, ...] = Field(
        (),
        description="Lists of your own, relative to the recipe: a term a line, then perhaps a tab and `slur`, `vulgar` "
        "or `mild` (`vulgar` where nothing is said); a term ending in * may go on.",
    )
    model: Path | None = Field(
        None,
        description="A linear classifier of your own, written by `scripts/train_linear.py`, relative to the recipe.",
    )
    min_probability: float = Field(
        0.8, ge=0.01, le=0.99, description="Least probability at which the classifier's word is taken, 0..1."
    )
    ignore: tuple[str, ...] = Field((), description="Terms that never count, in lower case.")

    @model_validator(mode="after")
    def _some_list_is_used(self) -> Toxicity:
        if not self.languages and not self.words and self.model is None:
            raise ValueError("nothing would be found: name `languages`, lists of your own by `words`, or a `model`")
        return self

    def files(self) -> tuple[str, ...]:
        return tuple(map(str, (*self.words, *((self.model,) if self.model else ()))))

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.toxicity import lexicon, toxicity_of

        own = []
        for path in self.words:
            if not path.is_file():
                raise DataError(f"filter.toxicity: no file {str(path)!r}", hint="the path is relative to the recipe")
            own.append((str(path), path.stat().st_mtime_ns, path.stat().st_size))
        found = toxicity_of(rows, self.view, lexicon(self.languages, tuple(own)), frozenset(self.ignore))
        verdict = drop("toxic", when=found.score >= self.min_score, **found._asdict())
        if self.model is None:
            return verdict
        from tamis.engine.linear import least_units, probability, read_linear, units

        score = units(rows.buffers(self.view), read_linear(self.model))
        sure = pl.Series(score >= least_units(self.min_probability))
        return verdict.drop("toxic_by_model", when=sure, probability=probability(score))
