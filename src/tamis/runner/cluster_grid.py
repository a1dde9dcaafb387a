"""A grid of clusterings over the vectors of a run, fitted without editing its recipe."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.core.fingerprint import derive_seed
from tamis.core.registry import resolve
from tamis.engine.cluster_edits import root_of
from tamis.engine.clusterings import ids_text
from tamis.runs.clusterings import Clusterings
from tamis.runs.rows import read_json

from .cluster_measures import Embedded, embedded

#: the seed of a recipe that states none
SEED = 42
#: fits that one grid may ask for
MOST = 64


class _Rows:
    """The rows of a run as a clustering step sees its table."""

    def __init__(self, desk: Clusterings, rows: Embedded, seed: int) -> None:
        self._desk, self._rows, self.seed, self.height = desk, rows, seed, len(rows.high)

    def recorded(self, kind: str) -> Path | None:
        return self._desk.workspace.recorded / kind

    def fetch(self, rows: NDArray[np.int64], columns: Sequence[str]) -> pl.DataFrame:
        ids = ids_text(self._rows.high, self._rows.low, rows)
        found: dict[str, list[str]] = {}
        for name in columns:
            texts = self._desk.read_texts(name.removeprefix("view:"), ids)
            found[name] = [texts.get(row, "") for row in ids]
        return pl.DataFrame(found, schema=dict.fromkeys(columns, pl.String()))


def read_grid(path: Path) -> list[dict[str, Any]]:
    """The candidates of a file: a list of steps as a recipe has them, in which a field may hold a list of values to try.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "grid.yaml").write_text("- {use: cluster.kmeans, k: [8, 20]}")
    ...     [step["k"] for step in read_grid(Path(folder) / "grid.yaml")]
    [8, 20]
    """
    import yaml

    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not isinstance(told, list) or not all(isinstance(one, dict) and "use" in one for one in told):
        raise UsageError(f"{path} is no grid", hint="a grid is a list of steps: - {use: cluster.kmeans, k: [10, 20]}")
    found = []
    for one in told:
        names = [name for name, value in one.items() if isinstance(value, list)]
        for values in itertools.product(*(one[name] for name in names)):
            found.append(one | dict(zip(names, values, strict=True)))
    if len(found) > MOST:
        raise UsageError(f"{path} asks for {len(found)} clusterings; at most {MOST} at a time")
    return found


def fit_grid(desk: Clusterings, grid: Sequence[dict[str, Any]]) -> list[str]:
    """Fit what is not recorded yet; the clusterings' names, in the order of the grid.

    A candidate without `vectors` or `name_by` takes those of the run's first clustering. A step of the same id and fields in
    the recipe takes the recorded result.
    """
    first = next(iter(desk.lines()), None)
    given = {} if first is None else {k: first.parameters[k] for k in ("vectors", "name_by") if k in first.parameters}
    seed = int(read_json(desk.run / "manifest.json").get("seed", SEED))
    cache: dict[str, Embedded] = {}
    found = []
    for one in grid:
        address = str(one["use"])
        if not address.startswith("cluster."):
            raise UsageError(f"{address!r} does not cluster", hint="tamis steps lists the steps")
        settings = {**given, **{name: value for name, value in one.items() if name != "use"}}
        settings.setdefault("id", _name(one))
        try:
            step: Any = resolve("steps", address).model_validate(settings)
        except ValidationError as error:
            said = error.errors()[0]
            raise UsageError(f"{address}: {'.'.join(map(str, said['loc']))}: {said['msg']}") from None
        if step.vectors not in cache:
            cache[step.vectors] = embedded(desk, step.vectors)
        rows = cache[step.vectors]
        table = _Rows(desk, rows, derive_seed(seed, step.name))
        made = step.settled(table, np.arange(table.height), rows.vectors, rows.high, rows.low)
        found.append(root_of(made.recorded[0].split("/", 1)[1]))
    vars(desk).pop("kept", None)
    return found


def _name(one: dict[str, Any]) -> str:
    """A candidate's id, of what the grid says of it: `kmeans.k20`."""
    tail = str(one["use"]).rsplit(".", 1)[-1]
    parts = [f"{name}{value}" for name, value in one.items() if name not in ("use", "name_by")]
    return re.sub(r"[^A-Za-z0-9_.\-]+", "-", ".".join([tail, *parts]))
