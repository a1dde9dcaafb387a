"""What the review app's server and its pages say to each other: the source of the OpenAPI document, and so of the pages' types.

Rows are named by their ids. Text is text: nothing here is ever HTML.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["reviewer", "lead"]
Outcome = Literal["kept", "dropped", "merged", "held", "quarantined"]


class Shape(BaseModel):
    """Refuses fields it does not know. An answer holds every field."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Problem(Shape):
    """Every answer that is not 2xx. `now`: of a 409, the row's version now and what was decided on it."""

    error: str
    hint: str | None = None
    now: dict[str, Any] | None = None


class RunName(Shape):
    recipe: str
    number: int
    status: str
    rows: int
    kept: int
    started: str | None = None


class Session(Shape):
    """Who reviews, and what there is. `name` is empty until it was given."""

    name: str
    role: Role
    team: bool
    version: str
    runs: list[RunName]
    #: names of all reviewers that were given a link
    reviewers: list[str] = Field(default_factory=list)


class Name(Shape):
    name: str = Field(min_length=1, max_length=80)


class ReasonCount(Shape):
    reason: str
    sentence: str
    outcome: Outcome
    rows: int


class StepCount(Shape):
    """One step's account: rows in + born = kept + dropped + merged + held + quarantined."""

    name: str
    use: str
    rows_in: int
    born: int
    kept: int
    dropped: int
    merged: int
    held: int
    quarantined: int
    changed: int = 0
    reasons: list[ReasonCount] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class GateState(Shape):
    """A gate that waits, or one that people have answered. `kind`: rows to look at, clusterings to choose, a prompt to prove."""

    step: str
    kind: Literal["rows", "clusters", "prompt"]
    question: str
    waiting: bool
    asked: int
    decided: int
    disagreements: int = 0
    closed: bool = False
    #: the command that goes on once the gate has what it needs
    command: str


class Overview(Shape):
    run: RunName
    description: str
    sources: list[dict[str, Any]]
    steps: list[StepCount]
    gates: list[GateState]
    delivered: list[dict[str, Any]]
    splits: dict[str, int] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    seconds: float | None = None
    #: the command that runs the recipe again
    command: str


class Message(Shape):
    role: str
    content: str | None = None
    name: str | None = None
    tool_calls: str | None = None
    tool_call_id: str | None = None
    weight: int | None = None


class RowLine(Shape):
    """One row of the table. `values`: the columns asked for; long texts are cut at 400 characters."""

    id: str
    text: str
    outcome: Outcome
    step: str | None = None
    reason: str | None = None
    split: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class RowsPage(Shape):
    total: int
    offset: int
    rows: list[RowLine]
    columns: list[str]


class FacetValue(Shape):
    value: Any
    rows: int


class Facet(Shape):
    column: str
    values: list[FacetValue]
    others: int = 0


class FacetList(Shape):
    facets: list[Facet]


class View(Shape):
    """A saved way to look at rows. `where`: SQL expression of the same allowed functions as in recipes."""

    name: str = Field(min_length=1, max_length=80)
    q: str = ""
    where: str = ""
    sort: str = ""
    descending: bool = False
    outcome: str = ""
    step: str = ""
    reason: str = ""
    columns: list[str] = Field(default_factory=list)


class Views(Shape):
    views: list[View]


class StepWord(Shape):
    """What one step said of a row. `changed`: column → [before, after]."""

    step: str
    outcome: str
    reason: str | None = None
    sentence: str | None = None
    into: str | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)
    changed: dict[str, list[Any]] = Field(default_factory=dict)


class Decided(Shape):
    """One decision as the file tells it."""

    key: str
    kind: str
    step: str
    row: str | None = None
    who: str
    at: str
    reason: str | None = None
    why: str | None = None
    value: Any = None
    round: str | None = None
    seconds: float | None = None
    undoes: str | None = None
    undone: bool = False


