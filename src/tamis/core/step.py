"""The step classes: one frozen Pydantic model is both configuration and behaviour.

A step's address is its place: `tamis.steps.filter.length.Length` is `filter.length`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from .columns import Columns, Table
from .fingerprint import fingerprint
from .outcome import Verdict
from .row import View, check_view, view_column

Reasons = dict[str, str]


class Part(BaseModel):
    """What sources, steps and sinks share: frozen, nothing undeclared, an address by place."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=())

    version: ClassVar[int] = 1

    @classmethod
    def address(cls) -> str:
        """`family.name` for what stands under `tamis.<room>.`, else the module's own name."""
        module = cls.__module__
        for room in ("tamis.steps.", "tamis.sources.", "tamis.sinks."):
            if module.startswith(room):
                return module.removeprefix(room)
        return f"{module}.{cls.__qualname__}"

    def settings(self) -> dict[str, Any]:
        """The configuration as JSON values under the names the recipe uses, defaults left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def configuration(self) -> dict[str, Any]:
        """Every field as JSON values: what a fingerprint takes in."""
        return self.model_dump(mode="json", by_alias=True)


class Step(Part):
    """Judges or changes rows. Subclass `RowStep` or `TableStep`."""

    reasons: ClassVar[Reasons] = {}
    #: whether the step uses `rows.seed` or `table.seed`; else its outcome does not depend on the recipe's seed
    seeded: ClassVar[bool] = False
    #: distributions whose version the outcome depends on
    libraries: ClassVar[tuple[str, ...]] = ()
    #: full names of the columns the step may set; names that are not reserved get the step id as prefix
    sets: ClassVar[tuple[str, ...]] = ()
    #: types of columns that a table step sets, where they are not text: what later steps find in a rehearsal
    set_types: ClassVar[Mapping[str, pl.DataType]] = {}
    #: whether the step only changes columns where they are, those of other steps too; else it makes what it sets
    rewrites: ClassVar[bool] = False
    #: evidence in words that comes from a short list, whatever a row says: it is told of private rows as it is
    codes: ClassVar[tuple[str, ...]] = ()
    #: whether the step sends text of rows to a machine that is not this one
    sends_text: ClassVar[bool] = False

    id: str | None = Field(
        None, description="The step's name in this recipe; by default its address.", pattern=r"^[A-Za-z0-9_.\-]+$"
    )
    where: str | None = Field(None, description="SQL expression; the step sees only rows for which it is true.")

    @property
    def name(self) -> str:
        """The step's id in the recipe."""
        return self.id or self.address()

    def views(self) -> tuple[str, ...]:
        """The views named by the step's `View` fields."""
        found: list[str] = []
        for name, info in type(self).model_fields.items():
            if check_view in [getattr(m, "func", None) for m in info.metadata] or _holds_view(info.annotation):
                value = getattr(self, name)
                found += [value] if isinstance(value, str) else list(value or ())
        return tuple(dict.fromkeys(found))

    def reads(self) -> tuple[str, ...] | None:
        """Columns the step reads (names as the user writes them), or None for 'any column'."""
        return tuple(dict.fromkeys(view_column(view) for view in self.views()))

    def said_where(self, column: str) -> str | None:
        """Where a column that the step reads is named, if not in the recipe: `prompts/sort.md:12`."""
        return None

    def files(self) -> tuple[str, ...]:
        """Paths of files whose contents the outcome depends on."""
        return ()

    def secrets(self) -> tuple[str, ...]:
        """Names of secrets the outcome depends on (`privacy-key`). The runner finds them and hands them to `given`."""
        return ()

    def given(self, secrets: Mapping[str, Any]) -> Self:
        """The step with its secrets, which are in no representation of it."""
        return self

    def heeds(self) -> str | None:
        """The id of a later gate whose rejections the step must know: they are put into its field `rejected`."""
        return None

    def obeys(self) -> tuple[str, ...]:
        """Kinds of people's decisions that the step's outcome depends on: they are handed to `with_decisions`."""
        return ()

    def obeyed_about(self) -> tuple[str, ...]:
        """The steps whose decisions these are: its own, unless it says otherwise."""
        return (self.name,)

    def with_decisions(self, decisions: Sequence[Mapping[str, Any]]) -> Self:
        """The step with what people decided about it, in order: {"kind", "value", "who", "at", "why"} each."""
        return self

    def looks_at(self) -> tuple[str, ...]:
        """Ids of earlier steps whose recordings the step must see: they are handed to `with_recordings`."""
        return ()

    def with_recordings(self, recordings: Mapping[str, Sequence[str]]) -> Self:
        """The step with those steps' recordings, as paths below `.tamis/recorded`; a step that made none has none."""
        return self

    def covers(self) -> dict[str, Any] | None:
        """For steps that take personal data away: what they look for, as JSON values. None for all others.

        What a run tells of rows as they were before such a step is told without it.
        """
        return None

    def key(self) -> str:
        """What the step is, apart from the data: address, version and configuration (not its id)."""
        configuration = {k: v for k, v in self.configuration().items() if k not in ("id", "where")}
        return fingerprint(self.address(), self.identity(), configuration)

    def identity(self) -> Any:
        """The version, or what stands for it (the hash of a user's source)."""
        return self.version


