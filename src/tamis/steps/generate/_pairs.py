"""Questions and answers about passages, each with the words of the passage that the answer rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tamis.core.calls import Models

from ._passages import Passage, find_quote, question_problem
from ._prompts import counted, prompt, said
from ._texts import problem, tidy

#: what can befall a pair
LOST = (
    "schema", "length", "content_filter", "missing", "empty", "refused", "talk", "leaked", "refers", "statement",
    "not_novel", "unanswered", "no_quote", "unsupported", "contradicted",
)  # fmt: skip
_TEXT = {"type": "string"}


def _record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_ANSWER = _record(quote=_TEXT, answer=_TEXT)
_CHECK = _record(claims=_TEXT, verdict={"enum": ["supported", "unsupported", "contradicted"]})


class Settings(Protocol):
    """What of the step is needed here."""

    @property
    def role(self) -> str: ...
    @property
    def judge(self) -> str | None: ...
    @property
    def count(self) -> int: ...
    @property
    def show_passage(self) -> bool: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def max_tokens(self) -> int | None: ...


class Pairs:
    """The pairs about one document's passages. received: questions that came; made: pairs, as rows to be born."""

    def __init__(self, settings: Settings, models: Models, source: str) -> None:
        self.settings, self.models, self.source = settings, models, source
        self.received = 0
        self.made: list[dict[str, Any]] = []
        self.problems: dict[str, int] = {}

    async def make(self, passage: Passage) -> None:
        """The questions about one passage, each answered and checked."""
        wanted = self.settings.count
        texts = {"type": "array", "items": _TEXT, "maxItems": 2 * wanted}
        data = {"passage": passage.text, "source": self.source}
        reply, failed = await self._said("questions", data, _record(questions=texts))
        if reply is None:
            return counted(self.problems, str(failed))
        asked: set[str] = set()
        for question in [tidy(one) for one in reply["questions"]][:wanted]:
            self.received += 1
            wrong = problem(question, passage.text) or question_problem(question, passage.text)
            wrong = wrong or ("not_novel" if question.casefold() in asked else None)
            asked.add(question.casefold())
            wrong = wrong or await self._answer(question, passage)
            if wrong:
                counted(self.problems, wrong)
        counted(self.problems, "missing", max(0, wanted - len(reply["questions"])))

    async def _answer(self, question: str, passage: Passage) -> str | None:
        """Answer a question and check it; what is wrong with it, or None where a pair was made."""
        data = {"passage": passage.text, "question": question}
        reply, failed = await self._said("passage_answer", data, _ANSWER)
        if reply is None:
            return failed
        answer = reply["answer"].strip()
        if not answer:
            return "unanswered"
        place = find_quote(passage.text, reply["quote"])
        wrong = problem(answer, passage.text) or ("no_quote" if place is None else None)
        if wrong or place is None:
            return wrong
        if self.settings.judge is not None:
            checked, failed = await self._said("grounded", data | {"answer": answer}, _CHECK, self.settings.judge)
            if checked is None or checked["verdict"] != "supported":
                return failed or str(checked["verdict"])
        self._keep(question, answer, passage, place)
        return None

    def _keep(self, question: str, answer: str, passage: Passage, place: tuple[int, int]) -> None:
        asked = f"{question}\n\n{passage.text}" if self.settings.show_passage else question
        self.made.append(
            {
                "question": question,
                "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
                "producer": self.models.name(self.settings.role),
                "passage": passage.text,
                "passage_start": passage.start,
                "passage_end": passage.end,
                "quote_start": passage.start + place[0],
                "quote_end": passage.start + place[1],
            }
        )

    async def _said(
        self, name: str, data: Mapping[str, str], schema: Mapping[str, Any], judge: str | None = None
    ) -> tuple[Any, str | None]:
        """(the reply's value, None), or (None, why there is none)."""
        settings = self.settings
        ask = prompt(name).ask(
            self.models, data, {"count": settings.count}, schema=schema,
            temperature=settings.temperature if judge is None else 0.0, max_tokens=settings.max_tokens,
        )  # fmt: skip
        reply, failed = await said(self.models, judge or settings.role, ask)
        return (None if reply is None else reply.value), failed
