"""Rows delivered earlier, read from their files: what new rows are compared with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns
from tamis.core.errors import DataError, UsageError

from .frame import Frame

#: rows read at a time
BATCH = 20_000
_LINES, _TABLES = (".jsonl", ".ndjson"), (".parquet",)

Gather = Callable[[Columns], dict[str, pl.Series]]


def delivered_files(places: Sequence[Path]) -> list[Path]:
    """The files of rows: those named, and of folders the JSON Lines and Parquet files in them, by name."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = sorted(path for path in place.iterdir() if path.suffix.lower() in (*_LINES, *_TABLES))
            if not inside:
                raise UsageError(
                    f"{place} holds no rows", hint="`against` names JSONL or Parquet files, or their folder"
                )
            found += inside
        elif place.suffix.lower() in (*_LINES, *_TABLES):
            found.append(place)
        else:
            raise UsageError(
                f"{place} is no file of rows that `against` can read", hint="JSONL or Parquet, or a folder"
            )
    return found


class Earlier:
    """A table of rows that were delivered earlier, in the order of their files. Texts are read again when asked for."""

    def __init__(self, files: Sequence[Path], gather: Gather) -> None:
        self._batches: list[tuple[int, int, int]] = []  # file, first record, records
        self._columns: list[pl.DataFrame] = []
        self._files = list(files)
        self._ids: list[pl.Series] = []
        for number, path in enumerate(self._files):
            at = 0
            for frame in _frames(path):
                self._batches.append((number, at, frame.height))
                self._columns.append(pl.DataFrame([s.alias(name) for name, s in gather(frame).items()]))
                ids = frame["source.id"].cast(pl.String) if "source.id" in frame.names else None
                self._ids.append(pl.Series([None] * frame.height, dtype=pl.String) if ids is None else ids)
                at += frame.height
        self.starts: NDArray[np.int64] = np.cumsum([0, *(count for _, _, count in self._batches)]).astype(np.int64)

    @property
    def height(self) -> int:
        return int(self.starts[-1])

    seed = 0

    def __getitem__(self, name: str) -> pl.Series:
        return pl.concat([frame[name] for frame in self._columns])

    def ids(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Rows of files have no id of this workspace."""
        raise NotImplementedError

    def part(self, index: int, names: Sequence[str]) -> pl.DataFrame:
        return self._columns[index].select(names)

    def vectors(self, name: str) -> NDArray[Any]:
        """Rows of files have no recorded vectors."""
        raise NotImplementedError

    def sources(self) -> pl.Series:
        return pl.Series("source", [None], dtype=pl.String).new_from_index(0, self.height)

    def recorded(self, kind: str) -> Path | None:
        return None

    def derived(self, key: str, make: Callable[[], dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
        return make()

    def fetch(self, rows: NDArray[np.int64], columns: Sequence[str]) -> pl.DataFrame:
        rows = np.asarray(rows, np.int64)
        which = np.searchsorted(self.starts, rows, side="right") - 1
        frames, order = [], []
        for index in np.unique(which):
            mine = np.flatnonzero(which == index)
            number, first, _ = self._batches[int(index)]
            frame = next(_frames(self._files[number], first)).take(rows[mine] - self.starts[index])
            frames.append(pl.DataFrame([frame.text(name.removeprefix("view:")).alias(name) for name in columns]))
            order.append(mine)
        back = np.argsort(np.concatenate(order), kind="stable")
        return pl.concat(frames)[pl.Series(back, dtype=pl.UInt32)]

    def places(self, rows: Sequence[int]) -> list[str]:
        """Where rows stand: file, line (or record) from 1, and the id where they have one."""
        told = []
        for row in rows:
            index = int(np.searchsorted(self.starts, row, side="right")) - 1
            number, first, _ = self._batches[index]
            inside = row - int(self.starts[index])
            name = self._ids[index][inside]
            told.append(f"{self._files[number].name}:{first + inside + 1}" + (f" ({name})" if name is not None else ""))
        return told


def _frames(path: Path, first: int = 0) -> Iterator[Frame]:
    """The rows of a file from record `first` on, in batches, with messages where their shape is known."""
    try:
        for records in _records(path, first):
            yield _frame(path, records)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} cannot be read as rows: {error}") from error


def _records(path: Path, first: int) -> Iterator[list[dict[str, Any]]]:
    """Records of a file; an empty line is an empty record, so that line numbers hold."""
    if path.suffix.lower() in _TABLES:
        height = pl.scan_parquet(path).select(pl.len()).collect().item()
        for at in range(first, height, BATCH):
            yield pl.scan_parquet(path).slice(at, BATCH).collect().to_dicts()
        return
    with open(path, "rb") as file:
        batch: list[dict[str, Any]] = []
        for number, line in enumerate(file):
            if number < first:
                continue
            record = json.loads(line) if line.strip() else {}
            if not isinstance(record, dict):
                raise ValueError(f"line {number + 1} is no object")
            batch.append(record)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def _frame(path: Path, records: list[dict[str, Any]]) -> Frame:
    """Records as the engine holds rows: the columns as `source.…`, and messages made of them."""
    from .shapes import choose, verdict

    names = dict.fromkeys(name for record in records for name in record)
    columns = [
        pl.Series(f"source.{name}", [_text(record.get(name)) for record in records], dtype=pl.String) for name in names
    ]
    frame = pl.DataFrame(columns) if columns else pl.DataFrame({"source.": [None] * len(records)})
    try:
        chosen = choose(Frame.of(frame), "auto", {})
    except UsageError:
        return Frame.of(frame)
    assert chosen is not None
    made = verdict(chosen[0], Frame.of(frame), chosen[1])
    return Frame.of(frame.with_columns([column.alias(name) for name, column in made.changes.items()]))


def _text(value: Any) -> str | None:
    """A value as text; nested ones as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
