"""How a gate has its rows reviewed: the settings that `review.gate` takes and the queue obeys, and known answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from tamis.core.errors import DataError
from tamis.core.fingerprint import fingerprint

Consensus = Literal["majority", "all", "adjudicate"]
Order = Literal["row", "random", "uncertainty", "disagreement", "cluster"]
ANSWERS = ("yes", "no", "unsure")
LEVELS = (1, 2, 3, 4, 5)

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def _page(value: Any) -> Any:
    """One line that ends in `.md` is a file."""
    return Path(value) if isinstance(value, str) and value.endswith(".md") and "\n" not in value else value


class Question(BaseModel):
    """A question asked about each row, answered yes, no or unsure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Slug = Field(description="The answer's name in decisions.")
    text: str = Field(min_length=1, description="What people read.")


class Reviewing(BaseModel):
    """The settings of a queue of rows that people decide on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guidelines: Annotated[Path | str | None, BeforeValidator(_page)] = Field(
        None, description="What reviewers go by: a text, or the path of a file that ends in `.md`."
    )
    questions: tuple[Question, ...] = Field((), description="Questions about each row, answered yes, no or unsure.")
    reject_reasons: tuple[Slug, ...] = Field((), description="Reasons offered for a rejection.")
    labels: dict[str, tuple[str, ...]] = Field(
        {}, description="Columns that reviewers may set, with the values offered; a new name is a column of the gate."
    )
    edit: bool = Field(False, description="Reviewers may change messages.")
    rate: bool = Field(False, description="Reviewers give 1 to 5 points: column `rating` of the gate.")
    pair: bool = Field(
        False, description="Reviewers say which answer is better, `messages` (a) or `rejected` (b): column `preferred`."
    )
    reviewers: int = Field(1, ge=1, description="How many different people decide on each row.")
    consensus: Consensus = Field(
        "majority",
        description="When they agree: more than half of them, all, or (`adjudicate`) when somebody has the last word.",
    )
    order: Order = Field(
        "row",
        description="Which rows come first: `uncertainty` those with the lowest `order_by`, `disagreement` the highest, "
        "`cluster` one value of `order_by` after the other; `random` by the seed.",
    )
    order_by: str | None = Field(None, description="The column that orders: a confidence, a spread, a cluster.")
    blind: tuple[str, ...] = Field((), description="Columns that reviewers do not see, such as the model's label.")
    repeat: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of rows asked a second time, unsaid, to see whether people agree with themselves.",
    )
    calibration: Path | None = Field(
        None, description="JSONL of known answers asked first: `id` of a row or `text`, and the `expected` kind."
    )

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if self.order in ("uncertainty", "cluster") and self.order_by is None:
            raise ValueError(f"`order: {self.order}` needs `order_by`, the column that orders")
        if self.order_by is not None and self.order in ("row", "random"):
            raise ValueError(f"`order_by: {self.order_by}` has no effect with `order: {self.order}`")
        if self.consensus != "majority" and self.reviewers == 1:
            raise ValueError(
                f"`consensus: {self.consensus}` has no effect with one reviewer; set `reviewers: 2` or more"
            )
        for name, values in {
            "reject_reasons": self.reject_reasons,
            "questions": [q.id for q in self.questions],
        }.items():
            if len(set(values)) < len(values):
                raise ValueError(f"`{name}` names one twice")
        if empty := [column for column, choices in self.labels.items() if len(set(choices)) < 2]:
            raise ValueError(f"`labels: {empty[0]}` offers fewer than two values")
        return self

    def settings_told(self) -> dict[str, Any]:
        """The settings as JSON values, without the two that are files."""
        wanted = set(Reviewing.model_fields) - {"guidelines", "calibration"}
        return self.model_dump(mode="json", include=wanted)

    def label_column(self, name: str, step: str, names: Sequence[str]) -> str:
        """The full name of a column that reviewers set: one that there is, or else a new one of the gate."""
        from .frame import find_column

        return f"{step}.{name}" if self._is_new(name, names) else find_column(name, names)

    def _is_new(self, name: str, names: Sequence[str]) -> bool:
        return "." not in name and not any(full == name or full.endswith(f".{name}") for full in names)

    def own_columns(self, names: Sequence[str] = ()) -> dict[str, pl.DataType]:
        """The columns that the gate makes, with their types. names: of the columns there are."""
        own: dict[str, pl.DataType] = {}
        if self.rate:
            own["rating"] = pl.Int8()
        if self.pair:
            own["preferred"] = pl.String()
        if self.reviewers > 1:
            own["reviewers"] = pl.Int32()
        return own | {name: pl.String() for name in self.labels if self._is_new(name, names)}


@dataclass(frozen=True)
class Known:
    """A row whose answer is known. `row`: a row's id, or one made from the text; `text`: None where the row is of the run."""

    row: str
    expected: str
    text: str | None = None
    reason: str | None = None
    why: str | None = None


def read_known(path: Path) -> list[Known]:
    """The known answers of a calibration file. DataError names the line that is none."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"calibration {path} cannot be read: {error}") from None
    found: list[Known] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.append(_known(f"{path}:{number}", line))
    if not found:
        raise DataError(f"calibration {path} holds no known answers", hint='{"text": "…", "expected": "reject"}')
    return found


def _known(where: str, line: str) -> Known:
    hint = 'a line is {"id": "3f9a…", "expected": "accept"} or {"text": "…", "expected": "reject"}'
    try:
        record = json.loads(line)
        row, text, expected = record.get("id"), record.get("text"), record.get("expected")
    except (ValueError, AttributeError):
        raise DataError(f"{where}: not a known answer", hint=hint) from None
    if expected not in ("accept", "reject"):
        raise DataError(f"{where}: expected is {expected!r}; possible: accept, reject", hint=hint)
    if (row is None) == (text is None) or not isinstance(row or text, str):
        raise DataError(f"{where}: a known answer has either an id or a text", hint=hint)
    if row is not None and not (len(row) == 32 and all(c in "0123456789abcdef" for c in row)):
        raise DataError(f"{where}: {row!r} is no id of 32 hexadecimal digits", hint="tamis why TEXT finds ids")
    return Known(row or fingerprint("calibration", text), expected, text, record.get("reason"), record.get("why"))
