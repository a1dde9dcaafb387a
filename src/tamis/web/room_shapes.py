"""What server and pages say to each other in the rooms: clusters, map, prompts, copies, leaks, privacy, delivery."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .shapes import Decided, Figure, GateState, RowLine, Shape, StepCount


class ClusterExample(Shape):
    id: str
    text: str


class ClusterCard(Shape):
    cluster: int
    rows: int
    outliers: int
    name: str
    phrases: list[str]
    description: str = ""
    central: list[ClusterExample] = Field(default_factory=list)
    boundary: list[ClusterExample] = Field(default_factory=list)
    looked: list[str] = Field(default_factory=list)
    accuracy: float | None = None


class ClusteringLine(Shape):
    """One recorded clustering. `clustering`: the name of its folder. Indices are hints: none of them picks the right one."""

    clustering: str
    step: str
    use: str
    parameters: dict[str, Any]
    rows: int
    clusters: int
    outliers: int
    hints: list[Figure] = Field(default_factory=list)
    shortlisted: list[str] = Field(default_factory=list)
    chosen: str | None = None
    looked: int = 0


class Clusterings(Shape):
    clusterings: list[ClusteringLine]
    gate: GateState | None = None
    shortlist: int = 2


class ClusteringCards(Shape):
    line: ClusteringLine
    cards: list[ClusterCard]


class FlowLink(Shape):
    a: int
    b: int
    rows: int


class ClusterFlow(Shape):
    """How the rows of two clusterings' clusters meet. -1: in no cluster."""

    a: str
    b: str
    links: list[FlowLink]
    sentences: list[str]


class BlindTest(Shape):
    """One blind question: two rows (`same_topic`) or five (`odd_one_out`). `left`: how many are still to ask. None: no more.
    `token` goes back as `value.token` of the decision."""

    kind: Literal["same_topic", "odd_one_out"] | None
    token: str = ""
    rows: list[ClusterExample] = Field(default_factory=list)
    asked: int = 0
    left: int = 0


class TestResults(Shape):
    a: str
    b: str
    answers: int
    wins: list[Figure]
    odd: list[Figure]


class MapTexts(Shape):
    start: int
    texts: list[str]


class PromptLine(Shape):
    """One version of a step's prompt and what is known of it."""

    step: str
    version: str
    text: str
    tries: int = 0
    accepted: int = 0
    rejected: int = 0
    figures: list[Figure] = Field(default_factory=list)
    slices: list[dict[str, Any]] = Field(default_factory=list)
    gate: str = ""
    current: bool = False


class Prompts(Shape):
    prompts: list[PromptLine]
    command: str = ""


class Pilot(Shape):
    """Rows that a version of a prompt was tried on, with what it answered."""

    step: str
    version: str
    rows: list[dict[str, Any]]


class CopyGroup(Shape):
    """Rows that a dedup step holds to be the same: the one kept first. `similarities` to it; None: the step keeps none."""

    step: str
    kept: RowLine
    copies: list[RowLine]
    similarities: list[float | None]
    decisions: list[Decided] = Field(default_factory=list)
    #: further copies that are not in `copies`
    more: int = 0


class CopyGroups(Shape):
    steps: list[str]
    total: int
    groups: list[CopyGroup]


class LeakSpan(Shape):
    """What stands in a row and in a test item; spans are (start, end) in code points."""

    row: RowLine
    step: str
    benchmark: str
    item: str
    row_text: str
    item_text: str
    row_spans: list[tuple[int, int]] = Field(default_factory=list)
    item_spans: list[tuple[int, int]] = Field(default_factory=list)
    score: float | None = None


class Leaks(Shape):
    benchmarks: list[dict[str, Any]]
    total: int
    leaks: list[LeakSpan]


class Replaced(Shape):
    """What a privacy step replaced, by kind; never what stood there."""

    step: str
    kinds: dict[str, int]
    rows: int


class Privacy(Shape):
    """`recall`: of the hand-checked sample, with an interval; None until rows were checked."""

    steps: list[Replaced]
    recall: Figure | None = None
    sample: int = 0
    checked: int = 0
    command: str = ""


class PrivacyCard(Shape):
    """One row of the recall sample as it is delivered; spans that were replaced, by kind."""

    id: str
    text: str
    spans: list[dict[str, Any]] = Field(default_factory=list)
    checked: bool = False
    #: kind → how many, as the person who checked the row said
    missed: dict[str, int] = Field(default_factory=dict)
    wrong: dict[str, int] = Field(default_factory=dict)
    #: kind → how many were replaced
    found: dict[str, int] = Field(default_factory=dict)


class PrivacyCheck(Shape):
    """What a person saw in one row of the recall sample: what was missed, and what was replaced needlessly, by kind."""

    id: str
    missed: dict[str, int] = Field(default_factory=dict)
    wrong: dict[str, int] = Field(default_factory=dict)
    checked: bool = True


class PrivacySample(Shape):
    total: int
    rows: list[PrivacyCard]
    #: kinds that can be missed
    kinds: list[str] = Field(default_factory=list)


class DeliveredFile(Shape):
    name: str
    path: str
    split: str | None = None
    rows: int
    bytes: int
    sha256: str


class Check(Shape):
    """One thing that was looked at now: `of` what, whether it is `good`, and in words."""

    check: Literal["sha256", "balance", "warning"]
    of: str
    good: bool
    told: str


class Delivery(Shape):
    """`card`: the dataset card's Markdown, shown as text. `checks`: what was checked, and how it ended."""

    files: list[DeliveredFile]
    card: str
    checks: list[Check]
    balance: list[StepCount]
    manifest_sha256: str = ""
