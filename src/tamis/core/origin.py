"""The contracts of sources and sinks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, PlainSerializer, SerializeAsAny

from .step import Part, Step, written

Kind = Literal["text", "integer", "number", "boolean", "json"]

#: What a column is read as: a kind, or `digits`: numbers kept as text because some do not fit 64 bits.
Reading = Literal["text", "integer", "number", "boolean", "json", "digits"]

#: How often each sort of value (a kind, or `big` for integers beyond 64 bits) occurs in a column and the
#: line of the first, in order of first appearance.
Found = dict[str, tuple[int, int]]

#: The Polars type each kind is stored as; `json` is JSON text.
KIND_TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "json": pl.String(),
}

#: Bytes of a bad line that are kept.
RAW_LIMIT = 1 << 20


@dataclass(frozen=True)
class Input:
    """One file, or one table in memory.

    path: as people see it; place: absolute, empty for memory; size: bytes; stamp: its modification time in ns.
    """

    path: str
    place: str
    size: int
    stamp: int


class Gap(NamedTuple):
    """Bytes of a slice that are not read, because what stands there is longer than a line may be."""

    start: int
    stop: int
    line: int
    lines: int
    cause: str


@dataclass(frozen=True)
class Slice:
    """A stable piece of one file: what becomes one partition.

    Cut at boundaries that do not move when rows are appended or files are added. `start` and `stop`
    are bytes of the (decompressed) stream or row numbers, as the format has it. `content` is the
    xxh3-128 of what is in it, `context` what else its rows depend on (a CSV header): two slices
    with the same content, context, first line and reader yield the same rows.
    """

    file: str
    start: int
    stop: int
    first_line: int
    content: str
    size: int
    context: str = ""
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Cut:
    """One input, cut. content: xxh3-128 of its bytes as they lie on disk.

    sequential: its slices can only be read one after another (a compressed file), so they are one task.
    """

    slices: tuple[Slice, ...]
    content: str
    warnings: tuple[str, ...] = ()
    sequential: bool = False


class BadLine(NamedTuple):
    """What cannot be read. `line` counts from 1; `cause` is a slug; `raw` the bytes, cut at 1 MB.

    lines: how many lines it is; column: for a value of the wrong kind.
    """

    line: int
    cause: str
    message: str
    raw: bytes
    lines: int = 1
    column: str = ""


@dataclass
class Batch:
    """The rows of one slice.

    columns: by name, without prefix, all of one length, typed as their `readings` say; empty when `mixed`;
    lines: (n,) uint64 line or row number in the file, from 1;
    bad: what could not be read, the first thousand; bad_counts: lines by cause, all of them;
    found: the sorts of values in each column; mixed: a column holds several and nobody said which to keep.
    """

    columns: dict[str, pl.Series]
    readings: dict[str, Reading]
    lines: NDArray[np.uint64]
    bad: list[BadLine] = field(default_factory=list)
    bad_counts: dict[str, int] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    mixed: bool = False
    warnings: list[str] = field(default_factory=list)


def kind_of(reading: Reading) -> Kind:
    """What a column is stored as."""
    return "text" if reading == "digits" else reading


def merge(into: dict[str, Found], found: Mapping[str, Found]) -> None:
    """Add what a later slice holds to what is known of each column."""
    for name, sorts in found.items():
        mine = into.setdefault(name, {})
        for sort, (count, line) in sorts.items():
            before = mine.get(sort, (0, line))
            mine[sort] = (before[0] + count, before[1])


def settle(found: Found) -> tuple[Reading, bool]:
    """What a column is read as: what most of its values are (the earliest of equals); and whether all of them are.

    >>> settle({"integer": (3, 1), "number": (1, 9)})
    ('number', True)
    >>> settle({"integer": (1, 1), "text": (1, 2)})
    ('integer', False)
    """
    groups: dict[str, int] = {}
    for sort, (count, _) in found.items():
        group = "numeric" if sort in ("integer", "big", "number") else sort
        groups[group] = groups.get(group, 0) + count
    if not groups:
        return "text", True
    best = max(groups, key=lambda group: groups[group])
    if best == "numeric":
        best = "digits" if "big" in found else "number" if "number" in found else "integer"
    return best, len(groups) == 1  # type: ignore[return-value]


class Source(Part):
    """Where rows come from."""

    #: whether the rows are in this process's memory, so that tasks stay in it
    in_memory: ClassVar[bool] = False
    #: columns that say where a row stands, or follow from others: ids made of a row's content leave them out
    positions: ClassVar[tuple[str, ...]] = ()

    name: str | None = Field(None, description="The source's name; by default its file's or table's.")
    id: tuple[str, ...] = Field((), description="Columns that identify a row; without them its content does.")

    map: tuple[Annotated[SerializeAsAny[Step], PlainSerializer(written, return_type=dict)], ...] = Field(
        (), description="Steps that only this source's rows pass, first of all: how they become messages."
    )

    license: str = Field("", description="The licence of what is read; goes on the dataset's card.")

    @property
    def label(self) -> str:
        """The source's name in this recipe."""
        return self.name or self.address()

    def fetched(self, root: Path, store: Path, *, resumed: bool) -> tuple[Source, list[str]]:
        """The source with its rows at hand, and warnings: where they are no files, they are read once and kept in `store`.

        resumed: a run that began earlier goes on, and wants the rows it began with.
        """
        return self, []

    def inputs(self, root: Path) -> tuple[list[Input], list[str]]:
        """The files, in order, and warnings. `root`: the recipe's folder. Raises DataError where there is none."""
        raise NotImplementedError

    def cut(self, what: Input) -> Cut:
        """Cut one input into slices. Reads (and hashes) every byte once. Raises DataError."""
        raise NotImplementedError

    def read(self, what: Input, slices: Sequence[Slice], wanted: dict[str, Reading] | None = None) -> Iterator[Batch]:
        """The rows of each slice (slices of that input, in order), one slice in memory at a time.

        A batch depends on its slice and on `wanted` alone. With `wanted`, its columns are read as it says and rows with
        other values are bad (`type_mismatch`); without, as most values of the slice are.
        """
        raise NotImplementedError

    def readings(self, cuts: Sequence[tuple[Input, Cut]]) -> dict[str, Reading]:
        """What each column is read as over all slices: `wanted` for `read`. Reads everything once."""
        found: dict[str, Found] = {}
        for what, cut in cuts:
            for batch in self.read(what, cut.slices):
                merge(found, batch.found)
        return {name: settle(sorts)[0] for name, sorts in found.items()}

    def reader(self) -> dict[str, Any]:
        """The settings that change what is read from given bytes."""
        raise NotImplementedError

    def names(self) -> tuple[str, ...]:
        """Columns that the settings name, and that must exist."""
        return self.id

    def check_empty(self, what: Input) -> None:
        """Called for each input that has no rows at all; raises DataError where that is not expected."""


