"""Runs as the server holds them: their ledgers as arrays, opened once and again where a run goes on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.engine.ids import hex_ids
from tamis.runs.clusterings import Clusterings
from tamis.runs.ledger import Found, Ledger
from tamis.runs.rows import RunRows, read_json
from tamis.runs.workspace import read_state

from .kept import Kept
from .problems import NotThere, Refused
from .shapes import Facet, Outcome

OUTCOMES: tuple[Outcome, ...] = ("kept", "dropped", "merged", "held", "quarantined")
#: runs held at a time; one costs about 30 bytes a row
HELD = 3
#: bytes of row numbers kept of each run's last questions
CHOSEN = 48 << 20


class Ends(NamedTuple):
    """How the rows of a run ended, in row order. step: number from 1 of the step at which each left, 0 where it was
    kept; outcome: index into OUTCOMES; reason: index into `Opened.reasons`, -1 where none was given."""

    step: NDArray[np.int16]
    outcome: NDArray[np.uint8]
    reason: NDArray[np.int16]

    def codes(self, name: str) -> NDArray[np.int64]:
        """One of the three by its name."""
        found: NDArray[np.int16] | NDArray[np.uint8] = getattr(self, name)
        return found.astype(np.int64)


class Opened:
    """One run, read from its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe = folder.parent.name
        self.ledger = Ledger(folder)
        self.steps = [step["name"] for step in self.ledger.steps]
        sizes = [int(part["rows"]) for part in self.ledger.partitions()]
        #: row number at which each partition begins, and the number of rows
        self.starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
        self.lock = threading.Lock()
        #: one walk over the text of many rows at a time: memory holds a partition's text for each
        self.scanning = threading.RLock()
        self.memory: dict[Any, Any] = {}
        self.chosen: Kept[NDArray[np.int64]] = Kept(CHOSEN, lambda rows: rows.nbytes)
        self.facets: Kept[Facet] = Kept(1 << 20, lambda _: 4096)

    @property
    def name(self) -> str:
        return f"{self.recipe}/{self.folder.name}"

    @property
    def height(self) -> int:
        """How many rows."""
        return int(self.starts[-1])

    @property
    def state(self) -> dict[str, Any]:
        return read_state(self.folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Empty where the run has not come to its end."""
        return read_json(self.folder / "manifest.json")

    @property
    def gate(self) -> dict[str, Any]:
        """What the run waits for; empty where it does not wait."""
        return read_json(self.folder / "gate.json") if self.state.get("status") == "waiting" else {}

    @cached_property
    def rows(self) -> RunRows:
        """The text of the rows. DataError where it is gone."""
        return RunRows(self.folder)

    @cached_property
    def hidden(self) -> int:
        """The number of the last step whose rows told personal data that a privacy step had still to take away; 0 where no
        step of the recipe does; past the last step where not all of them are done."""
        told = read_json(self.folder / "ledger" / "privacy.json")
        if not told.get("steps"):
            return 0
        done = set(told["steps"]) <= set(self.steps)
        return int(told.get("hidden", len(self.steps))) if done else len(self.steps) + 1

    @cached_property
    def reasons(self) -> list[tuple[int, str]]:
        """(step number, slug) of every reason that any step declares."""
        return [(n, slug) for n, step in enumerate(self.ledger.steps, 1) for slug in step["sentences"]]

    @cached_property
    def ends(self) -> Ends:
        """How every row ended. Reads three columns of each step's ledger."""
        with self.lock:
            known = self.__dict__.get("_ends")
            if known is None:
                known = self.__dict__["_ends"] = self._read_ends()
            return known

    def _read_ends(self) -> Ends:
        n = self.height
        ends = Ends(np.zeros(n, np.int16), np.zeros(n, np.uint8), np.full(n, -1, np.int16))
        codes = {name: code for code, name in enumerate(OUTCOMES)}
        slugs = {pair: index for index, pair in enumerate(self.reasons)}
        for number, step in enumerate(self.ledger.steps, 1):
            for index in range(len(self.starts) - 1):
                path = self.ledger.folder / step["folder"] / f"{index:05d}.parquet"
                if not path.exists():
                    continue
                lines = pl.read_parquet(path, columns=["row", "outcome", "reason"], use_statistics=False)
                lines = lines.filter(pl.col("outcome") != "kept")
                if not lines.height:
                    continue
                at = lines["row"].to_numpy().astype(np.int64) + self.starts[index]
                ends.step[at] = number
                ends.outcome[at] = lines["outcome"].replace_strict(codes, default=0, return_dtype=pl.UInt8).to_numpy()
                known = {slug: slugs[number, slug] for slug in step["sentences"]}
                told = lines["reason"].cast(pl.String)
                ends.reason[at] = told.replace_strict(known, default=-1, return_dtype=pl.Int16).to_numpy()
        return ends

    def clusterings(self) -> Clusterings:
        """The clusterings of the run, read anew: people's decisions change them."""
        return Clusterings(self.folder)

    def veiled(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some rows must be told without personal data: no privacy step has done its work on them."""
        if not self.hidden:
            return np.zeros(len(rows), np.bool_)
        if self.hidden > len(self.steps):
            return np.ones(len(rows), np.bool_)
        left = self.ends.step[rows]
        told: NDArray[np.bool_] = (left > 0) & (left <= self.hidden)
        return told

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The partition of each row."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The ids of some rows."""
        found = [""] * len(rows)
        parts = self.places(rows)
        for index in np.unique(parts).tolist():
            mine = np.flatnonzero(parts == index)
            path = self.ledger.folder / "rows" / f"{index:05d}.parquet"
            lines = pl.read_parquet(path, columns=["id.high", "id.low"], use_statistics=False)
            lines = lines[(rows[mine] - self.starts[index]).tolist()]
            told = hex_ids(lines["id.high"].to_numpy(), lines["id.low"].to_numpy()).to_list()
            for k, text in zip(mine.tolist(), told, strict=True):
                found[k] = text
        return found

    def find(self, row: str) -> Found:
        """A row by its whole id. 404 where there is none."""
        if len(row) != 32:
            raise NotThere(f"{row[:64]!r} is no id of a row")
        found = self.ledger.find(row)
        if not found:
            raise NotThere(f"no row {row} in {self.name}")
        return found[0]

    def number(self, found: Found) -> int:
        """A found row's number in row order."""
        return int(self.starts[found.partition]) + found.row

    def step_number(self, name: str) -> int:
        """A step's number from 1. 400 where there is none."""
        if name not in self.steps:
            raise Refused(400, f"no step {name!r} in this run", hint=f"possible: {', '.join(self.steps)}")
        return self.steps.index(name) + 1


class OpenRuns:
    """The runs opened last. A run that went on is opened anew."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, int], Opened] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, folder: Path) -> Opened:
        """A run by its folder. 404 where it has no ledger yet."""
        path = folder / "ledger" / "steps.json"
        try:
            key = (str(folder), path.stat().st_mtime_ns)
        except OSError:
            raise NotThere(
                f"{folder.parent.name}/{folder.name} has no ledger",
                hint="the run did not come to its end; run it again",
            ) from None
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        try:
            opened = Opened(folder)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{folder}: the ledger cannot be read: {error}", hint="run the recipe again") from error
        with self._lock:
            for old in [one for one in self._held if one[0] == key[0]]:
                del self._held[old]
            self._held[key] = opened
            while len(self._held) > HELD:
                self._held.popitem(last=False)
        return opened
