"""What people's decisions on a row come to: what each reviewer says, and where they agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tamis.engine.reviewing import Consensus, Reviewing

from .decisions import Decision, Decisions, Kind

Fate = Literal["keep", "drop"]
Status = Literal["open", "differ", "decided"]

#: the kinds that decide on a row at a gate
DECIDING: tuple[Kind, ...] = ("accept", "reject", "edit", "relabel", "rate", "prefer")
#: what of a row's content an `edit` may change
EDITED = ("messages", "rejected", "text")


@dataclass(frozen=True)
class Stand:
    """What one reviewer says of a row: the decisions of theirs that stand, later ones over earlier ones.

    `accept`, `edit`, `relabel` and `prefer` keep the row, `reject` drops it; a rating alone keeps it, and leaves a
    rejection as it is. content: new messages; columns: new values.
    """

    who: str
    fate: Fate
    reason: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    rating: int | None = None
    preferred: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    at: str = ""

    def parts(self) -> dict[str, Hashable]:
        """What reviewers must agree on, by name: `decision` always, all else of rows that are kept."""
        if self.fate == "drop":
            return {"decision": "drop"}
        told: dict[str, Hashable] = {"decision": "keep", "rating": self.rating, "preferred": self.preferred}
        told |= {name: canonical(value) for name, value in self.content.items()}
        return told | {f"column:{name}": canonical(value) for name, value in self.columns.items()}


def canonical(value: Any) -> str:
    """A value as text that is equal where values are."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def answers_of(decision: Decision) -> dict[str, str]:
    """The answers to a gate's questions that a decision brings along."""
    value = decision.value
    answers = value.get("answers") if isinstance(value, dict) else None
    return dict(answers) if isinstance(answers, dict) else {}


def payload(decision: Decision) -> Any:
    """What a decision says beside its kind, without answers: a rating, a letter, columns by name, content by name."""
    value = decision.value
    if decision.kind in ("rate", "prefer") and isinstance(value, dict):
        return value.get("rating" if decision.kind == "rate" else "preferred")
    if decision.kind in ("edit", "relabel"):
        return {
            k: v for k, v in (value or {}).items() if k != "answers" and (decision.kind == "relabel" or k in EDITED)
        }
    return value


def stand(decisions: Iterable[Decision]) -> Stand | None:
    """What one reviewer's decisions on one row, in order, come to; None where none of them decides."""
    said: Stand | None = None
    for one in decisions:
        if one.kind not in DECIDING:
            continue
        before = said or Stand(one.who, "keep")
        new: dict[str, Any] = {"at": one.at, "answers": {**before.answers, **answers_of(one)}}
        if one.kind == "reject":
            new |= {"fate": "drop", "reason": one.reason}
        elif one.kind == "rate":
            new["rating"] = payload(one)
        else:
            new |= {"fate": "keep", "reason": None}
            if one.kind == "edit":
                new["content"] = {**before.content, **payload(one)}
            elif one.kind == "relabel":
                new["columns"] = {**before.columns, **payload(one)}
            elif one.kind == "prefer":
                new["preferred"] = payload(one)
        said = replace(before, **new)
    return said


@dataclass(frozen=True)
class Settled:
    """What a row's decisions come to. `open`: more people are needed; `differ`: they disagree, on the parts `differing`.

    said: what is done with a row that is decided; who: whose decisions count; adjudicated: somebody had the last word.
    """

    status: Status
    said: Stand | None = None
    who: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    adjudicated: bool = False


OPEN = Settled("open")


def settle(decisions: Sequence[Decision], reviewers: int = 1, consensus: Consensus = "majority") -> Settled:
    """What the standing decisions on one row come to, where `reviewers` different people must decide."""
    counted = [d for d in decisions if d.round is None]
    last_word = stand(_as_decided(d) for d in counted if d.kind == "adjudicate")
    by: dict[str, list[Decision]] = {}
    for one in counted:
        if one.kind in DECIDING:
            by.setdefault(one.who, []).append(one)
    if last_word is not None:
        return Settled("decided", last_word, (*by, last_word.who) if last_word.who not in by else tuple(by), (), True)
    if not by:
        return OPEN
    if reviewers == 1:
        last = next(d.who for d in reversed(counted) if d.kind in DECIDING)
        return Settled("decided", stand(by[last]), (last,))
    stands = [one for one in map(stand, by.values()) if one is not None]
    who = tuple(by)
    if len(stands) < reviewers:
        return Settled("open", None, who)
    return _agree(stands, who, consensus)


