"""What is said of clusterings: lines, cards, flows, gates and figures, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .figure import Figure


@dataclass(frozen=True)
class Example:
    """A row of a cluster; the text is empty where the workspace no longer has it."""

    id: str
    text: str


@dataclass(frozen=True)
class Line:
    """One clustering. rows: that it was fitted on; outliers: rows in no group; looked: clusters somebody looked at;
    shortlisted, chosen: by whom."""

    clustering: str
    step: str
    use: str
    parameters: Mapping[str, Any]
    rows: int
    clusters: int
    outliers: int
    hints: tuple[Figure, ...] = ()
    shortlisted: tuple[str, ...] = ()
    chosen: str | None = None
    looked: int = 0


@dataclass(frozen=True)
class Card:
    """One cluster. name: by people, else by a model, else its phrases; named_by: `people`, `model` or `phrases`; accuracy: share
    of held-out rows that a model found under its name."""

    cluster: int
    rows: int
    outliers: int
    name: str
    named_by: str
    phrases: tuple[str, ...]
    description: str = ""
    central: tuple[Example, ...] = ()
    boundary: tuple[Example, ...] = ()
    looked: tuple[str, ...] = ()
    accuracy: float | None = None


@dataclass(frozen=True)
class Flow:
    """How the rows of two clusterings' clusters meet. links: (cluster of a, cluster of b, rows), -1: in no cluster."""

    a: str
    b: str
    links: tuple[tuple[int, int, int], ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """A gate where one of several clusterings is chosen. candidates: step → clustering; missing: what is still to be done."""

    step: str
    question: str
    candidates: Mapping[str, str]
    shortlist: int
    look: bool
    missing: tuple[str, ...] = ()
    chosen: Mapping[str, Any] | None = None
