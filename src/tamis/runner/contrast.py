"""Two prompts for the same step on the same frozen rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tamis.core.calls import Calling
from tamis.core.fingerprint import derive_seed
from tamis.recipe.model import Recipe
from tamis.runs import prompts
from tamis.runs.evaluation import Comparison, compare
from tamis.runs.prompts import Record

from .before import Before
from .evaluate import ROWS, Evaluator


class Changed(NamedTuple):
    """A row whose answers differ. scores: of A and B, where they were rated."""

    id: str
    values: Mapping[str, str]
    a: str | None
    b: str | None
    right: str | None
    scores: tuple[float | None, float | None]


@dataclass(frozen=True)
class Contrast:
    """B against A. a, b: prompt, version, model; unit: of the difference; rows: those that changed, losses of B first."""

    a: tuple[str, str, str]
    b: tuple[str, str, str]
    comparison: Comparison
    unit: str
    rows: list[Changed]
    warnings: list[str]

    def told(self) -> dict[str, Any]:
        """As a plain mapping."""
        names = ("prompt", "version", "model")
        return {
            "a": dict(zip(names, self.a, strict=True)), "b": dict(zip(names, self.b, strict=True)), **self.comparison.told(),
            "unit": self.unit, "verdict": self.comparison.verdict, "warnings": self.warnings,
            "changed_rows": [
                {"row": one.id, "input": dict(one.values), "a": one.a, "b": one.b, "right": one.right, "scores": list(one.scores)}
                for one in self.rows
            ],
        }  # fmt: skip


def contrast(
    before: Before,
    recipe: Recipe,
    root: Path,
    other: Path,
    *,
    count: int = ROWS,
    gold: str | None = None,
    judge: str | None = None,
    field: str | None = None,
    group: str | None = None,
) -> Contrast:
    """Ask both, compare row by row, and write the comparison down with both prompts."""
    first = Evaluator(before, recipe, root)
    step = before.step.model_copy(update={"prompt": other})
    assert isinstance(step, Calling)
    second = Evaluator(before, recipe, root, step)
    places = first.frozen(count, gold, also=(second,))
    a, b = first.ask(places, field), second.ask(places, field)
    right = None if gold is None else first.right(a.rows, gold)
    scores = None
    if first.free and (judge is not None or gold is None):
        judging = first.judge_step(judge)
        scores = first.rate(a, judging), second.rate(b, judging)
        right = None
    groups = first.groups(a.rows, group)
    seed = derive_seed(recipe.seed, "bootstrap")
    told = compare(a.said, b.said, gold=right, scores=scores, groups=groups, seed=seed)
    rows = []
    for k in told.changed:
        rated = (None, None) if scores is None else (scores[0][k], scores[1][k])
        values = first.task.values(a.rows[k]) or {}
        rows.append(Changed(a.rows[k].id, values, a.said[k], b.said[k], None if right is None else right[k], rated))
    rows.sort(key=_kind)
    unit = "of the five levels" if scores is not None else "of accuracy"
    facts = {"a": list(first.about()), "b": list(second.about()), **told.told(), "verdict": told.verdict, "unit": unit}
    for one in {first.path: first, second.path: second}.values():
        prompts.append(one.path, [Record("comparison", *one.about(), facts=facts)])
    return Contrast(first.about(), second.about(), told, unit, rows, [*first.warnings, *second.warnings])


def _kind(one: Changed) -> int:
    """Rows that B made worse come first, then those it made better, then those it only changed."""
    if one.right is not None:
        return 0 if one.a == one.right else 1 if one.b == one.right else 2
    a, b = one.scores
    return 2 if a is None or b is None or a == b else 0 if b < a else 1
