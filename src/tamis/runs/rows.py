"""The text of a run's rows, as they were at any step: bases and layers, read again from the workspace."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tamis.core.errors import CorruptFile, DataError
from tamis.engine.frame import Frame
from tamis.engine.layers import Layer, LayeredReader
from tamis.engine.stage import PartState
from tamis.engine.store import Stored, write_json


def write_flow(path: Path, states: Sequence[PartState], root: Path) -> None:
    """Remember where the rows of a run are: `flow.json`. Paths are kept relative to the workspace."""
    write_json(path, {"partitions": [_partition(state, root) for state in states]})


def _partition(state: PartState, root: Path) -> dict[str, Any]:
    return {
        "base": _stored(state.base, root),
        "rows": state.rows,
        "source": state.source,
        "columns": list(state.columns),
        "live": _pack(state.live),
        "layers": [
            {
                "step": layer.step,
                "columns": list(layer.columns),
                "stored": _stored(layer.stored, root),
                "start": layer.start,
                "stop": layer.stop,
                "applied": None if layer.applied is None else _pack(layer.applied),
            }
            for layer in state.layers
        ],
    }


def _stored(stored: Stored, root: Path) -> list[Any]:
    path = Path(stored.path)
    return [
        str(path.relative_to(root)) if path.is_relative_to(root) else str(path),
        stored.rows,
        stored.size,
        stored.xxh3,
    ]


def _pack(mask: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 1)).decode()


def _unpack(text: str, rows: int) -> np.ndarray:
    return np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8), count=rows).astype(np.bool_)


def read_json(path: Path) -> dict[str, Any]:
    """A file of one JSON object; empty where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_privacy(run: Path) -> dict[str, dict[str, Any]]:
    """The steps of a run that take personal data away, by name, with what they look for; empty where there are none."""
    return dict(read_json(run / "ledger" / "privacy.json").get("steps", {}))


class RunRows:
    """Reads rows of a run, where the workspace still has their text."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.root = run.parent.parent.parent
        self.privacy = read_privacy(run)
        try:
            self._partitions = json.loads((run / "flow.json").read_text(encoding="utf-8"))["partitions"]
        except (OSError, ValueError) as error:
            raise DataError(f"{run} holds no rows", hint="the run did not come to its end; run it again") from error

    @property
    def count(self) -> int:
        """How many partitions."""
        return len(self._partitions)

    def live(self, partition: int) -> np.ndarray:
        """(rows,) bool: which rows were kept to the end."""
        record = self._partitions[partition]
        return _unpack(record["live"], record["rows"])

    def setters(self, partition: int) -> set[str]:
        """The steps that set columns of a partition."""
        return {layer["step"] for layer in self._partitions[partition]["layers"] if layer["step"]}

    def frame(self, partition: int, *, steps: Sequence[str] | None = None) -> Frame:
        """A partition's rows, after all steps, or after only the steps named. DataError where the text is gone."""
        record = self._partitions[partition]
        layers = [
            Layer(
                tuple(layer["columns"]),
                self._stored(layer["stored"]),
                layer["start"],
                layer["stop"],
                None if layer["applied"] is None else _unpack(layer["applied"], record["rows"]),
                layer["step"],
            )
            for layer in record["layers"]
            if steps is None or not layer["step"] or layer["step"] in steps
        ]
        reader = LayeredReader(self._stored(record["base"]), record["columns"], record["rows"], layers)

        def load(name: str) -> pl.Series:
            try:
                return reader.read(name)
            except (CorruptFile, OSError) as error:
                purged = read_json(self.root / ".tamis" / "purged.json").get("at")
                if purged:
                    hint = "run the recipe again to read the sources anew"
                    raise DataError(f"the text of this run was purged on {purged}", hint=hint) from error
                hint = "the workspace's cache was deleted or purged; run the recipe again"
                raise DataError(f"the text of this run is gone: {error}", hint=hint) from error

        return Frame(record["rows"], reader.names, load)

    def records(
        self, partition: int, rows: Sequence[int], *, steps: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """Some rows as dicts, every column."""
        frame = self.frame(partition, steps=steps).take(np.asarray(rows, np.int64))
        return pl.DataFrame([frame[name].alias(name) for name in frame.names]).to_dicts()

    def veils(self, steps: Sequence[str] | None) -> bool:
        """Whether a privacy step has still to take something away from rows as they are after these steps."""
        return steps is not None and not set(self.privacy) <= set(steps)

    def told(self, partition: int, rows: Sequence[int], *, steps: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Some rows as people may be told of them: what a privacy step has still to take away is taken away."""
        frame = self.frame(partition, steps=steps).take(np.asarray(rows, np.int64))
        if not self.veils(steps):
            return pl.DataFrame([frame[name].alias(name) for name in frame.names]).to_dicts()
        from tamis.engine.veil import Veil

        return Veil(list(self.privacy.values())).rows(frame).to_dicts()

    def _stored(self, record: list[Any]) -> Stored:
        path = Path(record[0])
        return Stored(str(path if path.is_absolute() else self.root / path), *record[1:])
