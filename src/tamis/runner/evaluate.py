"""A prompt measured on rows that are frozen: the same in every version, and never shown in a pilot or as an example.

Which rows they are depends on their ids alone: the first of a seeded order. They are written down before anybody sees an
answer, so that rows added later change nothing. What was measured is written down too, where the gate reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tamis.core.calls import Answer, Calling
from tamis.core.errors import UsageError
from tamis.core.fingerprint import derive_seed
from tamis.engine.agreement.codes import Codes
from tamis.engine.allocate import seeded_order
from tamis.engine.asked import FrameRow
from tamis.llm.tasks import Task, task_of
from tamis.recipe.model import Recipe
from tamis.runs import prompts
from tamis.runs.evaluation import Evaluation, evaluate_labels, evaluate_ratings, evaluate_texts
from tamis.runs.prompts import Record

from .before import Before, model_of

#: rows of an evaluation: by chance, a share is then within 4.4 points of the truth 95 times of 100
ROWS = 501
#: where several labels are one answer
JOIN = " + "
#: columns that say nothing about a row, or are the row
_SILENT = ("id.", "at.", "~")
_WHOLE = ("id", "messages", "rejected", "tools", "text")


@dataclass(frozen=True)
class Answered:
    """Answers to the frozen rows: what was said as one text each, None where the call failed or was not made."""

    rows: Sequence[FrameRow]
    answers: Sequence[Answer]
    said: Sequence[str | None]


class Written(FrameRow):
    """A row with an answer to it, as a judge sees it."""

    def __init__(self, row: FrameRow, text: str, column: str | None, producer: str) -> None:
        super().__init__(row._rows, row._index)
        self._row, self._text, self._column, self._producer = row, text, column, producer

    def __getitem__(self, name: str) -> Any:
        if name == "producer":
            return self._producer
        return self._text if name == self._column else self._row[name]

    def text(self, view: str) -> str | None:
        if view == "response" or view.removeprefix("column:") == self._column:
            return self._text
        return self._row.text(view)

    def messages(self) -> list[dict[str, Any]]:
        before = self._row.messages()
        kept = before[:-1] if before and before[-1]["role"] == "assistant" else before
        return [*kept, {"role": "assistant", "content": self._text}]


class Evaluator:
    """Evaluations of one prompt in one workspace."""

    def __init__(self, before: Before, recipe: Recipe, root: Any, step: Calling | None = None) -> None:
        self.before, self.recipe, self.root = before, recipe, root
        self.step = step or before.step
        gate = self.step.prompt_gate()
        assert gate is not None, "an evaluation is of a step that asks by a prompt"
        self.gate = gate
        self.task: Task = task_of(self.step)  # type: ignore[arg-type]
        self.model = model_of(recipe, self.step)
        self.path = prompts.prompt_file(root, gate.prompt)
        self.warnings: list[str] = []

    @property
    def free(self) -> bool:
        """Whether answers are free text."""
        return not self.task.labels and self.task.schema is None

    # -- which rows -----------------------------------------------------------------------------

    def frozen(self, count: int = ROWS, gold: str | None = None, also: Sequence[Evaluator] = ()) -> list[int]:
        """Positions of the frozen rows, in the seeded order; those that are new are written down.

        gold: rows without a value there are not taken; also: others whose pilots and examples are kept away too.
        """
        records = prompts.read(self.path)
        held = prompts.frozen(records)
        tried = {row for one in prompts.tries(records) for row in one.rows}
        for other in also:
            theirs = prompts.read(other.path)
            tried |= {row for one in prompts.tries(theirs) for row in one.rows}
        shown = {one.id for each in (self, *also) for one in each.task.examples if one.id}
        values = None if gold is None else self.before.column(gold)
        ids = self.before.ids
        order = np.argsort(
            seeded_order(
                derive_seed(self.recipe.seed, "evaluation", self.gate.prompt), self.before.high, self.before.low
            ),
            kind="stable",
        )
        fit = [int(k) for k in order if values is None or values[k] is not None]
        chosen = [k for k in fit if ids[k] in held][:count]
        new = [k for k in fit if ids[k] not in held and ids[k] not in tried and ids[k] not in shown]
        new = new[: max(0, count - len(chosen))]
        if new:
            facts: dict[str, Any] = {"seed": self.recipe.seed} | ({} if gold is None else {"gold": gold})
            prompts.append(self.path, [Record("set", *self.about(), rows=tuple(ids[k] for k in new), facts=facts)])
        taken = [k for k in [*chosen, *new] if ids[k] not in shown]
        if leak := len(chosen) + len(new) - len(taken):
            self.warnings.append(f"{leak} frozen rows are examples of the prompt now, and were left out")
        if not taken:
            why = (
                "no rows come to the step"
                if not ids
                else f"no row that comes to it has a value in {gold!r}, or all were shown in pilots"
            )
            raise UsageError(f"there is nothing to measure prompt {self.gate.prompt!r} on: {why}")
        if len(taken) < count:
            self.warnings.append(f"{len(taken)} rows can be measured on, of the {count} wanted")
        return taken

    # -- answers --------------------------------------------------------------------------------

    def ask(self, places: Sequence[int], field: str | None = None) -> Answered:
        """What the step says of the rows; known answers are not bought again."""
        rows = self.before.rows(places)
        answers = self.before.asker.rows(self.step, rows)
        field = self._field(field)
        return Answered(rows, answers, [self._said(answer, field) for answer in answers])

    def _field(self, field: str | None) -> str | None:
        if self.task.labels or self.task.schema is None:
            if field is not None:
                raise UsageError("--field is for steps that extract a value by a `schema:`")
            return None
        known = sorted(self.task.schema.get("properties", {}))
        if field is None and len(known) == 1:
            return str(known[0])
        if field not in known:
            raise UsageError(f"--field: which part of the extracted value is compared? possible: {', '.join(known)}")
        return field

    def _said(self, answer: Answer, field: str | None) -> str | None:
        value = None if answer.value is None else answer.value.get("value")
        if field is not None:
            value = value.get(field) if isinstance(value, Mapping) else None
        return as_text(value)

    def right(self, rows: Sequence[FrameRow], gold: str) -> list[str | None]:
        """The right labels, as texts."""
        many = self.task.many
        found = [as_text(row[gold], many=many) for row in rows]
        labels = self.task.labels
        if labels and not many and (odd := sorted({one for one in found if one is not None} - labels.keys())):
            self.warnings.append(
                f"{len(odd)} right labels are none the prompt may give, such as {odd[0]!r}: rows that have one cannot come out right"
            )
        return found

    def columns(self, rows: Sequence[FrameRow], gold: str | None, right: Sequence[str | None] | None) -> pl.DataFrame:
        """What rows can be grouped by: their columns, lengths of their texts, the right label."""
        hidden = {gold, f"source.{gold}"}
        names = [n for n in self.before.names if not n.startswith(_SILENT) and n not in _WHOLE and n not in hidden]
        made: dict[str, pl.Series] = {}
        for name in names:
            made[name.removeprefix("source.")] = pl.Series([row[name] for row in rows], strict=False)
        for view in ("prompt", "text") if "messages" in self.before.names or "text" in self.before.names else ():
            texts = [row.text(view) for row in rows]
            if any(text is not None for text in texts):
                made[f"length of {view}"] = pl.Series([None if t is None else len(t) for t in texts], dtype=pl.Int64)
        if right is not None:
            made["right label"] = pl.Series(list(right), dtype=pl.String)
        return pl.DataFrame([series.alias(name) for name, series in made.items()])

    def groups(self, rows: Sequence[FrameRow], column: str | None) -> Codes | None:
        """Rows with the same value are drawn together; those without one are groups of their own."""
        if column is None:
            return None
        places: dict[Any, int] = {}
        return np.array(
            [places.setdefault(as_text(row[column]) or ("", row.id), len(places)) for row in rows], np.int64
        )

    # -- ratings --------------------------------------------------------------------------------

    def judge_step(self, name: str | None = None) -> Calling:
        """The recipe's step that judges answers: named, or the first after this one."""
        calling = list(self.recipe.calling())
        after = [one.name for one in calling].index(self.before.step.name)
        judges = [one for one in calling if one.address() == "score.judge"]
        found = [one for one in judges if name is None or one.name == name]
        later = [one for one in found if calling.index(one) > after] or found
        if not later:
            raise UsageError(
                "no step rates the answers: "
                + (f"no score.judge step is called {name!r}" if name else "the recipe has no score.judge"),
                hint="add `- use: score.judge` after it, or give --gold with --overlap for shared words alone",
            )
        return later[0]

    def rate(self, told: Answered, judge: Calling) -> list[float | None]:
        """The judge's rating of every answer, 0..4; None where there is no answer or no rating."""
        into = getattr(self.step, "into", "messages")
        column = None if into == "messages" else f"{self.step.name}.{into}"
        places = [k for k, text in enumerate(told.said) if text is not None]
        written = [Written(told.rows[k], told.said[k] or "", column, self.model) for k in places]
        answers = self.before.asker.rows(judge, written)
        found: list[float | None] = [None] * len(told.said)
        for k, answer in zip(places, answers, strict=True):
            if answer.value is not None:
                found[k] = float(answer.value["score"])
        if answers and not any(answer.value is not None for answer in answers):
            raise UsageError(f"the judge {judge.name!r} rated nothing: {answers[0].error or 'its view is empty'}")
        return found

    # -- the whole ------------------------------------------------------------------------------

    def evaluate(
        self,
        *,
        count: int = ROWS,
        gold: str | None = None,
        judge: str | None = None,
        field: str | None = None,
        group: str | None = None,
        overlap: bool = False,
        support: int | None = None,
    ) -> Evaluation:
        """Ask, measure, and write the figures down."""
        if not self.free and gold is None:
            raise UsageError("labels are measured against right ones: which column has them?", hint="--gold COLUMN")
        judging = self.judge_step(judge) if self.free and (judge is not None or not (overlap and gold)) else None
        told = self.ask(self.frozen(count, gold), field)
        groups, rows = self.groups(told.rows, group), told.rows
        seed = derive_seed(self.recipe.seed, "bootstrap")
        right = None if gold is None else self.right(rows, gold)
        if not self.free:
            assert right is not None
            columns = self.columns(rows, gold, right)
            found = evaluate_labels(
                right,
                told.said,
                columns,
                labels=() if self.task.many else tuple(self.task.labels),
                groups=groups,
                support=support,
                seed=seed,
            )
        elif judging is not None:
            texts = (told.said, right) if overlap and right is not None else (None, None)
            found = evaluate_ratings(
                self.rate(told, judging), self.columns(rows, gold, None), texts=texts[0], references=texts[1],
                groups=groups, support=support, seed=seed,
            )  # fmt: skip
        else:
            assert right is not None
            found = evaluate_texts(told.said, right, seed=seed)
        facts: dict[str, Any] = {"gold": gold, "group": group, "field": field, "warnings": self.warnings}
        if judging is not None:
            facts["judge"] = model_of(self.recipe, judging)
        facts = {name: value for name, value in facts.items() if value} | found.told()
        facts.pop("metrics")
        prompts.append(self.path, [Record("evaluation", *self.about(), metrics=found.figures(), facts=facts)])
        return found

    def below_bar(self, found: Evaluation) -> str | None:
        """Why the prompt's bar is not reached; None where it is, or there is none for these figures."""
        bar = self.gate.bar
        figures = found.figures().get(bar.metric) if bar is not None else None
        if bar is None or figures is None:
            return None
        value = figures.get("low" if bar.low else "value", float("-inf"))
        told = f"the lower end of {bar.metric}" if bar.low else bar.metric
        return None if value >= bar.at_least else f"{told} is {value:.3g}, and must be at least {bar.at_least:g}"

    def about(self) -> tuple[str, str, str]:
        """Which prompt, which version of it, asked of which model."""
        return self.gate.prompt, self.gate.version, self.model


def as_text(value: Any, *, many: bool = False) -> str | None:
    """A label as text: without spaces around it; several as one, in the order of the alphabet. None for nothing."""
    if value is None:
        return None
    if isinstance(value, list | tuple | set):
        return JOIN.join(sorted(str(one).strip() for one in value)) or "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    if many:
        return JOIN.join(sorted(part.strip() for part in text.split(",") if part.strip())) or "(none)"
    return text or None
