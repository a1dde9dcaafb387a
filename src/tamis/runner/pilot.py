"""A pilot: a few rows with what a prompt makes of them, for a person to accept, reject, correct or comment on.

Which rows a try shows is written down before anybody sees them, each verdict as it is given. A try that was left goes
on where it was; once every row of it has a verdict, the next one shows other rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tamis.core.calls import Answer
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.fingerprint import derive_seed
from tamis.llm.examples import Example, examples_file, line_of, load_examples
from tamis.llm.labels import label_of
from tamis.llm.schema import violations
from tamis.llm.tasks import Task, content_of, task_of
from tamis.recipe.model import Recipe
from tamis.runs import prompts
from tamis.runs.draw import draw, times_seen
from tamis.runs.prompts import PILOT_ROWS, Record, Verdict

from .before import Before, model_of

#: rows that are asked for each that is shown, where the hardest are looked for
LOOKED_THROUGH = 10

How = Literal["random", "per", "hardest"]


@dataclass(frozen=True)
class Shown:
    """A row of a pilot: what the prompt showed of it, and what the model made of that. `number` counts from 1."""

    number: int
    id: str
    values: Mapping[str, str]
    answer: Answer

    @property
    def content(self) -> str:
        """Hash of what is seen of the row."""
        return content_of(self.values)

    @property
    def output(self) -> Any:
        """The label, value or text; None where the call failed."""
        return None if self.answer.value is None else self.answer.value["value"]

    @property
    def confidence(self) -> float | None:
        """How sure the model is, 0..1, where that is known."""
        return None if self.answer.value is None else self.answer.value.get("confidence")


class Pilot:
    """The pilots of one prompt in one workspace."""

    def __init__(self, before: Before, recipe: Recipe, root: Path) -> None:
        gate = before.step.prompt_gate()
        assert gate is not None, "a pilot is of a step that asks by a prompt"
        self.before, self.gate, self.root = before, gate, root
        self.task: Task = task_of(before.step)  # type: ignore[arg-type]
        self.model = model_of(recipe, before.step)
        self.path = prompts.prompt_file(root, gate.prompt)
        self.seed = derive_seed(recipe.seed, "pilot", gate.prompt)
        self.number = 0

    # -- which rows -----------------------------------------------------------------------------

    def records(self) -> list[Record]:
        """All that was said of the prompt, of any version."""
        return prompts.read(self.path)

    def here(self) -> list[Record]:
        """What was said of this version, asked of this model."""
        return prompts.of(self.records(), self.gate.version, self.model)

    def rows(
        self, count: int = PILOT_ROWS, *, per: str | None = None, hardest: bool = False, new: bool = False
    ) -> list[Shown]:
        """The rows of the try that is open, or of a new one."""
        records = self.records()
        begun = prompts.tries(records)
        self.number = len(begun)
        places = {row: k for k, row in enumerate(self.before.ids)}
        mine = prompts.tries(prompts.of(records, self.gate.version, self.model))
        if mine and mine[-1] is begun[-1] and not new:
            still = [places[row] for row in mine[-1].rows if row in places]
            shown = self._shown(still)
            if any(self.verdict(one) is None for one in shown):
                return shown
        chosen = self._draw(records, count, per, hardest)
        if not chosen:
            raise UsageError("no rows come to the step, so there is nothing to look at")
        ids = tuple(self.before.ids[k] for k in chosen)
        how = "hardest" if hardest else "random" if per is None else f"per {per}"
        self.number += 1
        self._append(Record("try", *self._about(), rows=ids, facts={"try": self.number, "how": how}))
        return self._shown(chosen)

    def _draw(self, records: Sequence[Record], count: int, per: str | None, hardest: bool) -> list[int]:
        without = prompts.frozen(records) | {one.id for one in self.task.examples}
        some = draw(
            self.before.ids,
            self.before.high,
            self.before.low,
            seed=self.seed,
            count=count * LOOKED_THROUGH if hardest else count,
            seen=times_seen(records, self.before.ids),
            without=without,
            per=None if per is None else self.before.column(per),
        )
        if not hardest:
            return some
        answers = self.before.ask(self.before.rows(some))
        sure = [_sureness(answer) for answer in answers]
        if all(one is None for one in sure):
            raise UsageError(
                "no confidence is known of any row: the endpoint gives no log-probabilities",
                hint="take several samples in the step (`samples: 5`), or leave --hardest away",
            )
        order = sorted(range(len(some)), key=lambda k: (sure[k] is None, sure[k] or 0.0, k))
        return [some[k] for k in order[:count]]

    def _shown(self, indices: Sequence[int]) -> list[Shown]:
        rows = self.before.rows(indices)
        answers = self.before.ask(rows)
        found = []
        for number, (row, answer) in enumerate(zip(rows, answers, strict=True), 1):
            found.append(Shown(number, row.id, self.task.values(row) or {}, answer))
        return found

    # -- verdicts -------------------------------------------------------------------------------

    def verdict(self, shown: Shown) -> Record | None:
        """What stands about a row as it is now."""
        last = prompts.verdicts(self.here()).get(shown.id)
        return last if last is not None and last.content == shown.content else None

    def decide(self, shown: Shown, verdict: Verdict, correction: Any = None, comment: str | None = None) -> None:
        """Write a verdict down."""
        self._append(self._verdict(shown, verdict, correction, comment))

    def _verdict(self, shown: Shown, verdict: Verdict, correction: Any, comment: str | None) -> Record:
        if verdict not in prompts.VERDICTS:
            raise UsageError(f"no verdict {verdict!r}; {did_you_mean(str(verdict), prompts.VERDICTS)}")
        if verdict == "accept" and shown.output is None:
            raise UsageError(f"row {shown.number} has no answer to accept: {shown.answer.error or 'it was not asked'}")
        if (verdict == "correct") != (correction is not None):
            raise UsageError("a correction belongs to the verdict `correct`, and that needs one")
        given = None if correction is None else self.corrected(correction)
        return Record(
            "pilot", *self._about(), row=shown.id, content=shown.content, verdict=verdict, answer=shown.output,
            correction=given, comment=comment, facts={"try": self.number},
        )  # fmt: skip

    def corrected(self, told: Any) -> Any:
        """A correction as the step would have said it. UsageError where it is none."""
        task = self.task
        if task.labels and not task.many:
            return label_of(str(told), task.labels)
        if task.labels:
            names = [name.strip() for name in told.split(",")] if isinstance(told, str) else list(told)
            chosen = {label_of(name, task.labels) for name in names if name}
            return [name for name in task.labels if name in chosen]
        if task.schema is None:
            return str(told)
        try:
            value = json.loads(told) if isinstance(told, str) else told
        except ValueError:
            raise UsageError(f"the correction is no JSON: {told!r}") from None
        if wrong := violations(value, task.schema):
            raise UsageError(f"the correction does not satisfy the schema: {wrong[0]}")
        return value

    def decide_all(self, shown: Sequence[Shown], decisions: Sequence[Mapping[str, Any]]) -> None:
        """Verdicts from elsewhere, all or none: {"row": id, a unique beginning of it, or its number, "verdict": …} each."""
        for told in decisions:
            odd = sorted(set(told) - {"row", "verdict", "correction", "comment"})
            if odd or "row" not in told or "verdict" not in told:
                raise UsageError(f'{dict(told)!r} is no decision; {{"row": 3, "verdict": "accept"}} is one')
        self._append(
            *(
                self._verdict(_named(shown, told["row"]), told["verdict"], told.get("correction"), told.get("comment"))
                for told in decisions
            )
        )

    def proof(self) -> prompts.Proof:
        """Whether all rows may be annotated."""
        return prompts.proof(self.gate, self.root / "decisions", self.model, len(self.before.ids))

    def summary(self, shown: Sequence[Shown]) -> dict[str, Any]:
        """The try as one JSON object."""
        standing = {one.id: self.verdict(one) for one in shown}
        looked = [r for r in prompts.verdicts(self.here()).values() if r.verdict in prompts.LOOKED]
        proof = self.proof()
        return {
            "prompt": self.gate.prompt,
            "version": self.gate.version,
            "model": self.model,
            "try": self.number,
            "rows": [
                {
                    "number": one.number,
                    "row": one.id,
                    "input": dict(one.values),
                    "answer": one.output,
                    "confidence": one.confidence,
                    "error": one.answer.error,
                    **_told(standing[one.id]),
                }
                for one in shown
            ],
            "looked": len(looked),
            "accepted": sum(r.verdict == "accept" for r in looked),
            "gate": {"open": proof.missing is None, "missing": proof.missing, "warning": proof.warning},
        }

    # -- examples -------------------------------------------------------------------------------

    def keep_examples(self) -> tuple[Path, int]:
        """Write accepted and corrected rows as they are now into the prompt's file of examples: (file, how many it holds).

        Examples people wrote themselves stay. Rows frozen for evaluation, and rows that changed since, are left out.
        """
        settings, prompt = self.task.prompt.settings.examples, self.task.prompt
        if settings is None or prompt.path is None:
            raise UsageError(
                f"{prompt.place('')} shows no examples",
                hint="add to its front matter: `examples: {pick: similar, count: 4}`",
            )
        file = examples_file(prompt.path, settings)
        records = self.records()
        held = prompts.frozen(records)
        last = {row: r for row, r in prompts.verdicts(records).items() if r.verdict in ("accept", "correct")}
        places = {row: k for k, row in enumerate(self.before.ids)}
        known = [row for row in last if row in places and row not in held]
        made: dict[str, Example] = {}
        for row in self.before.rows([places[row] for row in known]):
            values, record = self.task.values(row), last[row.id]
            if values is not None and content_of(values) == record.content:
                right = record.answer if record.verdict == "accept" else record.correction
                made[row.id] = Example(row.id, values, right)
        old = [one for one in load_examples(file) if one.id not in last and (one.id not in held or not one.id)]
        whole = [*old, *made.values()]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line_of(one)}\n" for one in whole), encoding="utf-8")
        return file, len(whole)

    def _about(self) -> tuple[str, str, str]:
        return self.gate.prompt, self.gate.version, self.model

    def _append(self, *records: Record) -> None:
        prompts.append(self.path, records)


def _sureness(answer: Answer) -> float | None:
    """A row whose call failed is the hardest."""
    if answer.reason is not None:
        return 0.0
    return None if answer.value is None else answer.value.get("confidence")


def _told(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {"verdict": None}
    more = {"correction": record.correction, "comment": record.comment}
    return {"verdict": record.verdict, **{name: value for name, value in more.items() if value is not None}}


def _named(shown: Sequence[Shown], row: Any) -> Shown:
    """The row with a number, an id, or a unique beginning of an id."""
    if isinstance(row, int):
        found = [one for one in shown if one.number == row]
    else:
        found = [one for one in shown if one.id.startswith(str(row))]
    if len(found) != 1:
        raise UsageError(f"{row!r} is no row of this try, which has rows 1 to {len(shown)}")
    return found[0]