def _as_decided(decision: Decision) -> Decision:
    """The decision that an adjudication makes."""
    value = decision.value if isinstance(decision.value, dict) else {}
    return replace(decision, kind=value.get("kind", "accept"), value=value.get("value"))


def _agree(stands: Sequence[Stand], who: tuple[str, ...], consensus: Consensus) -> Settled:
    fate, clear = _most([one.fate for one in stands], consensus)
    differing = [] if clear else ["decision"]
    kept = [one for one in stands if one.fate == "keep"]
    said: Stand | None = None
    if fate == "drop":
        reasons = Counter(one.reason for one in stands if one.fate == "drop" and one.reason)
        reason = min(reasons, key=lambda slug: (-reasons[slug], slug)) if reasons else None
        said = Stand(", ".join(who), "drop", reason, answers=counted_answers(stands), at=max(one.at for one in stands))
    elif kept:
        told: dict[str, dict[str, Any]] = {"content": {}, "columns": {}}
        for room in told:
            for name in sorted({name for one in kept for name in getattr(one, room)}):
                values = [canonical(getattr(one, room).get(name)) for one in kept]
                value, clear = _most(values, consensus)
                if not clear:
                    differing.append(name if room == "content" else f"column:{name}")
                elif value != "null":
                    told[room][name] = json.loads(value)
        rating, clear = _rated([one.rating for one in kept if one.rating is not None], consensus)
        differing += [] if clear else ["rating"]
        preferred, clear = _most([one.preferred for one in kept], consensus)
        differing += [] if clear else ["preferred"]
        answers, at = counted_answers(stands), max(one.at for one in stands)
        said = Stand(", ".join(who), "keep", None, told["content"], told["columns"], rating, preferred, answers, at)
    if consensus == "adjudicate":
        return Settled("differ", None, who, tuple(differing))
    return Settled("differ", None, who, tuple(differing)) if differing else Settled("decided", said, who)


def counted_answers(stands: Iterable[Stand]) -> dict[str, str]:
    """Question → how often each answer was given: `no 1, yes 2`."""
    counts: dict[str, Counter[str]] = {}
    for one in stands:
        for name, answer in one.answers.items():
            counts.setdefault(name, Counter())[answer] += 1
    return {name: ", ".join(f"{a} {n}" for a, n in sorted(count.items())) for name, count in counts.items()}


def _most(values: Sequence[Any], consensus: Consensus) -> tuple[Any, bool]:
    """The value most have, and whether that is enough of them: more than half, or all."""
    value, count = max(Counter(values).items(), key=lambda pair: pair[1])
    return value, count * 2 > len(values) if consensus == "majority" else count == len(values)


def _rated(ratings: Sequence[int], consensus: Consensus) -> tuple[int | None, bool]:
    """The lower median: levels are in order, so one in the middle is never worse than both sides. All: the same one."""
    if not ratings:
        return None, True
    return sorted(ratings)[(len(ratings) - 1) // 2], consensus == "majority" or len(set(ratings)) == 1


def current(decisions: Iterable[Decision], content: str | None) -> list[Decision]:
    """The decisions that are about the row as it is now. content: its hash; None where it is not known."""
    return [d for d in decisions if content is None or d.content is None or d.content == content]


def by_row(decisions: Decisions, step: str) -> dict[str, list[Decision]]:
    """The standing decisions on each row of a step, in order."""
    found: dict[str, list[Decision]] = {}
    for one in decisions.all:
        if one.step == step and one.row is not None:
            found.setdefault(one.row, []).append(one)
    return found


def rejected(decisions: Decisions, step: str, setup: Reviewing | None = None) -> list[str]:
    """The ids of rows that people took out at a gate, in order."""
    setup = setup or Reviewing()
    settled = {row: settle(some, setup.reviewers, setup.consensus) for row, some in by_row(decisions, step).items()}
    return sorted(row for row, one in settled.items() if one.said is not None and one.said.fate == "drop")
