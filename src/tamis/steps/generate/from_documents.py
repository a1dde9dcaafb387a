"""generate.from_documents"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons

from ._kin import refuse_kin
from ._pairs import LOST, Pairs
from ._passages import passages
from ._prompts import counted
from ._shared import Makes, born, figures

_QUOTED = {"quote_start": pl.Int64, "quote_end": pl.Int64}


class FromDocuments(Makes):
    """Make questions and answers of documents, each with the passage that it rests on.

    ## What it does
    Takes a row's text in passages of whole paragraphs; asks for questions that a passage answers; answers each from the
    passage alone, with the words it rests on; and, where a `judge` is named, asks whether the passage supports the
    answer. A pair becomes a row only where those words stand in the passage. It carries the `passage`, its
    `passage_start` and `passage_end`, and the quotation's, in code points of the row's text. Questions that are
    repeated, that are sentences of the passage, or that speak of it as if the reader had it before him are left out.
    The document is merged into its rows; one without any is dropped.

    ## Why
    A model asked for pairs about a text answers from what it knows, and nobody can tell. A quotation is there or is
    not: it needs no trust, and whoever doubts an answer is led to the place.

    ## Example
    >>> from tamis.testing import run_step
    >>> def replies(role, ask):
    ...     if "requests" in str(ask.schema) or "questions" in str(ask.schema):
    ...         return {"questions": ["When was the mill built?"]}
    ...     return {"quote": "built in 1782", "answer": "In 1782."}
    >>> rows = [{"text": "The mill at Ham was built in 1782 and burned down twice."}]
    >>> result = run_step(FromDocuments(count=1, judge=None), rows, replies=replies)
    >>> [m["content"] for m in result.born[0]["messages"]], result.born[0]["quote_start"]
    (['When was the mill built?', 'In 1782.'], 20)
    >>> print(result.line)
    1 in + 1 born = 1 kept + 1 merged (merged 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"no_pair": "no question about the document was answered from it"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer")
    prompts: ClassVar[tuple[str, ...]] = ("questions", "passage_answer", "grounded")
    judge_fields: ClassVar[tuple[str, ...]] = ("judge",)

    view: View = Field("text", alias="in", description="The document's text.")
    keep_parents: bool = Field(False, description="Whether documents stay as rows; else they are merged into theirs.")
    inherit: tuple[str, ...] = Field(
        ("path", "title", "headings", "start", "end"), description="Columns that new rows take from their document."
    )
    context: tuple[str, ...] = Field(
        ("title", "headings"), description="Columns shown with a passage to say where it is from; those there are."
    )
    count: int = Field(3, ge=1, le=50, description="Questions asked for about a passage.")
    max_characters: int = Field(4000, ge=200, description="Longest passage, in characters.")
    min_characters: int = Field(0, ge=0, description="Passages shorter than this are not asked about.")
    judge: str | None = Field("judge", description="The role that checks answers against the passage; or nobody.")
    same_family: str | None = Field(None, description="Why the judge may be of the family that wrote the answers.")
    show_passage: bool = Field(
        False, description="Put the passage under the question, for models that read before they answer."
    )
    threshold: float = Field(0.9, gt=0, le=1, description="ROUGE-L (0..1) from which two questions are the same.")

    def reads(self) -> None:  # type: ignore[override]
        return None

    async def ask(self, row: AskedRow, models: Models) -> Any:
        text = row.text(self.view)
        if not text or not text.strip():
            return None
        if self.judge is not None:
            refuse_kin(models, [self.role], self.judge, self.same_family)
        pairs = Pairs(self, models, self._source(row))
        for passage in passages(text, self.max_characters):
            if len(passage.text) >= self.min_characters:
                await pairs.make(passage)
        return {"received": pairs.received, "made": pairs.made, "problems": pairs.problems}

    def _source(self, row: AskedRow) -> str:
        told = []
        for name in self.context:
            try:
                told.append(str(row[name] or ""))
            except UsageError:
                continue
        return "\n".join(dict.fromkeys(one for one in told if one)) or "unknown"

    def settle(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        from tamis.engine.novelty import Seen

        seen, settled = Seen(self.threshold), list[Answer]()
        for answer in answers:
            value = answer.value
            if value is None:
                settled.append(answer)
                continue
            problems = dict(value["problems"])
            new = [one for one in value["made"] if not seen.take(one["question"])]
            counted(problems, "not_novel", len(value["made"]) - len(new))
            settled.append(Answer({"received": value["received"], "problems": problems, "born": new}))
        return settled

    def bear_answers(self, rows: Columns, answers: Sequence[Answer]) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        kinds = {"passage": pl.String, "passage_start": pl.Int64, "passage_end": pl.Int64, **_QUOTED}
        parents, children = born(answers, self.made_by(), kinds)
        none = pl.Series([a.value is not None and not a.value.get("born") for a in answers], dtype=pl.Boolean)
        if self.keep_parents:
            none = none & False
        return parents, children, drop("no_pair", when=none, **figures(answers, LOST))
