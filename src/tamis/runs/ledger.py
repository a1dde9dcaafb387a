"""The ledger on disk, and its reader.

ledger/partitions.json                   the partitions in row order: source, rows; the files
ledger/rows/<partition>.parquet          id.high, id.low, at.file, at.line
ledger/steps.json                        the steps in order: name, folder, sentences (slug → sentence), account
ledger/<nn>-<step>/<partition>.parquet   row, outcome, reason, into, evidence.*
ledger/delivered/<file>.parquet          partition, row: line k of the delivered file
ledger/quarantine.jsonl                  lines that could not be read
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tamis.core.errors import DataError, UsageError, did_you_mean
from tamis.core.row import id_text
from tamis.engine.ids import hex_ids
from tamis.engine.remote import bring


def link(source: str | Path, target: Path) -> None:
    """A hard link, or a copy where links cannot be made."""
    bring(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


class Found(NamedTuple):
    """A row of the ledger: its id, partition, row in it, source, file and line."""

    id: str
    partition: int
    row: int
    source: str
    file: str
    line: int


class Ledger:
    """Reads a run's ledger folder."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.folder = run / "ledger"
        if not (self.folder / "steps.json").exists():
            raise DataError(f"{run} has no ledger", hint="the run did not come to its end; run it again")

    @cached_property
    def layout(self) -> dict[str, Any]:
        """partitions and files."""
        return dict(json.loads((self.folder / "partitions.json").read_text(encoding="utf-8")))

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The steps in order: name, folder, sentences (slug → sentence), and the account with its reasons (slug → rows)."""
        return list(json.loads((self.folder / "steps.json").read_text(encoding="utf-8")))

    def step(self, name: str) -> dict[str, Any]:
        """A step by its name, or by its number from 1. UsageError where there is none."""
        for number, step in enumerate(self.steps, 1):
            if name in (step["name"], str(number)):
                return step
        raise UsageError(f"no step {name!r} in this run; {did_you_mean(name, [s['name'] for s in self.steps])}")

    def partitions(self) -> list[dict[str, Any]]:
        return list(self.layout["partitions"])

    def file_name(self, index: int) -> str:
        """The file a row came from."""
        files = self.layout["files"]
        return str(files[index]["path"]) if index < len(files) else "?"

    def rows(self, partition: int) -> pl.DataFrame:
        """id.high, id.low, at.file, at.line of a partition."""
        return pl.read_parquet(self.folder / "rows" / f"{partition:05d}.parquet")

    def part(self, step: dict[str, Any], partition: int) -> pl.DataFrame | None:
        """What a step said of a partition; None where it said nothing."""
        path = self.folder / step["folder"] / f"{partition:05d}.parquet"
        return pl.read_parquet(path) if path.exists() else None

    def columns(self, step: dict[str, Any], partition: int) -> list[str]:
        """What a step says of a partition's rows, without reading it; nothing where it said nothing."""
        path = self.folder / step["folder"] / f"{partition:05d}.parquet"
        return list(pl.read_parquet_schema(path)) if path.exists() else []

    def find(self, prefix: str, limit: int | None = None) -> list[Found]:
        """The rows whose id begins with `prefix` (hexadecimal), in row order, at most `limit` of them."""
        prefix = prefix.lower()
        if not prefix or any(c not in "0123456789abcdef" for c in prefix) or len(prefix) > 32:
            return []
        high, low, places = self._index
        first, last = (np.uint64(int(prefix[:16].ljust(16, digit), 16)) for digit in "0f")
        found = []
        for at in range(int(np.searchsorted(high, first, "left")), int(np.searchsorted(high, last, "right"))):
            text = id_text(int(high[at]), int(low[at]))
            if text.startswith(prefix):
                partition, row = divmod(int(places[at]), 1 << 32)
                found.append((partition, row))
        return [self.at(partition, row) for partition, row in sorted(found)[:limit]]

    @cached_property
    def _index(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every id by its halves, in the order of the first, and its place: partition << 32 | row."""
        highs, lows, places = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for index in range(len(self.partitions())):
            frame = self.rows(index)
            highs.append(frame["id.high"].to_numpy())
            lows.append(frame["id.low"].to_numpy())
            places.append((np.int64(index) << 32) + np.arange(frame.height, dtype=np.int64))
        high = np.concatenate(highs)
        order = np.argsort(high, kind="stable")
        return high[order], np.concatenate(lows)[order], np.concatenate(places)[order]

    def at(self, partition: int, row: int) -> Found:
        """A row by its place."""
        hit = self.rows(partition).with_row_index("row").row(row, named=True)
        return self._found(partition, self.partitions()[partition], hit, id_text(hit["id.high"], hit["id.low"]))

    def _found(self, index: int, partition: dict[str, Any], hit: dict[str, Any], text: str) -> Found:
        return Found(text, index, hit["row"], partition["source"], self.file_name(hit["at.file"]), hit["at.line"])

    def life(self, found: Found) -> list[dict[str, Any]]:
        """What each step said of a row, in order, up to where it left: step, outcome, reason, sentence, into, evidence."""
        told = []
        for step in self.steps:
            frame = self.part(step, found.partition)
            line = {} if frame is None else next(frame.filter(pl.col("row") == found.row).iter_rows(named=True), {})
            reason = line.get("reason") or None
            told.append(
                {
                    "step": step["name"],
                    "outcome": line.get("outcome", "kept"),
                    "reason": reason,
                    "sentence": step["sentences"].get(reason) if reason else None,
                    "into": line.get("into"),
                    "evidence": {
                        k.removeprefix("evidence."): v
                        for k, v in line.items()
                        if k.startswith("evidence.") and v is not None
                    },
                }
            )
            if told[-1]["outcome"] != "kept":
                break
        return told

    def left(self, name: str, reason: str | None = None) -> Iterator[tuple[int, pl.DataFrame]]:
        """Per partition, the lines of the rows that left at a step (for one reason), with their ids as `id`."""
        step = self.step(name)
        if reason is not None and reason not in step["sentences"]:
            raise UsageError(f"step {name!r} has no reason {reason!r}; {did_you_mean(reason, step['reasons'])}")
        for index in range(len(self.partitions())):
            frame = self.part(step, index)
            if frame is None:
                continue
            lines = frame.filter(pl.col("outcome") != "kept")
            if reason is not None:
                lines = lines.filter(pl.col("reason") == reason)
            if lines.height:
                rows = self.rows(index)[lines["row"]]
                ids = hex_ids(rows["id.high"].to_numpy(), rows["id.low"].to_numpy())
                yield index, lines.with_columns(ids.alias("id"), rows["at.file"], rows["at.line"])

    def delivered(self) -> dict[str, pl.DataFrame]:
        """Per delivered file, the (partition, row) of each of its rows in order."""
        folder = self.folder / "delivered"
        return (
            {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))} if folder.is_dir() else {}
        )

    def unreadable(self) -> int:
        """How many lines could not be read; `quarantined` names the first of them."""
        return max(sum(int(file.get("bad", 0)) for file in self.layout["files"]), len(self.quarantined()))

    def quarantined(self) -> list[dict[str, Any]]:
        """The lines that could not be read, the first few thousand."""
        path = self.folder / "quarantine.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]

    def final(self) -> list[np.ndarray]:
        """Per partition, the index (from 1) of the step at which each row left, 0 where it was kept to the end."""
        ends = [np.zeros(p["rows"], np.int32) for p in self.partitions()]
        for number, step in reversed(list(enumerate(self.steps, 1))):
            for index, end in enumerate(ends):
                frame = self.part(step, index)
                if frame is not None:
                    end[frame.filter(pl.col("outcome") != "kept")["row"].to_numpy()] = number
        return ends