class Delivered(NamedTuple):
    """One file delivered: path relative to the target's folder, the split it holds, rows, bytes, sha256.

    A file that holds no rows of its own (a description of columns) has `rows` 0 and no split.
    """

    path: str
    split: str | None
    rows: int
    size: int
    sha256: str


class Sink(Part):
    """Where rows go. A sink turns rows into bytes; the runner makes the folder appear at once.

    `rows` are any chunk of the delivered rows, in order, with at least the columns asked for by `columns`;
    `id` stands for the row's id as 32 hexadecimal digits. `json_columns` are the names, in full, of columns
    that hold JSON text. Everything here is pure and may run on several threads.
    """

    #: the file name's ending
    suffix: ClassVar[str] = ""
    #: whether the bytes of chunks, one after another, are a file; else `encode` wants all rows of a file at once
    grows: ClassVar[bool] = True

    path: str = Field(description="Folder to deliver to; replaced as a whole.")

    def columns(self, names: Sequence[str]) -> list[str]:
        """Which of the row's columns the sink needs; `id` for the row's id. UsageError where two would get one name."""
        raise NotImplementedError

    def check(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> list[tuple[int, str]]:
        """Rows that the target would refuse or ignore: (position, what is wrong), at most one each."""
        return []

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> bytes | memoryview:
        """A chunk of rows as bytes of the target file. Raises DataError naming the row that cannot be written."""
        raise NotImplementedError

    def lines(self, rows: pl.DataFrame) -> int:
        """How many rows of a file `encode` makes of these."""
        return rows.height

    def head(self, rows: pl.DataFrame) -> bytes:
        """What a file begins with. Depends on the columns of `rows` alone."""
        return b""

    def file_name(self, split: str | None, number: int, total: int) -> str:
        """The path, inside the folder, of file `number` (from 0) of the `total` of a split."""
        return f"{split or 'data'}{self.suffix}"

    def cut(self, rows: pl.DataFrame, begun: tuple[int, int]) -> tuple[int, tuple[int, int]]:
        """How many of `rows` still go into a file that holds `begun` (rows, bytes) already, and what it then holds.

        Depends on the rows alone, not on how they are cut into chunks. Only sinks that do not grow are asked.
        """
        return rows.height, (begun[0] + rows.height, 0)

    def count(self, path: Path) -> int:
        """How many rows a file holds, by reading it again."""
        raise NotImplementedError

    def sidecars(self, schema: Mapping[str, pl.DataType], *, json_columns: Collection[str] = ()) -> dict[str, bytes]:
        """Further files, by name: what the columns of the delivered files are."""
        return {}

    def described(
        self, schema: Mapping[str, pl.DataType], *, json_columns: Collection[str] = ()
    ) -> list[dict[str, str]]:
        """The columns of the delivered files: `name`, `type` (a Kind or 'messages'), and `from`, the row's column."""
        return []

    def settings_note(self) -> dict[str, Any]:
        """What the dataset card says of this target: `loader` ('json', 'csv', 'parquet'), `about`, a sentence."""
        return {}
