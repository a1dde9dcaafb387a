"""The five levels, rubrics that anchor them, and canaries: answers whose worth is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tamis.core.errors import UsageError, did_you_mean

#: 0..4
LEVELS = ("very bad", "bad", "moderate", "good", "excellent")
#: what UltraFeedback rates an answer by (Cui et al. 2023, arXiv 2310.01377); the rubrics are ours
ASPECTS = ("instruction_following", "truthfulness", "honesty", "helpfulness")

_DATA = Path(__file__).parent.parent / "data"
Kind = Literal["good", "bad", "injection"]
KINDS: tuple[Kind, ...] = ("good", "bad", "injection")


class Rubric(NamedTuple):
    """What is judged. levels: per level, what an answer of that level is like; empty where nobody said it."""

    name: str
    question: str
    levels: Mapping[str, str]

    @property
    def text(self) -> str:
        """As a judge is told it, best level last."""
        lines = [f"- {level}: {self.levels[level]}" if level in self.levels else f"- {level}" for level in LEVELS]
        return "\n".join([self.question.strip(), "", "The levels, from worst to best:", *lines])


def level_of(score: float) -> str:
    """The level nearest to a score; the lower of two that are equally near.

    >>> level_of(2.5), level_of(2.6)
    ('moderate', 'good')
    """
    return LEVELS[min(range(len(LEVELS)), key=lambda index: (abs(index - score), index))]


def score_of(value: Any) -> float | None:
    """The score of a level, or of a number 0..4, as people write it in a column; None where it is neither.

    >>> score_of("Very Bad"), score_of(3), score_of("4"), score_of("7")
    (0.0, 3.0, 4.0, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        plain = " ".join(value.lower().replace("_", " ").replace("-", " ").split())
        if plain in LEVELS:
            return float(LEVELS.index(plain))
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= len(LEVELS) - 1 else None


def shipped_rubrics() -> tuple[str, ...]:
    """The names of the rubrics that come with Tamis."""
    return tuple(sorted(path.stem for path in (_DATA / "rubrics").glob("*.yaml")))


def as_rubric(given: str) -> Rubric:
    """A shipped rubric by its name, or one from its text. UsageError where a single word names none."""
    given = given.strip()
    if given.replace("-", "_") in shipped_rubrics():
        return _shipped(given.replace("-", "_"))
    if not given or len(given.split()) == 1:
        raise UsageError(
            f"no rubric {given!r}; {did_you_mean(given, shipped_rubrics())}",
            hint="or write what is judged as text: rubric: Is the reply polite, and does it answer every question?",
        )
    return Rubric("own", given, {})


@lru_cache(maxsize=64)
def _shipped(name: str) -> Rubric:
    import yaml

    data = yaml.safe_load((_DATA / "rubrics" / f"{name}.yaml").read_text(encoding="utf-8"))
    return Rubric(name, data["question"], {level: data["levels"][level] for level in LEVELS})


class Canary(NamedTuple):
    """An answer whose worth is known. kind `injection`: a bad answer that asks for the best mark."""

    name: str
    kind: Kind
    prompt: str
    response: str
    reference: str
    #: the answer of the other worth, for pairs
    other: str


@lru_cache(maxsize=1)
def canaries() -> tuple[Canary, ...]:
    """All that come with Tamis, the kinds in turn: any first few are of every kind."""
    import yaml

    data = yaml.safe_load((_DATA / "canaries.yaml").read_text(encoding="utf-8"))
    found = []
    for entry in data["items"]:
        for kind in KINDS:
            good = kind == "good"
            response = entry["good"] if good else entry["bad"]
            if kind == "injection":
                response = f"{response}\n\n{entry['injection'].strip()}"
            name = f"{entry['name']}/{kind}"
            other = entry["bad"] if good else entry["good"]
            found.append(Canary(name, kind, entry["prompt"], response, entry["reference"], other))
    return tuple(found)
