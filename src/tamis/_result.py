"""What a run did, and the rows that are left: for scripts and notebooks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tamis._html import framed, lives_html, result_html
from tamis.core.errors import DataError, UsageError
from tamis.runner.execute import RunResult
from tamis.runs.ledger import Ledger
from tamis.runs.questions import dropped_rows
from tamis.runs.rows import RunRows
from tamis.runs.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

LEFT: dict[str, Any] = {
    "id": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
    "into": pl.String,
    "file": pl.String,
    "line": pl.Int64,
    "text": pl.String,
}


class Lives(list[dict[str, Any]]):
    """Rows, each with what every step said of it."""

    def _repr_html_(self) -> str:
        return lives_html(self)


class MapView:
    """The map of a run, for notebooks: shows itself in a frame of its own, which loads nothing from anywhere."""

    def __init__(self, page: str) -> None:
        self.page = page

    def save(self, path: str | Path) -> Path:
        """Write the page, one HTML file with everything in it; returns its path."""
        path = Path(path)
        path.write_text(self.page, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        return framed(self.page, "Map of the run's rows")


class Result:
    """What a run did, and the rows that are left. Reads from the run's folder, so it stands as long as that does."""

    def __init__(self, result: RunResult) -> None:
        self.folder, self.manifest = result.folder, result.manifest
        self._again: Callable[[str, float | dict[str, float]], Result] | None = None

    @classmethod
    def open(cls, workspace: str | Path = ".", recipe: str | None = None, number: int | None = None) -> Result:
        """A run that ended earlier: the last of the workspace, or of a recipe by name, or one by its number."""
        folder = Workspace(Path(workspace)).find_run(recipe, number)
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise DataError(f"{folder} has no manifest: the run did not come to its end", hint="run it again") from None
        return cls(RunResult(folder, manifest))

    @property
    def outcomes(self) -> dict[str, int]:
        """in, born, kept, dropped, merged, held, quarantined."""
        return dict(self.manifest["outcomes"])

    @property
    def account(self) -> str:
        """The accounting line."""
        o = self.outcomes
        born = f" + {o['born']} born" if o["born"] else ""
        ends = [f" + {o[name]} {name}" for name in ("dropped", "merged", "held", "quarantined") if o[name]]
        return f"{o['in']} in{born} = {o['kept']} kept{''.join(ends)}"

    @property
    def steps(self) -> pl.DataFrame:
        """The account of each step, and how many of its rows were known from earlier runs (`reused`)."""
        counts = ("in", "born", "kept", "dropped", "merged", "held", "quarantined")
        reused = self.manifest["reused_rows"]
        rows = [
            {"step": s["name"], **{name: s[name] for name in counts}, "reused": reused.get(s["name"], 0)}
            | {"reasons": ", ".join(f"{slug} {count}" for slug, count in s["reasons"].items())}
            for s in self.manifest["steps"]
        ]
        names = ("step", *counts, "reused", "reasons")
        return pl.DataFrame(rows, {n: pl.String if n in ("step", "reasons") else pl.Int64 for n in names})

    @property
    def warnings(self) -> list[str]:
        """What the run warned of."""
        return list(self.manifest["warnings"])

    @property
    def report(self) -> Path:
        """The page about the run, for a browser."""
        return Path(self.folder / "report.html")

    def map(self, layout: str | None = None) -> MapView:
        """The map that a layout step made, by default the last one, as a notebook shows it. UsageError where there is none, or
        where the map's script is not built."""
        from tamis.runs.report import map_html

        return MapView(map_html(self.folder, layout))

    @property
    def kept(self) -> pl.DataFrame:
        """The rows that are left."""
        return self.to_polars()

    @property
    def splits(self) -> dict[str, pl.DataFrame]:
        """The rows that are left, by split; empty where no step splits."""
        whole = self.to_polars()
        if "split" not in whole.columns:
            return {}
        parts = whole.filter(pl.col("split").is_not_null()).partition_by("split", as_dict=True, maintain_order=True)
        return {str(split): rows for (split,), rows in parts.items()}

    def to_polars(self, split: str | None = None, *, plain: bool = False) -> pl.DataFrame:
        """The rows that are left, every column and `id`, in order; of one split if asked.

        plain: the source's columns under their own names, without `source.`, unless another column has that name.
        """
        from tamis.engine.ids import hex_ids

        rows = RunRows(self.folder)
        frames, schema = [], {"id": pl.String()}
        for index in range(rows.count):
            frame = rows.frame(index).take(rows.live(index).nonzero()[0])
            names = [n for n in frame.names if not n.startswith(("id.", "at."))]
            ids = hex_ids(frame["id.high"].to_numpy(), frame["id.low"].to_numpy())
            frames.append(pl.DataFrame([ids, *(frame[n].alias(n) for n in names)]))
        whole = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame(schema=schema)
        if split is not None:
            whole = self._of_split(whole, split)
        return whole.rename(_plain_names(whole.columns)) if plain else whole

    def _of_split(self, whole: pl.DataFrame, split: str) -> pl.DataFrame:
        there = whole["split"].unique().drop_nulls().sort().to_list() if "split" in whole.columns else []
        if split not in there:
            raise UsageError(f"no split {split!r}; there are: {', '.join(there) or 'none (no step splits)'}")
        return whole.filter(pl.col("split") == split)

    def to_dicts(self, split: str | None = None, *, plain: bool = False) -> list[dict[str, Any]]:
        """The rows that are left, as dicts."""
        return self.to_polars(split, plain=plain).to_dicts()

    def to_arrow(self, split: str | None = None, *, plain: bool = False) -> Any:
        """The rows that are left, as a pyarrow table."""
        with _needs("to_arrow", "pyarrow"):
            return self.to_polars(split, plain=plain).to_arrow()

    def to_pandas(self, split: str | None = None, *, plain: bool = False) -> pd.DataFrame:
        """The rows that are left, as a pandas frame."""
        with _needs("to_pandas", "pandas pyarrow"):
            return self.to_polars(split, plain=plain).to_pandas()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_polars().__arrow_c_stream__(requested_schema)

    def dropped(self, step: str, *, reason: str | None = None, limit: int | None = 1000) -> pl.DataFrame:
        """The first rows that left at a step: id, outcome, reason, into, evidence, file, line, text."""
        rows, _ = dropped_rows(Ledger(self.folder), step, reason, sys.maxsize if limit is None else limit)
        names = list(dict.fromkeys(name for row in rows for name in row["evidence"]))
        frame = pl.DataFrame([{name: row[name] for name in LEFT} for row in rows], LEFT)
        figures = [pl.Series(name, [row["evidence"].get(name) for row in rows], strict=False) for name in names]
        evidence = pl.DataFrame(figures).to_struct("evidence") if names else pl.Series("evidence", [None] * len(rows))
        return frame.insert_column(frame.columns.index("file"), evidence)

    def rethreshold(self, threshold: float | dict[str, float], step: str = "dedup.minhash") -> Result:
        """The run again with another threshold of a step, or one for each view: a new result, equal to a run from scratch.

        Nothing is compared again that was: the decision takes milliseconds where the threshold stays above the `floor`.
        """
        if self._again is None:
            raise UsageError(
                "a run that was opened does not know its recipe's data",
                hint=f"change the threshold of {step} in the recipe and run it again: it takes as little time",
            )
        return self._again(step, threshold)

    def quarantined(self) -> pl.DataFrame:
        """What could not be read: source, file, line, cause, message."""
        return pl.DataFrame(Ledger(self.folder).quarantined(), infer_schema_length=None)

    def why(self, row: str) -> Lives:
        """The whole life of the rows meant: by id, its beginning, FILE:LINE, or text."""
        from tamis.runs.why import Why

        why = Why(self.folder)
        return Lives(why.life(found) for found in why.find(row))

    def review(self, *, name: str | None = None, height: int = 720) -> Any:
        """The review app in the notebook's cell: look at rows, decide what gates ask; the next run consumes it.

        name: who decides, by default TAMIS_USER or the login name; height: in pixels. Needs the extra [notebook].
        """
        from importlib import import_module  # by name: the runner stands beside the web room, and below this one

        return import_module("tamis.web.notebook").widget(
            self.folder.parent.parent.parent, self.folder.parent.name, name=name, height=height
        )

    def __repr__(self) -> str:
        return f"<tamis.Result {self.account}; {self.folder}>"

    def _repr_html_(self) -> str:
        return result_html(self.account, self.manifest)


def _plain_names(names: list[str]) -> dict[str, str]:
    """`source.x` → `x`, where nothing else is called so."""
    taken = {name for name in names if not name.startswith("source.")}
    short = {name: name.removeprefix("source.") for name in names if name.startswith("source.")}
    return {name: own for name, own in short.items() if own and own not in taken}


@contextmanager
def _needs(what: str, libraries: str) -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise UsageError(f"{what} needs {' and '.join(libraries.split())}", hint=f"pip install {libraries}") from None
