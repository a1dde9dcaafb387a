"""What the steps of this family share: the test sets, as a recipe names them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from tamis.core.columns import Columns
from tamis.core.errors import UsageError
from tamis.core.row import CHAT_VIEWS, View, view_column
from tamis.core.step import RowStep, Step


class Sets(Step):
    """Test sets by the name of a benchmark that was built, or as files."""

    against: tuple[str | Path, ...] = Field(
        min_length=1,
        description="Test sets: files (JSON, JSON Lines, CSV, TSV, Parquet; also .gz) relative to the recipe, or names "
        "of benchmarks built with `tamis benchmarks add`.",
    )
    view: View = Field("all", alias="in", description="Which text of the row is searched.")
    question: str | None = Field(None, description="The files' column of questions; recognised by default.")
    benchmarks: Path | None = Field(
        None, description="Folder of built benchmarks; by default TAMIS_BENCHMARKS or the user's data folder."
    )

    @field_validator("against", mode="before")
    @classmethod
    def _one_or_more(cls, given: object) -> object:
        return (given,) if isinstance(given, str | Path) else given

    @field_validator("against")
    @classmethod
    def _files_are_paths(cls, given: tuple[str | Path, ...]) -> tuple[str | Path, ...]:
        from tamis.engine.benchmarks import is_file

        return tuple(Path(one) if is_file(one) else str(one) for one in given)

    def test_sets(self) -> tuple[tuple[str, Path], ...]:
        """(name shown, file) of each test set."""
        from tamis.engine.benchmarks import located
        from tamis.engine.testsets import ending

        return tuple(
            (one.name.removesuffix(".gz").removesuffix(ending(one)), one)
            if isinstance(one, Path)
            else (one, located(one, self.benchmarks))
            for one in self.against
        )

    def files(self) -> tuple[str, ...]:
        return tuple(str(path) for _, path in self.test_sets())


def must_hold_text(rows: Columns, view: str, step: str) -> None:
    """UsageError where no row can have the text that is searched: nothing found would be taken for nothing there."""
    if view in CHAT_VIEWS and view_column(view) not in rows.names:
        raise UsageError(
            f"{step} searches the rows' {view!r} text, and there are no {view_column(view)} yet",
            hint="put a `map.*` step before it, or name a column: `in: column:NAME`",
        )


class Against(Sets, RowStep):
    """Test sets whose questions and answers are looked for by their words."""

    parts: Literal["questions", "answers", "both"] = Field(
        "both", description="What of the test items is looked for; an answer by itself only where it is long enough."
    )
    answer: str | None = Field(None, description="The files' column of answers; recognised by default.")
