"""Naming clusters in rounds: names, other names where they clash, and a check of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from tamis.core.calls import Ask, CallFailed, Models

from ._checking import checking, read_check
from ._naming import Evidence, Named, clashes, naming, read_names, words

#: further rounds for names that are missing, and for names that clash; texts that one check sorts
ROUNDS, TEXTS = 2, 12


class Names:
    """The names of the clusters of one clustering, as they come.

    first: what each is called so far; fixed: names that people gave; groups: clusters that are named together.
    """

    def __init__(
        self,
        evidence: Mapping[int, Evidence],
        first: Mapping[int, str],
        fixed: Mapping[int, str],
        groups: Sequence[Sequence[int]],
        about: str,
    ) -> None:
        self.evidence, self.first, self.fixed = evidence, first, fixed
        self.groups, self.about = [list(group) for group in groups], about
        self.named: dict[int, Named] = {}
        self.unnamed: list[int] = []
        self.warnings: list[str] = []

    async def give(self, models: Models, role: str) -> None:
        """Names for all; those that a reply leaves out, or gives twice, are asked for again."""
        left = self.groups
        for number in range(1 + ROUNDS):
            await self._ask(models, role, left, sample=number)
            left = [[c for c in group if c not in self.named] for group in left]
            left = [group for group in left if group]
            if not left:
                return
        self.unnamed = [c for group in left for c in group]
        self.warnings.append(f"no name that can be used for {self._listed(self.unnamed)}; phrases stand in")

    async def part(self, models: Models, role: str) -> None:
        """Other names where they are alike. What is alike still gets a phrase to tell it by."""
        for _ in range(ROUNDS):
            alike = clashes(self._given(), self.fixed.values())
            if not alike:
                return
            some = [group[at : at + 12] for group in alike for at in range(0, len(group), 12)]
            before = dict(self.named)
            await self._ask(models, role, some, clash=True)
            for group in some:  # a reply that mends nothing is not taken
                if len({words(self.named[c].name) for c in group}) < len({words(before[c].name) for c in group}):
                    self.named |= {c: before[c] for c in group}
        for group in clashes(self._given(), self.fixed.values()):
            for c in group:
                other = next((p for p in self.evidence[c].phrases if not words(p) <= words(self.named[c].name)), None)
                self.named[c] = Named(f"{self.named[c].name} ({other or f'cluster {c}'})", self.named[c].description)
            self.warnings.append(f"the model gave one name to {self._listed(group)}; a phrase was added to each")

    async def test(self, models: Models, role: str) -> None:
        """Texts that were held back, sorted under the names of neighbours."""
        asks = self._checks(models)
        replies = await self._said(models, role, [ask for _, _, ask in asks])
        right: dict[int, int] = {}
        for (names, own, _), value in zip(asks, replies, strict=True):
            for c, said in zip(own, read_check(value, names, len(own)), strict=True):
                if said is not None:
                    self._name(c).checked += 1
                    right[c] = right.get(c, 0) + (said == c)
        for c in self.evidence:
            one = self._name(c)
            one.accuracy = right.get(c, 0) / one.checked if one.checked else None

    def tests(self) -> int:
        """How many requests a check takes."""
        return sum(-(-sum(len(self.evidence[c].held) for c in group) // TEXTS) for group in self._compared())

    def told(self) -> dict[str, Any]:
        """As JSON values."""
        every = {c: self._name(c) for c in sorted(self.evidence)}
        return {
            "clusters": {str(c): vars(one) for c, one in every.items()},
            "unnamed": self.unnamed,
            "warnings": self.warnings,
        }

    def _given(self) -> dict[int, str]:
        return {c: one.name for c, one in self.named.items() if c not in self.fixed}

    def _name(self, c: int) -> Named:
        return self.named.setdefault(c, Named(self.fixed.get(c, self.first[c])))

    def _compared(self) -> list[list[int]]:
        """Groups whose names a check compares: those named together, and those that people named."""
        return [group for group in (*self.groups, sorted(self.fixed)) if group]

    def _checks(self, models: Models) -> list[tuple[list[tuple[int, Named]], list[int], Ask]]:
        found = []
        for group in self._compared():
            names = [(c, self._name(c)) for c in group]
            turns = max((len(self.evidence[c].held) for c in group), default=0)
            texts = [
                (c, self.evidence[c].held[at]) for at in range(turns) for c in group if at < len(self.evidence[c].held)
            ]
            for at in range(0, len(texts), TEXTS):
                some = texts[at : at + TEXTS]
                ask = checking(names, [text for _, text in some], models.fence, self.about)
                found.append((names, [c for c, _ in some], ask))
        return found

    async def _ask(
        self, models: Models, role: str, groups: Sequence[Sequence[int]], *, clash: bool = False, sample: int = 0
    ) -> None:
        inside = [set(group) for group in groups]
        asks = []
        for group, mine in zip(groups, inside, strict=True):
            taken = [
                *self.fixed.values(),
                *(one.name for c, one in self.named.items() if c not in mine and c not in self.fixed),
            ]
            asks.append(
                naming([self.evidence[c] for c in group], models.fence, self.about, taken, clash=clash, sample=sample)
            )
        for group, value in zip(groups, await self._said(models, role, asks), strict=True):
            self.named |= read_names(value, [self.evidence[c] for c in group])

    async def _said(self, models: Models, role: str, asks: Sequence[Ask]) -> list[Any]:
        """The values of the replies; None where a reply, for good, cannot be used."""

        async def one(ask: Ask) -> Any:
            try:
                return (await models.chat(role, ask)).value
            except CallFailed as error:
                if not error.lasting:
                    raise
                return None

        return list(await asyncio.gather(*(one(ask) for ask in asks)))

    def _listed(self, clusters: Sequence[int]) -> str:
        return ", ".join(f"{c} ({self.first[c]})" for c in clusters)
