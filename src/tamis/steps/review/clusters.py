"""review.clusters"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, PrivateAttr

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, change, hold
from tamis.core.step import ChoiceStep, Reasons
from tamis.engine.cluster_choice import KINDS, Standing, missing, standing
from tamis.engine.cluster_edits import root_of
from tamis.engine.clusterings import FOLDER
from tamis.engine.fitting import SET_TYPES

#: what a candidate's step sets
PARTS = ("cluster", "name", "distance")


class Clusters(ChoiceStep):
    """Stop until people have chosen one of several clusterings.

    ## What it does
    The run ends with exit code 3 until people have looked at every cluster of the candidates, shortlisted some of these
    clusterings and chosen one, and said why (`tamis clusters`, or the review app). Then the chosen one's cluster, name and
    distance become `<id>.cluster`, `<id>.name` and `<id>.distance`. Who chose and why stands in the manifest, the report and the
    card. If a candidate is fitted anew, its clusters must be looked at again.

    ## Why
    No index picks the right clustering: silhouette rewards ever finer splits, and the one that fits a purpose is only known to
    those who know the purpose.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Where is my card?", "fine.cluster": 0, "fine.name": "card", "fine.distance": 0.1}]
    >>> print(run_step(Clusters(candidates=("fine",)), rows).line)
    1 in = 0 kept + 1 held (undecided 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"undecided": "nobody has chosen a clustering yet"}
    sets: ClassVar[tuple[str, ...]] = PARTS
    set_types = SET_TYPES

    candidates: tuple[str, ...] = Field(min_length=1, description="Ids of the steps whose clusterings may be chosen.")
    shortlist: int = Field(2, ge=0, description="Clusterings that must be shortlisted before one of them is chosen.")
    look: Literal["all", "none"] = Field(
        "all", description="Whether people must have looked at all clusters of all candidates."
    )
    question: str = Field(
        "Which clustering fits best?", min_length=1, description="What people are asked about the candidates."
    )

    _decisions: tuple[Mapping[str, Any], ...] = PrivateAttr(())
    _recordings: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def reads(self) -> tuple[str, ...]:
        return tuple(f"{name}.{part}" for name in self.candidates for part in PARTS)

    def question_text(self) -> str:
        return self.question

    def obeys(self) -> tuple[str, ...]:
        return KINDS

    def obeyed_about(self) -> tuple[str, ...]:
        return (self.name, *self.candidates)

    def with_decisions(self, decisions: Sequence[Mapping[str, Any]]) -> Self:
        step = self.model_copy()
        step._decisions = tuple(decisions)
        return step

    def looks_at(self) -> tuple[str, ...]:
        return self.candidates

    def with_recordings(self, recordings: Mapping[str, Sequence[str]]) -> Self:
        step = self.model_copy()
        step._recordings = {
            name: one.removeprefix(f"{FOLDER}/") for name, some in recordings.items() for one in some[:1]
        }
        return step

    def gathers_by(self) -> tuple[str, ...]:
        return ("candidates",)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return {name: rows[rows.find(name)] for name in self.reads()}

    def decide(self, table: Table) -> Verdict:
        step = self._chosen(table)
        if step is None:
            return hold("undecided", when=pl.Series([True]).new_from_index(0, table.height))
        columns = {part: table[f"{step}.{part}"].cast(SET_TYPES.get(part, pl.String())) for part in PARTS}
        recorded = self._recordings.get(step)
        return change(**columns).rests_on(*([f"{FOLDER}/{recorded}"] if recorded else []))

    def waits_for(self, table: Table) -> str | None:
        if self._chosen(table) is not None:
            return None
        stand, clusters, steps = self._stand(table)
        told = missing(stand, clusters, steps, shortlist=self.shortlist, look=self.look == "all")
        gone = [f"{one['value'].get('clustering')} was chosen and is no candidate any more" for one in stand.stale[-1:]]
        return "; ".join([*gone, *told]) or "one of them is to be chosen"

    def choice(self, table: Table) -> dict[str, Any]:
        stand, clusters, _ = self._stand(table)
        chosen, one = self._chosen(table), stand.chosen or {}
        unseen = stand.unseen(clusters)
        of = sum(map(len, clusters.values()))
        told: dict[str, Any] = {
            "gate": self.name, "question": self.question, "shortlist": self.shortlist, "look": self.look == "all",
            "candidates": {name: root_of(folder) for name, folder in self._recordings.items()},
            "clusters": of, "looked": of - sum(map(len, unseen.values())), "shortlisted": dict(stand.shortlisted),
        }  # fmt: skip
        if chosen is None:
            return {**told, "chosen": None}
        value = {name: one.get(name) for name in ("who", "at", "why")}
        return {**told, "chosen": chosen, "clustering": root_of(self._recordings[chosen]), **value}

    def _stand(self, table: Table) -> tuple[Standing, dict[str, list[int]], dict[str, str]]:
        """What people decided, of each candidate's clustering the clusters there are, and its step."""
        roots = {name: root_of(folder) for name, folder in self._recordings.items()}
        clusters = {
            root: table[f"{name}.cluster"].drop_nulls().unique().sort().to_list() for name, root in roots.items()
        }
        return standing(self._decisions, clusters), clusters, {root: name for name, root in roots.items()}

    def _chosen(self, table: Table) -> str | None:
        """The candidate that was chosen, where the choice counts."""
        stand, clusters, steps = self._stand(table)
        if stand.chosen is None or missing(stand, clusters, steps, shortlist=self.shortlist, look=self.look == "all"):
            return None
        root = root_of(str(stand.chosen["value"]["clustering"]))
        listed = stand.shortlisted.get(root) or len(clusters) == 1 or not self.shortlist
        return steps[root] if listed else None
