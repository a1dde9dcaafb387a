"""Measuring recorded clusterings: the vectors and texts of a run's rows, and the step again on parts of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import UsageError
from tamis.core.registry import resolve
from tamis.core.row import VECTOR
from tamis.engine.cluster_measures import NPMI_TEXTS, npmi, silhouette, stability
from tamis.engine.clusterings import Clustering
from tamis.engine.diverse import vectors_of as given_vectors
from tamis.engine.embedded import vectors_of
from tamis.engine.fitting import centred
from tamis.engine.quantised import Whole, nearest, quantise
from tamis.engine.store import write_json
from tamis.runs.clusterings import MEASURES, Clusterings
from tamis.runs.figure import Figure
from tamis.runs.rows import RunRows

#: steps that are quick to fit again, and the most rows up to which all others are
QUICK, FEW = ("cluster.kmeans", "cluster.evoc"), 3_000
#: the most rows that any step is fitted on again
MOST = 50_000


@dataclass(frozen=True)
class Embedded:
    """A run's rows that have a vector, in the order of their ids."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    vectors: Whole


def embedded(desk: Clusterings, named: str) -> Embedded:
    """The rows of a run with the vectors a step clusters. named: as in the step, `embed.text` or `column:NAME`."""
    rows, parts = RunRows(desk.run), list[tuple[Any, Any, pl.Series]]()
    column = named.removeprefix("column:")
    name = column if column != named else f"{column}.{VECTOR}"
    for partition in range(rows.count):
        frame = rows.frame(partition)
        try:
            series = frame[frame.find(name)]
        except UsageError:
            continue
        ids = desk.ledger.rows(partition)
        series = series if named == column else given_vectors(series)
        parts.append((ids["id.high"].to_numpy(), ids["id.low"].to_numpy(), series))
    if not parts:
        raise UsageError(f"the run {desk.run} has no column {name!r} of vectors", hint="run the recipe again")
    high = np.concatenate([one[0] for one in parts]).astype(np.uint64)
    low = np.concatenate([one[1] for one in parts]).astype(np.uint64)
    whole, valid = quantise(vectors_of(pl.concat([one[2] for one in parts]), desk.workspace.recorded))
    kept = np.flatnonzero(valid)
    kept = kept[np.lexsort((low[kept], high[kept]))]
    return Embedded(high[kept], low[kept], whole[kept])


def measure(desk: Clusterings, named: str, *, refits: int, cache: dict[str, Embedded] | None = None) -> list[Figure]:
    """The figures of a clustering over the run's rows; written beside it, so that they are measured once."""
    known = desk.known(named)
    if any(figure.name == "silhouette" for figure in desk.line(named).hints):
        return list(desk.line(named).hints)
    made, about = known.made, known.made.about
    source = str(about["parameters"].get("vectors", ""))
    cache = {} if cache is None else cache
    if source not in cache:
        cache[source] = embedded(desk, source)
    rows, label = _labelled(made, cache[source])
    seed = int(about.get("seed", 0))
    figures = [Figure("silhouette", silhouette(rows.vectors, label, seed), n=int((label >= 0).sum()))]
    step = str(about.get("step", ""))
    if refits >= 2 and len(label) <= (MOST if step in QUICK else FEW) and known.folder.name == known.root:
        found = stability(rows.vectors, label, _refit(made, rows.vectors), seed, refits)
        if found is not None:
            figures.append(Figure("stability", found.mean, found.low, found.high, found.refits))
    texts = desk.texts(known, _sample(made))
    phrases = [[text for text, _ in one.phrases] for one in made.clusters if one.rows]
    figures.append(Figure("npmi", npmi(pl.Series(list(texts.values()), dtype=pl.String), phrases), n=len(texts)))
    write_json(known.folder / MEASURES, {"figures": [asdict(one) for one in figures], "run": str(desk.run.name)})
    return figures


def _labelled(made: Clustering, rows: Embedded) -> tuple[Embedded, NDArray[np.int32]]:
    """The rows the clustering was fitted on, and their labels."""
    fitted = pl.DataFrame({"h": made.high, "l": made.low, "label": made.label})
    here = pl.DataFrame({"h": rows.high, "l": rows.low}).with_row_index("at")
    both = here.join(fitted, on=["h", "l"], how="inner", maintain_order="left")
    at = both["at"].to_numpy().astype(np.int64)
    if not len(at):
        raise UsageError("none of the clustering's rows are in this run", hint="name the run with --run")
    return Embedded(rows.high[at], rows.low[at], rows.vectors[at]), both["label"].to_numpy().astype(np.int32)


def _refit(made: Clustering, vectors: Whole) -> Any:
    """The step again on some rows: every row's label by the nearest of the centres found."""
    step = resolve("steps", str(made.about["step"])).model_validate(made.about["parameters"])

    def again(some: Whole, seed: int) -> NDArray[np.int32]:
        _, centres = centred(step.group(some, seed), some)  # type: ignore[attr-defined]
        return nearest(vectors, centres)[0]

    return again


def _sample(made: Clustering) -> list[str]:
    """Ids of rows spread evenly over those the clustering was fitted on."""
    n = len(made.high)
    at = (np.arange(min(n, NPMI_TEXTS)) * n) // max(1, min(n, NPMI_TEXTS))
    return [f"{int(made.high[k]):016x}{int(made.low[k]):016x}" for k in at]
