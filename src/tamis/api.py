"""Tamis from Python: build a recipe, run it on a frame, look at what came out.

>>> import tamis
>>> recipe = tamis.Recipe(name="short", steps=[tamis.step("map.auto"), tamis.step("filter.length", min=2)])
>>> rows = [{"prompt": "Hi", "completion": "Hello there"}, {"prompt": "Hi", "completion": "Yes"}]
>>> result = tamis.run(recipe, rows, workspace=getfixture("tmp_path"))
>>> print(result.account)
2 in = 1 kept + 1 dropped
>>> result.to_polars()["source.completion"].to_list()
['Hello there']
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tamis.core.events import Listener, quiet
from tamis.core.origin import Sink, Source
from tamis.core.registry import resolve
from tamis.core.step import Step
from tamis.recipe.load import load, parse
from tamis.recipe.model import Recipe
from tamis.runner.execute import Options, RunResult, execute
from tamis.runs.ledger import Ledger
from tamis.runs.questions import dropped_rows
from tamis.runs.rows import RunRows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Recipe", "Result", "load", "parse", "run", "sink", "source", "step"]

#: rows that `_repr_html_` shows
SHOWN = 20


def step(use: str, **fields: Any) -> Step:
    """A step by its address: `step("filter.length", min=2)`. A field that is a Python word takes a `_`: `in_="prompt"`."""
    made = resolve("steps", use)(**_plain(fields))
    assert isinstance(made, Step)
    return made


def source(use: str, **fields: Any) -> Source:
    """A source by its kind: `source("files", path="data/*.jsonl")`."""
    made = resolve("sources", use)(**_plain(fields))
    assert isinstance(made, Source)
    return made


def sink(use: str, **fields: Any) -> Sink:
    """A target by its kind: `sink("openai_chat", path="dist/mine")`."""
    made = resolve("sinks", use)(**_plain(fields))
    assert isinstance(made, Sink)
    return made


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_"): value for name, value in fields.items()}


class Result:
    """What a run did, and the rows that are left."""

    def __init__(self, result: RunResult) -> None:
        self.folder, self.manifest = result.folder, result.manifest

    @property
    def outcomes(self) -> dict[str, int]:
        """in, born, kept, dropped, merged, held, quarantined."""
        return dict(self.manifest["outcomes"])

    @property
    def account(self) -> str:
        """The accounting line."""
        o = self.outcomes
        born = f" + {o['born']} born" if o["born"] else ""
        return f"{o['in']} in{born} = " + " + ".join([f"{o['kept']} kept", *(f"{o[k]} {k}" for k in ("dropped", "merged", "held", "quarantined") if o[k])])

    @property
    def steps(self) -> pl.DataFrame:
        """The account of each step."""
        rows = [{**{k: v for k, v in s.items() if k in ("name", "in", "born", "kept", "dropped", "merged", "held", "quarantined")}, "reasons": ", ".join(f"{a} {b}" for a, b in s["reasons"].items())} for s in self.manifest["steps"]]
        return pl.DataFrame(rows)

    def to_polars(self, split: str | None = None) -> pl.DataFrame:
        """The rows that are left, every column and `id`, in order; of one split if asked."""
        from tamis.engine.ids import hex_ids

        rows = RunRows(self.folder)
        frames = []
        for index in range(rows.count):
            live = rows.live(index).nonzero()[0]
            if len(live):
                frame = rows.frame(index).take(live)
                ids = hex_ids(frame["id.high"].to_numpy(), frame["id.low"].to_numpy())
                names = [n for n in frame.names if not n.startswith(("id.", "at."))]
                frames.append(pl.DataFrame([ids, *(frame[n].alias(n) for n in names)]))
        whole = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
        return whole if split is None else whole.filter(pl.col("split") == split)

    def to_dicts(self, split: str | None = None) -> list[dict[str, Any]]:
        """The rows that are left, as dicts."""
        return self.to_polars(split).to_dicts()

    def to_arrow(self, split: str | None = None) -> Any:
        """The rows that are left, as a pyarrow table. Needs pyarrow."""
        return self.to_polars(split).to_arrow()

    def to_pandas(self, split: str | None = None) -> pd.DataFrame:
        """The rows that are left, as a pandas frame. Needs pandas and pyarrow."""
        return self.to_polars(split).to_pandas()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_polars().__arrow_c_stream__(requested_schema)

    def dropped(self, step: str, *, reason: str | None = None, limit: int = 1000) -> pl.DataFrame:
        """Rows that left at a step: id, outcome, reason, into, evidence, file, line, text."""
        rows, _ = dropped_rows(Ledger(self.folder), step, reason, limit)
        return pl.DataFrame(rows, infer_schema_length=None)

    def why(self, row: str) -> list[dict[str, Any]]:
        """The whole life of the rows meant: by id, its beginning, FILE:LINE, or text."""
        from tamis.runs.why import Why

        why = Why(self.folder)
        return [why.life(found) for found in why.find(row)]

    def __repr__(self) -> str:
        return f"<tamis.Result {self.account}; {self.folder}>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td>{html.escape(s['name'])}</td><td style='text-align:right'>{s['in']:,}</td><td style='text-align:right'>{s['kept']:,}</td>"
            f"<td style='text-align:left'>{html.escape(', '.join(f'{slug} {count:,}' for slug, count in s['reasons'].items()))}</td></tr>"
            for s in self.manifest["steps"][:50]
        )
        return f"<p><b>{html.escape(self.account)}</b></p><table><thead><tr><th>step</th><th>in</th><th>kept</th><th style='text-align:left'>left, because</th></tr></thead><tbody>{cells}</tbody></table>"


def run(recipe: Recipe | str | Path, data: Any = None, *, workspace: str | Path | None = None, workers: int | None = None, emit: Listener = quiet) -> Result:
    """Run a recipe, on `data` if given: pandas, Polars, pyarrow, a list of dicts, or anything with `__arrow_c_stream__`.

    workspace: where `.tamis/`, `runs/` and `dist/` go; by default the folder of the recipe file, or here.
    Running again is safe: what is known is not judged again. Raises TamisError of the kind that says what is wrong.
    """
    base = None
    if not isinstance(recipe, Recipe):
        path = Path(recipe)
        base = path if path.is_dir() else path.parent
        recipe = load(path)
    if data is not None:
        from tamis.sources.frames import Frames

        recipe = recipe.model_copy(update={"sources": (Frames.of(data), *recipe.sources)})
    root = Path(workspace) if workspace is not None else base or Path()
    return Result(execute(recipe, root, Options(workers=workers, base=base), emit=emit))
