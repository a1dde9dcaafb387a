"""What a step sees of a partition (`Columns`) and of a whole run (`Table`).

Both are protocols; the engine implements them. Series have one value per row, in row order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray


class Text(NamedTuple):
    """Strings as their own bytes, for kernels.

    data: (n_bytes,) uint8, UTF-8; offsets: (n + 1,) int64; valid: (n,) bool, False where null
    (a null has zero length).
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    valid: NDArray[np.bool_]


class Chat(NamedTuple):
    """Messages, flat. Message j of row i stands at `starts[i] + j`; row i has starts[i+1]-starts[i].

    starts: (n + 1,) int64. `messages` has the columns of `row.MESSAGE`, one line per message.
    """

    starts: NDArray[np.int64]
    messages: pl.DataFrame


class Columns(Protocol):
    """Some rows of one partition."""

    @property
    def height(self) -> int:
        """How many rows."""

    @property
    def names(self) -> Sequence[str]:
        """Every column there is."""

    @property
    def seed(self) -> int:
        """The step's seed: derived from the recipe's and the step's place."""

    def __getitem__(self, name: str) -> pl.Series:
        """A column by its full name (`messages`, `source.category`, `id`); UsageError where missing."""

    def find(self, name: str) -> str:
        """The full name of a column given with or without its prefix; UsageError where missing."""

    def text(self, view: str) -> pl.Series:
        """A view as strings; null where the row has no such text."""

    def buffers(self, view: str) -> Text:
        """The same view as bytes for kernels; cached while the partition is in memory."""

    def chat(self, column: str = "messages") -> Chat:
        """The messages, flat."""


class Table(Protocol):
    """What a table step gathered, over all rows it sees, in global row order."""

    @property
    def height(self) -> int:
        """How many rows."""

    @property
    def seed(self) -> int:
        """The step's seed."""

    def __getitem__(self, name: str) -> pl.Series:
        """A gathered column."""

    def ids(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The halves of the row ids, (n,) each."""

    def sources(self) -> pl.Series:
        """(n,) String: the name of the source each row came from."""

    @property
    def starts(self) -> NDArray[np.int64]:
        """(partitions + 1,) int64: where each partition's rows begin."""

    def part(self, index: int, names: Sequence[str]) -> pl.DataFrame:
        """Gathered columns of one partition: for steps that must not hold them all. `fetch` reads least of one."""

    def vectors(self, name: str) -> NDArray[Any]:
        """(n, d) float16 or float32: the recorded vectors whose keys, or the vectors which, were gathered as `name`.

        Rows without one are zero.
        """

    def recorded(self, kind: str) -> Path | None:
        """The folder for what a step bought or fitted, of this kind; None where nothing is kept, as in a trial."""

    def derived(self, key: str, make: Callable[[], dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
        """What `make` returns: made once for what was gathered and `key`, then kept in the cache."""

    def fetch(self, rows: NDArray[np.int64], columns: Sequence[str]) -> pl.DataFrame:
        """Columns or views (`view:response`) of a few rows, in the order asked. Bounded: ask in batches."""


class Schema(Protocol):
    """The columns known before a step runs, for checks at load."""

    columns: dict[str, Any]
