"""What a recipe wants to know of its rows: outcomes by columns, and how the selection differs from a reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tamis.core.errors import did_you_mean

#: names of rows that are not a step's
WHICH = ("kept", "read")
#: endings of files that a reference may be
_FILES = (".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".gz", ".zst", ".xz")


class Metrics(BaseModel):
    """Figures for the report: an outcome by columns, or the rows against a reference. It changes no row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: str | tuple[str, ...] = Field((), description="Columns with what came of a row: yes/no, or numbers.")
    reference: str | None = Field(
        None, description="What the rows are compared with: those after a step, `read` (all), or a file's."
    )
    by: str | tuple[str, ...] = Field(
        (), description="Columns to compare by; `length:VIEW` is a text's words. For a reference by default all."
    )
    by_user: str | None = Field(
        None, description="Column that says whose row it is: rows of one user are not independent."
    )
    each_user_once: bool = Field(False, description="A user counts once in each group, however many rows it has.")
    rows: str = Field("kept", description="Which rows: `kept` to the end, `read` (all), or those after a step.")
    adjust: Literal["holm", "bh", "none"] = Field(
        "holm", description="How probabilities are adjusted for how many there are: Holm, Benjamini-Hochberg."
    )

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if bool(self.outcomes()) == (self.reference is not None):
            raise ValueError("metrics need `outcome` or `reference`, one of them")
        if self.outcomes() and not self.columns():
            raise ValueError("an `outcome` is compared `by` something: name columns")
        if self.each_user_once and self.by_user is None:
            raise ValueError("`each_user_once` needs `by_user`: the column that says whose row it is")
        if self.reference is not None and (self.by_user or self.each_user_once):
            raise ValueError("`by_user` and `each_user_once` are for outcomes")
        return self

    def outcomes(self) -> tuple[str, ...]:
        """The outcomes' columns."""
        return (self.outcome,) if isinstance(self.outcome, str) else self.outcome

    def columns(self) -> tuple[str, ...]:
        """The columns to compare by."""
        return (self.by,) if isinstance(self.by, str) else self.by

    def reads(self) -> tuple[str, ...]:
        """Every column it names, without what may stand before a name."""
        named = [*self.outcomes(), *self.columns(), *([self.by_user] if self.by_user else [])]
        plain = [name.removeprefix("values:").removeprefix("numbers:") for name in named]
        columns = [name.removeprefix("length:column:") for name in plain]
        return tuple(dict.fromkeys(name for name in columns if not name.startswith("length:")))

    def file(self, steps: Iterable[str]) -> str | None:
        """The reference, where it is a file and not rows of the run."""
        name = self.reference
        return name if name is not None and name not in (*WHICH, *steps) and name.lower().endswith(_FILES) else None

    def problems(self, steps: Iterable[str]) -> list[str]:
        """What it names that is no step."""
        known = [*WHICH, *steps]
        named = [self.rows] if self.reference is None or self.file(known) else [self.rows, self.reference]
        return [f"metrics: no step {name!r}; {did_you_mean(name, known)}" for name in named if name not in known]
