"""What a gate asks, on disk: `gates/<step>.json` and `gates/<step>.parquet` in a run's folder, for waiting and passed gates.

gates/<step>.json      step, question, asked, decided, seed, review (settings), guidelines, calibration
gates/<step>.parquet   id.high, id.low, partition, row: every row asked about, in row order; content: the hash of a row that
                       had decisions when the run looked; by: the value of `order_by`
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import UsageError, did_you_mean
from tamis.core.row import id_pair, id_text
from tamis.engine.allocate import seeded_order
from tamis.engine.reviewing import Known, Order, Reviewing
from tamis.engine.store import write_json, writing

_ID = re.compile("[0-9a-f]{32}")


class Place(NamedTuple):
    """Where a row stands: the partition, and the row in it."""

    partition: int
    row: int


class Gate:
    """A gate of a run, as it asked when the run came there."""

    def __init__(self, record: dict[str, Any], rows: pl.DataFrame) -> None:
        self.step = str(record["step"])
        self.question = str(record["question"])
        self.seed = int(record.get("seed", 0))
        self.guidelines: str | None = record.get("guidelines")
        self.setup = Reviewing.model_validate(record.get("review", {}))
        self.calibration = tuple(Known(**one) for one in record.get("calibration", ()))
        self.rows = rows

    @property
    def height(self) -> int:
        """How many rows are asked about."""
        return self.rows.height

    @cached_property
    def high(self) -> np.ndarray:
        return self.rows["id.high"].to_numpy()

    @cached_property
    def low(self) -> np.ndarray:
        return self.rows["id.low"].to_numpy()

    @cached_property
    def _sorted(self) -> np.ndarray:
        return np.argsort(self.high, kind="stable")

    def id(self, index: int) -> str:
        """The id of the row at a position."""
        return id_text(int(self.high[index]), int(self.low[index]))

    def ids(self, indices: np.ndarray) -> list[str]:
        """The ids of the rows at some positions."""
        pairs = zip(self.high[indices].tolist(), self.low[indices].tolist(), strict=True)
        return [id_text(high, low) for high, low in pairs]

    def index(self, row: str) -> int | None:
        """The position of a row by its id; None where the gate does not ask about it."""
        if _ID.fullmatch(row) is None:
            return None
        high, low = id_pair(row)
        at = int(np.searchsorted(self.high, np.uint64(high), sorter=self._sorted))
        while at < self.height and int(self.high[self._sorted[at]]) == high:
            index = int(self._sorted[at])
            if int(self.low[index]) == low:
                return index
            at += 1
        return None

    def place(self, index: int) -> Place:
        """Where the row at a position stands."""
        return Place(int(self.rows["partition"][index]), int(self.rows["row"][index]))

    def content(self, index: int) -> str | None:
        """The hash of the row's content, where the run had to look at it."""
        return self.rows["content"][index] if "content" in self.rows.columns else None

    def orders(self) -> tuple[Order, ...]:
        """The orders that this gate's rows can be asked about in."""
        ordered: tuple[Order, ...] = ("uncertainty", "disagreement") if self.setup.order != "cluster" else ("cluster",)
        return ("row", "random", *(ordered if "by" in self.rows.columns else ()))

    def order(self, order: Order | None = None) -> NDArray[np.int64]:
        """The positions of the rows in the order they are asked about, the gate's or another; ties in row order."""
        order = order or self.setup.order
        rows = np.arange(self.height, dtype=np.int64)
        chance = seeded_order(self.seed, self.high, self.low)
        if order == "random":
            return np.lexsort((rows, chance))
        if order not in self.orders() or order == "row":
            return rows
        by = self.rows["by"]
        if order == "cluster":
            return np.lexsort((rows, chance, by.rank("dense").fill_null(self.height + 1).to_numpy()))
        ranks = by.rank("dense", descending=order == "disagreement").fill_null(self.height + 1)
        return np.lexsort((rows, ranks.to_numpy()))


def _files(run: Path, step: str) -> tuple[Path, Path]:
    name = step.replace("/", "_")
    return run / "gates" / f"{name}.json", run / "gates" / f"{name}.parquet"


def write_gate_rows(run: Path, record: dict[str, Any], rows: pl.DataFrame) -> None:
    """Write what a gate asks; the rows first."""
    told, table = _files(run, record["step"])
    table.parent.mkdir(exist_ok=True)
    with writing(table) as temporary:
        rows.write_parquet(temporary, compression="lz4")
    calibration = [asdict(one) if isinstance(one, Known) else one for one in record.get("calibration", ())]
    write_json(told, {**record, "calibration": calibration})


def gate_names(run: Path) -> list[str]:
    """The gates a run came to, by name."""
    found = []
    for path in sorted((run / "gates").glob("*.json")) if (run / "gates").is_dir() else []:
        found.append(str(json.loads(path.read_text(encoding="utf-8"))["step"]))
    return found


def read_gate(run: Path, step: str) -> Gate:
    """A gate of a run. UsageError where the run has not come to such a gate."""
    told, table = _files(run, step)
    try:
        return Gate(json.loads(told.read_text(encoding="utf-8")), pl.read_parquet(table))
    except (OSError, ValueError) as error:
        names = gate_names(run)
        possible = did_you_mean(step, names) if names else "it came to no gate"
        raise UsageError(f"{run} has not come to a gate {step!r}; {possible}", hint="tamis run RECIPE") from error