class RowLife(Shape):
    """A row from the line it was read from to the line it was delivered to. `content`: hash of what it says, sent back with a decision.
    `rescuable`: whether the step at which it left can be overruled, and by which role."""

    id: str
    source: str
    file: str
    line: int
    outcome: Outcome
    left_at: str | None = None
    messages: list[Message] | None = None
    rejected: list[Message] | None = None
    text: str | None = None
    columns: dict[str, Any] = Field(default_factory=dict)
    steps: list[StepWord]
    delivered: list[dict[str, Any]] = Field(default_factory=list)
    decisions: list[Decided] = Field(default_factory=list)
    versions: dict[str, int] = Field(default_factory=dict)
    rescuable: Role | None = None
    text_gone: str | None = None
    #: texts that were too long to send whole: their name (`text`, `messages.0.content`, a column) → how many characters there are
    cut: dict[str, int] = Field(default_factory=dict)


class Question(Shape):
    id: str
    text: str


class Desk(Shape):
    """How a gate is reviewed."""

    step: str
    question: str
    guidelines: str = ""
    questions: list[Question] = Field(default_factory=list)
    reject_reasons: list[str] = Field(default_factory=list)
    labels: dict[str, list[str]] = Field(default_factory=dict)
    show: list[str] = Field(default_factory=list)
    blind: list[str] = Field(default_factory=list)
    edit: bool = True
    rate: bool = False
    pair: bool = False
    reviewers: int = 1
    order: str = "row"
    orders: list[str] = Field(default_factory=list)


class Progress(Shape):
    asked: int
    decided: int
    mine: int
    left: int
    disagreements: int = 0
    median_seconds: float | None = None
    left_seconds: float | None = None


class Card(Shape):
    """One row to decide on. `version` is sent back with the decision. `round` is never shown to the reviewer, only sent back."""

    id: str
    version: int
    content: str | None = None
    round: str | None = None
    messages: list[Message] | None = None
    rejected: list[Message] | None = None
    text: str | None = None
    columns: dict[str, Any] = Field(default_factory=dict)
    evidence: list[StepWord] = Field(default_factory=list)
    decisions: list[Decided] = Field(default_factory=list)
    #: as of `RowLife`
    cut: dict[str, int] = Field(default_factory=dict)


class Queue(Shape):
    desk: Desk
    progress: Progress
    cards: list[Card]


class Decide(Shape):
    """One decision. `version`: of the row at this step when it was shown; another one now → 409, nothing is written."""

    kind: str
    step: str
    row: str | None = None
    version: int | None = None
    content: str | None = None
    reason: str | None = None
    why: str | None = None
    value: Any = None
    round: str | None = None
    seconds: float | None = Field(None, ge=0)


class DecideMany(Shape):
    """All or none of them are written."""

    decisions: list[Decide] = Field(min_length=1, max_length=10_000)


class Made(Shape):
    made: list[Decided]
    progress: Progress | None = None


class Undo(Shape):
    """Take back `keys`, or without any one's own last decision (a bulk decision counts as one)."""

    keys: list[str] = Field(default_factory=list, max_length=10_000)


class Bulk(Shape):
    """Which open rows of a gate a bulk decision would reach: those like `similar_to`, or those `where` holds for."""

    step: str
    similar_to: str | None = None
    where: str | None = None
    limit: int = Field(200, ge=1, le=10_000)


class Similar(Shape):
    """`similarity`: 0..1 by vectors where the run has some, else by shared character 5-grams."""

    rows: list[RowLine]
    similarities: list[float]
    versions: list[int]
    contents: list[str | None]
    by: Literal["vectors", "text", "where"]


class Figure(Shape):
    """A figure with its 95 % interval."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


class ReviewerFigures(Shape):
    who: str
    decided: int
    median_seconds: float | None = None
    with_consensus: Figure | None = None
    with_self: Figure | None = None
    calibration: Figure | None = None
    weight: float | None = None


class Agreement(Shape):
    figures: list[Figure]
    reviewers: list[ReviewerFigures]


class Disagreement(Shape):
    card: Card
    said: list[Decided]


class Disagreements(Shape):
    desk: Desk
    items: list[Disagreement]


class Event(Shape):
    """One event of /api/events (server-sent): `decided` by somebody, `run` changed its state."""

    kind: Literal["decided", "run", "hello"]
    step: str | None = None
    row: str | None = None
    who: str | None = None
    status: str | None = None
