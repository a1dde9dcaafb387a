"""The text of a few rows of a run, before and after each step, from a few partitions at most."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import CorruptFile, DataError
from tamis.core.row import LINEAGE
from tamis.engine.frame import Frame
from tamis.engine.layers import overlay
from tamis.engine.store import Stored, read_frame
from tamis.runs.rows import RunRows, read_json

if TYPE_CHECKING:
    from tamis.engine.veil import Veil

#: partitions whose text is read, where there are more than SMALL bytes of them
TEXT_PARTITIONS = 4
SMALL = 48 << 20
#: a table step's file is kept in memory between partitions if it is no larger
KEPT_FILE = 32 << 20


class Walk:
    """Some rows of one partition, at every point of their way.

    `rows` are partition rows, ascending. `states[k]` is what they were after step k (from 1), `states[0]` as they were
    read; steps that changed nothing have no entry. `broken` is the first step whose changes cannot be read any more.
    """

    def __init__(self, rows: NDArray[np.int64], first: pl.DataFrame) -> None:
        self.rows = rows
        self.states: dict[int, pl.DataFrame] = {0: first}
        self.broken: int | None = None

    def before(self, step: int) -> pl.DataFrame | None:
        """The rows as step number `step` met them; None where that is lost."""
        if self.broken is not None and self.broken < step:
            return None
        return self.states[max(k for k in self.states if k < step)]

    def after(self, step: int) -> pl.DataFrame | None:
        """The rows as they were after step number `step`."""
        return self.before(step + 1)

    def record(self, frame: pl.DataFrame | None, row: int) -> dict[str, Any] | None:
        """One of the rows as a dict."""
        position = int(np.searchsorted(self.rows, row))
        if frame is None or position >= len(self.rows) or self.rows[position] != row:
            return None
        return frame.row(position, named=True)


class Texts(RunRows):
    """Reads rows of a run so that no more than one partition's column is in memory."""

    def __init__(self, run: Path, steps: Sequence[str]) -> None:
        super().__init__(run)
        self.order = {name: number for number, name in enumerate(steps, 1)}
        self.problem: str | None = None
        self.veil: Veil | None = None
        #: the steps up to which texts are told without what privacy steps look for
        self.hidden = len(steps)
        if self.privacy:
            from tamis.engine.veil import Veil

            self.veil = Veil(list(self.privacy.values()))
            self.hidden = int(read_json(run / "ledger" / "privacy.json").get("hidden", len(steps)))
        self._kept: dict[tuple[str, str], pl.DataFrame] = {}

    def rows(self, partition: int) -> int:
        """How many rows a partition has."""
        return int(self._partitions[partition]["rows"])

    def chosen(self) -> list[int]:
        """The partitions whose text is read: all of a small run, else a few, evenly spaced."""
        sizes = [record["base"][2] for record in self._partitions]
        if sum(sizes) <= SMALL and len(sizes) <= 4 * TEXT_PARTITIONS:
            return list(range(len(sizes)))
        return spaced(len(sizes), TEXT_PARTITIONS)

    def changed_rows(self, partition: int, step: str) -> NDArray[np.int64]:
        """The rows that a step changed, as its layers have them."""
        found = [np.empty(0, np.int64)]
        for layer in self._partitions[partition]["layers"]:
            if layer["step"] == step:
                lines = self._lines(layer, [], partition)
                if lines is not None:
                    found.append(lines["row"].to_numpy().astype(np.int64))
        return np.unique(np.concatenate(found))

    def layers_of(self, partition: int, step: str) -> list[str]:
        """The columns a step set."""
        layers = self._partitions[partition]["layers"]
        return [name for layer in layers if layer["step"] == step for name in layer["columns"]]

    def names(self, partition: int) -> list[str]:
        """Every column of the partition but the lineage, in their order."""
        record = self._partitions[partition]
        found = [*record["columns"], *(name for layer in record["layers"] for name in layer["columns"])]
        return [name for name in dict.fromkeys(found) if _is_data(name)]

    def walk(self, partition: int, rows: NDArray[np.int64]) -> Walk | None:
        """Rows at every point of their way; None where even what was read is gone."""
        record = self._partitions[partition]
        base = self._stored(record["base"])
        index = pl.Series(rows, dtype=pl.UInt32)
        names = [name for name in record["columns"] if _is_data(name)]
        columns = []
        try:
            for name in names:
                columns.append(read_frame(base, [name]).to_series().gather(index))
        except (CorruptFile, DataError, OSError, pl.exceptions.PolarsError) as error:
            self.problem = self.problem or _told(error)
            return None
        walk = Walk(rows, pl.DataFrame(columns))
        for layer in record["layers"]:
            number = self.order.get(layer["step"], 0)
            set_columns = [name for name in layer["columns"] if _is_data(name)]
            if not set_columns:
                continue
            lines = self._lines(layer, set_columns, partition)
            if lines is None:
                walk.broken = number if walk.broken is None else min(walk.broken, number)
                break
            present = walk.states[max(walk.states)]
            walk.states[max(number, max(walk.states))] = _laid(present, lines, rows)
        if self.veil is not None:
            whole = self.hidden == len(self.order) and not set(self.privacy) <= set(self.order)
            walk.states = {
                k: self.veil.rows(Frame.of(frame)) if k < self.hidden or whole else frame
                for k, frame in walk.states.items()
            }
        return walk

    def column(self, partition: int, name: str, *, upto: int | None = None) -> pl.Series | None:
        """A whole narrow column of a partition, after all steps or after step number `upto`; None where there is none."""
        record = self._partitions[partition]
        column: pl.Series | None = None
        try:
            if name in record["columns"]:
                column = read_frame(self._stored(record["base"]), [name]).to_series()
        except (CorruptFile, DataError, OSError) as error:
            self.problem = self.problem or _told(error)
            return None
        for layer in record["layers"]:
            if name not in layer["columns"] or (upto is not None and self.order.get(layer["step"], 0) > upto):
                continue
            lines = self._lines(layer, [name], partition)
            if lines is None:
                return None
            column = overlay(column, lines["row"].to_numpy(), lines[name], record["rows"])
        return column

    def _lines(self, layer: dict[str, Any], columns: Sequence[str], partition: int) -> pl.DataFrame | None:
        """What a layer says of a partition: `row` and columns. None where its file is gone."""
        stored = self._stored(layer["stored"])
        shared = layer["start"] or layer["stop"] is not None
        try:
            frame = self._read(stored, ["row", *columns], keep=bool(shared) and stored.size <= KEPT_FILE)
        except (CorruptFile, DataError, OSError, pl.exceptions.PolarsError) as error:
            self.problem = self.problem or _told(error)
            return None
        if shared:
            frame = frame.slice(layer["start"], None if layer["stop"] is None else layer["stop"] - layer["start"])
        if layer["applied"] is not None:
            packed = np.frombuffer(zlib.decompress(base64.b64decode(layer["applied"])), np.uint8)
            applied = np.unpackbits(packed, count=self.rows(partition)).astype(np.bool_)
            frame = frame.filter(pl.Series(applied[frame["row"].to_numpy()]))
        return frame

    def _read(self, stored: Stored, columns: list[str], *, keep: bool) -> pl.DataFrame:
        if not keep:
            return read_frame(stored, columns)
        key = (stored.path, "\0".join(columns))
        if key not in self._kept:
            if len(self._kept) > 3:
                self._kept.clear()
            self._kept[key] = read_frame(stored, columns)
        return self._kept[key]


