"""generate.evolve"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, keep
from tamis.core.step import Reasons

from ._kin import refuse_kin
from ._prompts import counted, pieces, prompt, said, whole
from ._shared import Makes, born, figures, last_question, question
from ._texts import problem

Operation = Literal["deepen", "constrain", "concretise", "reason", "broaden"]
LOST = ("length", "content_filter", "schema", "empty", "refused", "talk", "leaked", "same", "no_gain")
_GAIN = {
    "type": "object",
    "properties": {"difference": {"type": "string"}, "equal": {"type": "boolean"}},
    "required": ["difference", "equal"],
    "additionalProperties": False,
}


class Evolve(Makes):
    """Make prompts harder, or others beside them, as Evol-Instruct does, and eliminate those that failed.

    ## What it does
    Rewrites a row's last question by one of `operations`, drawn for each row and round; a later round starts from what
    the one before it made. The turns before the question stay. What comes out is eliminated where it says what the
    original says (ROUGE-L of 0.9, or a `judge` finds the two equal), where it is a refusal, talk about the task, or
    nothing but stop words, and where words of our instructions leaked into it; the round after it tries again from the
    last that was good. New rows end on the question and tell their `operation` and `round`.

    ## Why
    A tenth and more of evolved prompts are copies, apologies or contain the instructions they came from. Reports of
    the method name the elimination; code in use leaves it out.

    ## Example
    >>> from tamis.testing import run_step
    >>> replies = lambda role, ask: "Explain to a child of six, in three steps, how a leaf makes sugar from light."
    >>> result = run_step(Evolve(operations=("deepen",)), [{"prompt": "Explain photosynthesis."}], replies=replies)
    >>> result.born[0]["operation"]
    'deepen'
    >>> print(result.line)
    1 in + 1 born = 2 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer")
    prompts: ClassVar[tuple[str, ...]] = ("evolve", "gain")
    judge_fields: ClassVar[tuple[str, ...]] = ("judge",)
    seeded: ClassVar[bool] = True

    operations: tuple[Operation, ...] = Field(
        ("deepen", "constrain", "concretise", "reason", "broaden"),
        description="The ways to rewrite that are drawn from.",
    )
    rounds: int = Field(1, ge=1, le=10, description="Generations: each rewrites what the one before it made.")
    judge: str | None = Field(None, description="The role that is asked whether a rewritten prompt asks for more.")
    same_family: str | None = Field(None, description="Why the judge may be of the family that wrote the prompts.")
    copy_from: float = Field(
        0.9, gt=0, le=1, description="ROUGE-L (0..1) from which a prompt is a copy of the original."
    )

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.operations:
            raise ValueError("`operations` names none")
        return self

    def identity(self) -> Any:
        return [super().identity(), pieces("operations")]

    async def ask(self, row: AskedRow, models: Models) -> Any:
        chat = row.messages()
        current = question(chat)
        if not current.strip():
            return None
        if self.judge is not None:
            refuse_kin(models, [self.role], self.judge, self.same_family)
        made: list[dict[str, Any]] = []
        problems: dict[str, int] = {}
        for number in range(self.rounds):
            operation = self.operations[((row.seed >> 8) + number * 7) % len(self.operations)]
            ask = prompt("evolve").ask(
                models, {"request": current}, {"operation": pieces("operations")[operation]},
                temperature=self.temperature, max_tokens=self.max_tokens, sample=number,
            )  # fmt: skip
            reply, failed = await said(models, self.role, ask)
            text = "" if reply is None else whole(reply.text)
            wrong = failed or await self._eliminated(text, current, models)
            if wrong:
                counted(problems, wrong)
                continue
            place = last_question(chat)
            turns = [*chat[:place], {"role": "user", "content": text}]
            producer = models.name(self.role)
            made.append({"messages": turns, "producer": producer, "operation": operation, "round": number + 1})
            current = text
        return {"received": self.rounds, "born": made, "problems": problems}

    async def _eliminated(self, text: str, original: str, models: Models) -> str | None:
        """Why a rewritten prompt is thrown away; None where it is good."""
        from tamis.engine.novelty import Seen

        wrong = problem(text, original)
        if wrong:
            return wrong
        seen = Seen(self.copy_from)
        seen.add(original)
        if seen.like(text):
            return "same"
        if self.judge is None:
            return None
        ask = prompt("gain").ask(models, {"first": original, "second": text}, schema=_GAIN, temperature=0)
        reply, failed = await said(models, self.judge, ask)
        return failed or ("no_gain" if reply is not None and reply.value["equal"] else None)

    def bear_answers(self, rows: Columns, answers: Sequence[Answer]) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        kinds = {"operation": pl.String, "round": pl.Int32}
        parents, children = born(answers, self.made_by(), kinds)
        return parents, children, keep().note(**figures(answers, LOST))
