"""A clustering step's result: the recorded clustering or a new one, what people changed about it, and the rows in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .cluster_edits import (
    BEFORE,
    Edit,
    edited,
    folder_of,
    kept_names,
    last_file,
    moves,
    read_last,
    reassigned,
    root_of,
)
from .cluster_flow import GOES_ON, mapping
from .clusterings import FILES, FOLDER, Assigned, Clustering, assign, load, save
from .quantised import Whole
from .store import write_text


class Settled(NamedTuple):
    """The clustering, the rows in it, the clusters' names, the recordings it rests on, and what is to be told."""

    made: Clustering
    found: Assigned
    names: list[str]
    recorded: tuple[str, ...]
    told: tuple[str, ...]


def settle(
    fit: Callable[[], Clustering],
    place: Path | None,
    step: str,
    edits: Sequence[Edit],
    vectors: Whole,
    high: NDArray[np.uint64],
    low: NDArray[np.uint64],
    read: Callable[[NDArray[np.int64]], pl.Series],
    *,
    fill: bool,
    seed: int,
) -> Settled:
    """The result of a step.

    fit: makes or loads the clustering; place: its folder, None where nothing is kept; step: the step's name; read: texts of
    some of the rows; fill: outliers go to the nearest cluster.
    """
    if place is None:
        made = fit()
        found = assign(made, vectors, high, low, fill=fill)
        return Settled(made, found, [c.name for c in made.clusters], (), ())
    folder, root, told = place.parent, place.name, list[str]()
    if (place / FILES[0]).exists():
        made = load(place)
    else:
        made = fit()
        told += _keep(place, made, step, edits)
    found = assign(made, vectors, high, low, fill=fill)
    name = folder_of(root, edits)
    if name != root:
        changed = moves(edits, root)
        if (folder / name / FILES[0]).exists():
            after = load(folder / name)
        else:
            after = edited(made, changed, vectors, found.place, seed, read)
            save(folder / name, after)
        found, made = reassigned(made, after, found, vectors), after
    named = [c.name for c in made.clusters]
    for c, kept in kept_names(folder, root, edits).items():
        if c < len(named) and made.clusters[c].rows:
            named[c] = kept.name
    if read_last(folder, step) != name:
        write_text(last_file(folder, step), name)
    told += _idle(edits, root, made)
    return Settled(made, found, named, (f"{FOLDER}/{name}",), tuple(told))


def _keep(place: Path, made: Clustering, step: str, edits: Sequence[Edit]) -> list[str]:
    """Record a new clustering, with how the step's earlier one goes on in it; what is to be told of that."""
    folder = place.parent
    last = read_last(folder, step)
    if last is None or root_of(last) == place.name:
        save(place, made)
        return []
    earlier = load(folder / last)
    about = mapping(earlier, made, last)
    save(place, made, {BEFORE: json.dumps(about, indent=1)})
    if not about["shared_rows"]:
        return []
    names = kept_names(folder, root_of(last), edits)
    go_on = [p for p in about["pairs"] if min(p["of_old"], p["of_new"]) >= GOES_ON]
    pairs = ", ".join(f"{p['old']} → {p['new']} ({p['of_old']:.0%})" for p in go_on[:12])
    told = [
        f"fitted anew: {len(go_on)} of {sum(c.rows > 0 for c in earlier.clusters)} earlier clusters go on"
        + (f": {pairs}{', …' if len(go_on) > 12 else ''}" if go_on else "")
        + f"; all of it stands in {place.name}/{BEFORE}"
    ]
    kept = {p["old"] for p in go_on}
    lost = [f"{c} ({one.name})" for c, one in sorted(names.items()) if c not in kept]
    if lost:
        told.append(f"names that people gave are not carried over where no cluster goes on: {', '.join(lost)}")
    return told


def _idle(edits: Sequence[Edit], root: str, made: Clustering) -> list[str]:
    """Edits that name clusters there are none of."""
    k = len(made.clusters)
    return [
        f"a {edit.kind} does nothing: {root} has no cluster {c}"
        for edit in edits
        if edit.root == root
        for c in edit.clusters
        if c >= k
    ]
