"""The contracts of sources and sinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, PlainSerializer, SerializeAsAny

from .step import Part, Step, written

Kind = Literal["text", "integer", "number", "boolean", "json"]

#: The Polars type each kind is stored as; `json` is JSON text.
KIND_TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "json": pl.String(),
}


@dataclass(frozen=True)
class Slice:
    """A stable piece of one file: what becomes one partition.

    Cut at boundaries that do not move when rows are appended or files are added. `start` and `stop`
    are bytes of the (decompressed) stream or row numbers, as the format has it. `content` is the
    xxh3-128 of what is in it; two slices with the same content and reader yield the same rows.
    """

    file: str
    start: int
    stop: int
    first_line: int
    content: str
    size: int


class BadLine(NamedTuple):
    """A line that cannot be read. `line` counts from 1; `cause` is a slug; `raw` the bytes, cut at 1 MB."""

    file: str
    line: int
    cause: str
    message: str
    raw: bytes


@dataclass
class Batch:
    """The rows of one slice.

    columns: by name, without prefix, all of one length, typed as their `kinds` say (KIND_TYPES);
    lines: (n,) uint64 line or row number in the file, from 1; bad: what could not be read.
    odd: per column of mixed kinds, (row position, kind, text) of the values that are not of the
    column's kind; the column holds null there.
    """

    columns: dict[str, pl.Series]
    kinds: dict[str, Kind]
    lines: NDArray[np.uint64]
    bad: list[BadLine] = field(default_factory=list)
    odd: dict[str, list[tuple[int, Kind, str]]] = field(default_factory=dict)


class Source(Part):
    """Where rows come from."""

    name: str | None = Field(None, description="The source's name; by default its file's or table's.")
    id: tuple[str, ...] = Field((), description="Columns that identify a row; without them its content does.")

    map: tuple[Annotated[SerializeAsAny[Step], PlainSerializer(written, return_type=dict)], ...] = Field(
        (), description="Steps that only this source's rows pass, first of all: how they become messages."
    )

    @property
    def label(self) -> str:
        """The source's name in this recipe."""
        return self.name or self.address()

    def slices(self, root: Path) -> Iterator[Slice]:
        """Every slice, in source order. Reads (and hashes) every byte once. Raises DataError."""
        raise NotImplementedError

    def read(self, part: Slice, root: Path) -> Batch:
        """The rows of a slice. Depends on the slice's content alone."""
        raise NotImplementedError


class Delivered(NamedTuple):
    """One file delivered: path relative to the target's folder, the split it holds, rows, bytes, sha256."""

    path: str
    split: str | None
    rows: int
    size: int
    sha256: str


class Sink(Part):
    """Where rows go. A sink writes files into a folder; the runner makes the folder appear at once."""

    #: the file name's ending, for sinks that write one file a split
    suffix: ClassVar[str] = ""

    path: str = Field(description="Folder to deliver to; replaced as a whole.")

    def encode(self, rows: pl.DataFrame) -> bytes:
        """A chunk of rows as bytes of the target file. Raises DataError naming the row that cannot be written."""
        raise NotImplementedError

    def check(self, rows: pl.DataFrame) -> list[tuple[int, str]]:
        """Rows that the target would refuse or ignore: (position, what is wrong)."""
        return []

    def columns(self, names: Sequence[str]) -> list[str]:
        """Which of the row's columns the sink needs."""
        raise NotImplementedError

    def settings_note(self) -> dict[str, Any]:
        """What the dataset card says of this target."""
        return {}