def _laid(present: pl.DataFrame, lines: pl.DataFrame, rows: NDArray[np.int64]) -> pl.DataFrame:
    """The few rows with a layer's values on top."""
    where = lines["row"].to_numpy().astype(np.int64)
    place = np.searchsorted(rows, where)
    place[place == len(rows)] = 0
    hit = np.flatnonzero(rows[place] == where) if len(rows) else np.empty(0, np.int64)
    few = lines[pl.Series(hit, dtype=pl.UInt32)]
    columns = {column.name: column for column in present.get_columns()}
    for name in lines.columns:
        if name == "row":
            continue
        old = columns.get(name)
        index = np.arange(len(rows))
        index[place[hit]] = len(rows) + np.arange(len(hit))
        if old is None:
            old = pl.Series(name, [None], dtype=lines[name].dtype).new_from_index(0, len(rows))
        joined = pl.concat([old, few[name].cast(old.dtype)])
        columns[name] = joined.gather(pl.Series(index, dtype=pl.UInt32)).alias(name)
    return pl.DataFrame(list(columns.values()))


def _is_data(name: str) -> bool:
    """Whether a column says something, rather than where its row comes from."""
    return name not in LINEAGE and name != "born.from"


def spaced(count: int, most: int) -> list[int]:
    """At most `most` of 0 … count-1, evenly spaced, first and last among them.

    >>> spaced(10, 4)
    [0, 3, 6, 9]
    >>> spaced(2, 4)
    [0, 1]
    """
    if count <= most:
        return list(range(count))
    if most == 1:
        return [0]
    return sorted({k * (count - 1) // (most - 1) for k in range(most)})


def _told(error: Exception) -> str:
    """What is missing, without the machine's paths."""
    reason = str(error).rsplit(": ", 1)[-1].split("\n")[0]
    return f"a file of this run's text cannot be read: {reason}"
