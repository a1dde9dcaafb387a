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

from ._passages import Passage, find_quote, passages, question_problem
from ._prompts import counted, prompt, said
from ._shared import Makes, born, figures, refuse_kin
from ._texts import problem, tidy

LOST = (
    "schema", "length", "content_filter", "missing", "empty", "refused", "talk", "leaked", "refers", "statement",
    "not_novel", "unanswered", "no_quote", "unsupported", "contradicted",
)  # fmt: skip
_TEXT = {"type": "string"}
_ANSWER = {
    "type": "object",
    "properties": {"quote": _TEXT, "answer": _TEXT},
    "required": ["quote", "answer"],
    "additionalProperties": False,
}
_CHECK = {
    "type": "object",
    "properties": {"claims": _TEXT, "verdict": {"enum": ["supported", "unsupported", "contradicted"]}},
    "required": ["claims", "verdict"],
    "additionalProperties": False,
}
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
    role_fields: ClassVar[tuple[str, ...]] = ("role", "judge")

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
        value: dict[str, Any] = {"received": 0, "made": [], "problems": {}}
        for passage in passages(text, self.max_characters):
            if len(passage.text) >= self.min_characters:
                await self._pairs(passage, self._source(row), models, value)
        return value

    def _source(self, row: AskedRow) -> str:
        told = []
        for name in self.context:
            try:
                told.append(str(row[name] or ""))
            except UsageError:
                continue
        return "\n".join(dict.fromkeys(one for one in told if one)) or "unknown"

    async def _pairs(self, passage: Passage, source: str, models: Models, value: dict[str, Any]) -> None:
        """The questions about one passage, each answered and checked."""
        problems = value["problems"]
        texts = {"type": "array", "items": _TEXT, "maxItems": 2 * self.count}
        schema = {"type": "object", "properties": {"questions": texts}, "required": ["questions"]}
        data = {"passage": passage.text, "source": source}
        reply, failed = await self._said(models, "questions", data, schema | {"additionalProperties": False})
        if reply is None:
            return counted(problems, str(failed))
        asked: list[str] = []
        for question in [tidy(one) for one in reply["questions"]][: self.count]:
            value["received"] += 1
            wrong = problem(question, passage.text) or question_problem(question, passage.text)
            wrong = wrong or ("not_novel" if question.casefold() in asked else None)
            if wrong:
                counted(problems, wrong)
                continue
            asked.append(question.casefold())
            await self._answered(question, passage, models, value)
        counted(problems, "missing", max(0, self.count - len(reply["questions"])))

    async def _answered(self, question: str, passage: Passage, models: Models, value: dict[str, Any]) -> None:
        data = {"passage": passage.text, "question": question}
        reply, failed = await self._said(models, "passage_answer", data, _ANSWER)
        answer = "" if reply is None else reply["answer"].strip()
        place = None if reply is None else find_quote(passage.text, reply["quote"])
        wrong = failed or ("unanswered" if not answer else problem(answer, passage.text))
        wrong = wrong or ("no_quote" if place is None else None)
        if wrong is None and self.judge is not None:
            checked, failed = await self._said(models, "grounded", data | {"answer": answer}, _CHECK, judge=True)
            wrong = failed or (None if checked is None or checked["verdict"] == "supported" else checked["verdict"])
        if wrong or place is None:
            return counted(value["problems"], str(wrong))
        asked = f"{question}\n\n{passage.text}" if self.show_passage else question
        value["made"].append(
            {
                "question": question,
                "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
                "producer": models.name(self.role),
                "passage": passage.text,
                "passage_start": passage.start,
                "passage_end": passage.end,
                "quote_start": passage.start + place[0],
                "quote_end": passage.start + place[1],
            }
        )

    async def _said(
        self, models: Models, name: str, data: dict[str, str], schema: dict[str, Any], *, judge: bool = False
    ) -> tuple[Any, str | None]:
        role = self.judge if judge and self.judge is not None else self.role
        temperature = 0.0 if judge else self.temperature
        words = {"count": self.count}
        ask = prompt(name).ask(
            models, data, words, schema=schema, temperature=temperature, max_tokens=self.max_tokens
        )  # fmt: skip
        reply, failed = await said(models, role, ask)
        return (None if reply is None else reply.value), failed

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
