"""Rows of a frame as call steps ask about them: one at a time, as Python values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tamis.core.row import RESERVED

from .frame import Frame
from .ids import hex_ids


class FrameRow:
    """One row of a frame, as `core.calls.AskedRow` promises."""

    def __init__(self, rows: FrameRows, index: int) -> None:
        self._rows, self._index = rows, index

    @property
    def id(self) -> str:
        return str(self._rows.ids[self._index])

    @property
    def seed(self) -> int:
        return int(self.id[16:], 16) ^ (self._rows.frame.seed & 0xFFFFFFFFFFFFFFFF)

    @property
    def pool(self) -> Mapping[str, pl.Series]:
        return self._rows.pool

    def __getitem__(self, name: str) -> Any:
        return self._rows.column(name)[self._index]

    def text(self, view: str) -> str | None:
        value = self._rows.view(view)[self._index]
        return None if value is None else str(value)

    def messages(self) -> list[dict[str, Any]]:
        if "messages" not in self._rows.frame.names:
            return []
        return [{k: v for k, v in m.items() if v is not None} for m in self._rows.column("messages")[self._index] or []]


class FrameRows:
    """The rows of a frame; columns become Python values once, when first asked for."""

    def __init__(self, frame: Frame, pool: Mapping[str, pl.Series] | None = None) -> None:
        self.frame, self.pool = frame, pool or {}
        self._values: dict[str, Sequence[Any]] = {}
        if "id.high" in frame.names:
            self.ids = hex_ids(frame["id.high"].to_numpy(), frame["id.low"].to_numpy()).to_list()
        else:
            self.ids = [f"{index:032x}" for index in range(frame.height)]

    def column(self, name: str) -> Sequence[Any]:
        """A column's values."""
        full = name if name in RESERVED else self.frame.find(name)
        if full not in self._values:
            self._values[full] = self.frame[full].to_list()
        return self._values[full]

    def view(self, view: str) -> Sequence[Any]:
        """A view's texts."""
        key = f"view:{view}"
        if key not in self._values:
            self._values[key] = self.frame.text(view).to_list()
        return self._values[key]

    def __getitem__(self, index: int) -> FrameRow:
        return FrameRow(self, index)