def _holds_view(annotation: Any) -> bool:
    """Whether a field's type is, or contains, `View`."""
    if get_origin(annotation) is None:
        return False
    if annotation == View:
        return True
    return any(
        a == View or _holds_view(a) or check_view in [getattr(m, "func", None) for m in getattr(a, "__metadata__", ())]
        for a in get_args(annotation)
    )


class RowStep(Step):
    """Looks at one row at a time: the verdict on a row depends on that row alone."""

    def judge(self, rows: Columns) -> Verdict:
        """The verdict on some rows of a partition, in whole columns."""
        raise NotImplementedError


class BirthStep(Step):
    """Makes rows out of rows. Parents with children are merged into them, unless the step keeps its parents."""

    def keeps_parents(self) -> bool:
        """Whether parents stay rows beside their children."""
        return False

    def inherits(self, names: Sequence[str]) -> Sequence[str]:
        """Which of the columns `names` children take from their parent where they bring none; the others are null."""
        return names

    def bear(self, rows: Columns) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        """(parent position of each child as u32, the children's columns, the verdict on the parents).

        Children stand grouped by parent, in parent order. A parent with children is merged into them unless the
        step keeps its parents; one that the verdict takes away has none. Columns not given are inherited.
        """
        raise NotImplementedError


class TableStep(Step):
    """Needs all rows: gather → decide → scatter."""

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        """The few columns, hashes or vectors that `decide` needs, from some rows of a partition.

        Like a row step's verdict, each value depends on its row alone.
        """
        raise NotImplementedError

    def gathers_by(self) -> tuple[str, ...] | None:
        """The fields that `gather` depends on, or None for all: changing others gathers nothing again."""
        return None

    def gather_key(self) -> str:
        """What `gather` is, apart from the data."""
        names = self.gathers_by()
        settings = self.model_dump(mode="json")
        chosen = {k: v for k, v in settings.items() if (k not in ("id", "where") if names is None else k in names)}
        return fingerprint("gather", self.address(), self.identity(), chosen)

    def decide(self, table: Table) -> Verdict:
        """The verdict on all rows, from what was gathered."""
        raise NotImplementedError


class GateStep(TableStep):
    """A point where a run waits for people.

    `decide` holds the rows that people must look at; the runner turns those that were accepted into
    kept and those that were rejected into dropped, for the declared reason `rejected`. Once the gate is
    closed, rows nobody decided on go as `undecided` says; `drop` needs the declared reason `undecided`.
    """

    undecided: Literal["hold", "keep", "drop"] = Field(
        "hold", description="What becomes of rows nobody decided on, once the gate is closed."
    )

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        """Nothing, unless the step says otherwise."""
        return {}

    def question_text(self) -> str:
        """What people are asked."""
        raise NotImplementedError


class ChoiceStep(TableStep):
    """A point where a run waits until people have chosen one of several steps' results.

    `decide` holds all rows until there is a choice. `with_decisions` gives it what people decided, `with_recordings` what there is to choose.
    """

    def question_text(self) -> str:
        """What people are asked."""
        raise NotImplementedError

    def waits_for(self, table: Table) -> str | None:
        """What is still to be done before the run goes on, in words; None where a choice stands."""
        raise NotImplementedError

    def choice(self, table: Table) -> dict[str, Any]:
        """What was chosen, by whom and why, as JSON values: for the manifest, the report and the card."""
        raise NotImplementedError


def written(part: Part) -> dict[str, Any]:
    """A part as the recipe writes it: `use:` and its fields, defaults left out."""
    return {"use": part.address(), **part.settings()}


def docstring(cls: type) -> str:
    """The class's own documentation, cleaned."""
    return inspect.cleandoc(cls.__doc__ or "")
