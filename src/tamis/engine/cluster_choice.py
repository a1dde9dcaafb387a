"""Which clustering people chose: what they looked at, shortlisted and chose, and what is still missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .cluster_edits import root_of

#: kinds of decisions that a choice rests on
KINDS = ("look", "shortlist", "choose")


@dataclass
class Standing:
    """What stands. By clustering: who looked at each of its clusters, who shortlisted it; the choice, or None.

    stale: choices of clusterings that are no candidates any more.
    """

    looked: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    shortlisted: dict[str, list[str]] = field(default_factory=dict)
    chosen: Mapping[str, Any] | None = None
    stale: list[Mapping[str, Any]] = field(default_factory=list)

    def unseen(self, clusters: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        """Of each clustering, the clusters nobody looked at."""
        left = {root: [c for c in ids if not self.looked.get(root, {}).get(c)] for root, ids in clusters.items()}
        return {root: ids for root, ids in left.items() if ids}


def standing(decisions: Iterable[Mapping[str, Any]], clusters: Mapping[str, Sequence[int]]) -> Standing:
    """What decisions ({"kind", "value", "who", …}, in order) come to. clusters: the candidates, with their clusters."""
    found = Standing()
    for one in decisions:
        value = one["value"] if isinstance(one["value"], Mapping) else {}
        root, who = root_of(str(value.get("clustering", ""))), str(one.get("who") or "")
        if root not in clusters:
            found.stale += [one] if one["kind"] == "choose" else []
            continue
        if one["kind"] == "look":
            given = value.get("clusters", value.get("cluster"))
            ids = clusters[root] if given is None else given if isinstance(given, list | tuple) else [given]
            for c in ids:
                seen = found.looked.setdefault(root, {}).setdefault(c, [])
                seen += [who] if who not in seen else []
        elif one["kind"] == "shortlist":
            named = found.shortlisted.setdefault(root, [])
            named += [who] if who not in named else []
        elif one["kind"] == "choose":
            found.chosen = one
    return found


def missing(
    stand: Standing,
    clusters: Mapping[str, Sequence[int]],
    steps: Mapping[str, str],
    *,
    shortlist: int,
    look: bool,
) -> list[str]:
    """What must be done before a choice counts, in words. steps: the step of each candidate, by clustering."""
    told = []
    unseen = stand.unseen(clusters) if look else {}
    if unseen:
        of = sum(len(ids) for ids in clusters.values())
        left = ", ".join(f"{len(ids)} of {steps[root]}" for root, ids in unseen.items())
        told.append(f"{sum(map(len, unseen.values()))} of {of} clusters are still to be looked at ({left})")
    need = min(shortlist, len(clusters))
    short = [root for root in clusters if stand.shortlisted.get(root)]
    if len(short) < need:
        named = f" ({', '.join(steps[root] for root in short)})" if short else ""
        told.append(f"{len(short)} of {need} clusterings are shortlisted{named}")
    return told
