"""generate.expand"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, keep
from tamis.core.row import SEPARATOR
from tamis.core.step import Reasons

from ._pool import mixed, pool_numbers
from ._prompts import counted, prompt, said
from ._shared import Makes, born, figures, question, user
from ._texts import problem, tidy

#: what can befall what a model made here
LOST = (
    "schema", "length", "content_filter", "missing", "empty", "refused", "talk", "leaked", "not_novel",
)  # fmt: skip


def requests(most: int) -> dict[str, Any]:
    """The schema of a list of requests."""
    texts = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": most}
    return {
        "type": "object",
        "properties": {"requests": texts},
        "required": ["requests"],
        "additionalProperties": False,
    }


class Expand(Makes):
    """Make more prompts of the kind the rows have, as Self-Instruct does from its seeds.

    ## What it does
    Shows a model each row's last question beside others drawn from all rows, and asks for new ones. A new prompt is
    taken only where ROUGE-L to every seed and to every prompt taken before it, in row order, stays below `threshold`.
    What is taken becomes a row that ends on the question: `generate.respond` answers it. Its `seeds` are the ids of the
    rows that were shown, its `generate.prompt` the version of our prompt. Requests that are empty, refusals or talk, and those too like others never become rows; the
    evidence on each seed counts them.

    ## Why
    A model asked for more of the same repeats itself and its examples. The measure is taken over everything made so
    far, whatever batch or row it comes from, and the same replies always give the same rows.

    ## Example
    >>> from tamis.testing import run_step
    >>> replies = lambda role, ask: {"requests": ["Name three rivers of Asia.", "Name three rivers in Asia."]}
    >>> result = run_step(Expand(count=2), [{"prompt": "Explain photosynthesis to a child."}], replies=replies)
    >>> [row["messages"][0]["content"] for row in result.born], result.evidence[0]["not_novel"]
    (['Name three rivers of Asia.'], 1)
    >>> print(result.line)
    1 in + 1 born = 2 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer")
    prompts: ClassVar[tuple[str, ...]] = ("expand",)
    seeded: ClassVar[bool] = True

    count: int = Field(4, ge=1, le=50, description="New prompts asked for in one call.")
    calls: int = Field(1, ge=1, le=100, description="Calls for each row; each shows other examples.")
    shown: int = Field(
        6, ge=1, le=50, description="Prompts of rows shown as examples in a call, the row's own included."
    )
    threshold: float = Field(0.7, gt=0, le=1, description="ROUGE-L (0..1) from which a prompt is too like another.")

    def pool(self) -> tuple[str, ...]:
        return ("view:prompt",)

    async def ask(self, row: AskedRow, models: Models) -> Any:
        seed = question(row.messages())
        if not seed.strip():
            return None
        made: list[dict[str, Any]] = []
        problems: dict[str, int] = {}
        for sample in range(self.calls):
            ids, examples = self._examples(row, seed, sample)
            shown = "\n\n".join(models.fence(text) for text in examples)
            ask = prompt("expand").ask(
                models, {}, {"examples": shown, "count": self.count}, schema=requests(2 * self.count),
                temperature=self.temperature, max_tokens=self.max_tokens, sample=sample,
            )  # fmt: skip
            reply, failed = await said(models, self.role, ask)
            if reply is None:
                counted(problems, str(failed))
                continue
            texts = [tidy(one) for one in reply.value["requests"]][: self.count]
            counted(problems, "missing", self.count - len(texts))
            made += [{"text": text, "seeds": " ".join(ids), "producer": models.name(self.role)} for text in texts]
        return {"seed": seed, "made": made, "received": len(made), "problems": problems}

    def _examples(self, row: AskedRow, seed: str, sample: int) -> tuple[list[str], list[str]]:
        """(ids, texts) of the row and of others drawn by its seed: a row more changes few draws, so few calls."""
        draw = mixed(pool_numbers(row.pool), row.seed + sample)
        wanted = min(len(draw), 2 * self.shown + 2)
        order = np.argpartition(draw, wanted - 1)[:wanted] if wanted else np.empty(0, np.int64)
        ids, texts = [row.id], [seed]
        for place in order[np.argsort(draw[order])].tolist():
            text = str(row.pool["view:prompt"][place] or "").rsplit(SEPARATOR, 1)[-1]
            if len(ids) < self.shown and text.strip() and text not in texts:
                ids.append(str(row.pool["id"][place]))
                texts.append(text)
        return ids, texts

    def settle(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        from tamis.engine.novelty import Seen

        seen = Seen(self.threshold)
        for answer in answers:
            if answer.value is not None:
                seen.add(answer.value["seed"])
        return [answer if answer.value is None else Answer(_novel(answer.value, seen)) for answer in answers]

    def bear_answers(self, rows: Columns, answers: Sequence[Answer]) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        parents, children = born(answers, self.made_by(), {"seeds": pl.String})
        return parents, children, keep().note(**figures(answers, LOST))


def _novel(value: dict[str, Any], seen: Any) -> dict[str, Any]:
    """A row's answer with what is new in it as rows to be born."""
    taken, problems = [], dict(value["problems"])
    for one in value["made"]:
        wrong = problem(one["text"]) or ("not_novel" if seen.take(one["text"]) else None)
        if wrong:
            counted(problems, wrong)
        else:
            taken.append({**one, "messages": user(one["text"])})
    return {"received": value["received"], "problems": problems, "born": taken}
