"""Answers rated by aspects, one text and one aspect a call, and the pair that the ratings make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tamis.core.calls import Models

from ._prompts import pieces, prompt, said

LEAST, MOST = 1, 5
_RATING = {
    "type": "object",
    "properties": {"rationale": {"type": "string"}, "rating": {"type": "integer", "minimum": LEAST, "maximum": MOST}},
    "required": ["rationale", "rating"],
    "additionalProperties": False,
}


def shipped() -> dict[str, str]:
    """The aspects that are shipped: name → what is rated, and the scale."""
    return pieces("aspects")


def aspects(wanted: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """Names → texts. ValueError for a name that is not shipped."""
    if isinstance(wanted, Mapping):
        found = dict(wanted)
    else:
        unknown = [name for name in wanted if name not in shipped()]
        if unknown:
            raise ValueError(f"no aspect {unknown[0]!r}; there are {', '.join(shipped())}, or give its text")
        found = {name: shipped()[name] for name in wanted}
    if not found:
        raise ValueError("`aspects` names none")
    return found


async def rate(
    chat: Sequence[Mapping[str, Any]], answer: str, judge: str, by: Mapping[str, str], models: Models
) -> dict[str, Any]:
    """aspect → {rating, rationale}, or {problem} where the judge gave no rating on the scale."""
    request = str(chat[-1].get("content") or "")
    if len(chat) > 1:
        request = "\n\n".join(f"[{one['role']}]\n{one.get('content') or ''}" for one in chat)
    found: dict[str, Any] = {}
    for name, text in by.items():
        words = {"aspect": text, "name": name.replace("_", " ")}
        ask = prompt("aspect").ask(
            models, {"request": request, "answer": answer}, words, schema=_RATING, temperature=0.0
        )  # fmt: skip
        reply, failed = await said(models, judge, ask)
        value = {} if reply is None else reply.value
        rating = value.get("rating")
        if type(rating) is int and LEAST <= rating <= MOST:
            found[name] = {"rating": rating, "rationale": value.get("rationale", "")}
        else:
            found[name] = {"problem": failed or "schema"}
    return found


class Pick(NamedTuple):
    """rated: answers with all their ratings; margin: the difference of the means of chosen and rejected."""

    rated: int
    chosen: dict[str, Any]
    rejected: dict[str, Any] | None
    margin: float


def mean(answer: Mapping[str, Any]) -> float:
    """The mean of an answer's ratings."""
    ratings = answer["ratings"]
    return total(answer) / len(ratings)


def total(answer: Mapping[str, Any]) -> int:
    """The sum of an answer's ratings."""
    return sum(one["rating"] for one in answer["ratings"].values())


def pick(value: Mapping[str, Any], against: str) -> Pick:
    """The best answer, the earlier of equals, and one that is rated lower: the worst, or any by the row's seed."""
    rated = [one for one in value["answers"] if all("rating" in r for r in one["ratings"].values())]
    if len(rated) < 2:
        return Pick(len(rated), rated[0] if rated else {}, None, 0.0)
    best = max(rated, key=total)
    others = [one for one in rated if one is not best]
    lower = [one for one in others if total(one) < total(best)]
    drawn = against == "random" and lower
    other = lower[(value["seed"] >> 8) % len(lower)] if drawn else min(others, key=total)
    return Pick(len(rated), best, other, (total(best) - total(other)) / len(best["ratings"]))
