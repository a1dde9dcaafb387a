"""What people changed about a recorded clustering: names, clusters made one, clusters cut. The recording itself stays.

A clustering is known by its folder's name for ever. Names are laid over it when it is read. What moves rows makes a folder
beside it, `<name>+<hash of the edits>`: ids stay, one that went into another is empty, parts of a cut one get new ids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import UsageError
from tamis.core.fingerprint import derive_seed, fingerprint

from .cluster_flow import GOES_ON
from .clusterings import Assigned, Cluster, Clustering, examples, ids_text, limits, numbered
from .keyphrases import key_phrases, names_of, sample
from .kmeans import kmeans
from .quantised import Whole, centres_of, nearest, sums

#: kinds of decisions that change a clustering
KINDS = ("rename", "merge", "split")
#: how an earlier clustering of the step goes on in this one
BEFORE = "before.json"
#: names that a model gave
NAMES = "names.json"
#: parts that a cluster may be cut into
MOST_PARTS = 50


class Edit(NamedTuple):
    """`root`: the clustering; `clusters`: one to rename or cut, or those that become the first of them."""

    kind: str
    root: str
    clusters: tuple[int, ...]
    name: str | None = None
    parts: int = 0


def root_of(folder: str) -> str:
    """A clustering's name without what people's edits add to it."""
    return folder.split("+", 1)[0]


def edits_of(decisions: Iterable[Mapping[str, Any]]) -> list[Edit]:
    """Decisions as edits, in order. UsageError where one says nothing that can be done."""
    return [read_edit(str(one["kind"]), one["value"]) for one in decisions if one["kind"] in KINDS]


def read_edit(kind: str, value: Any) -> Edit:
    """What a decision says. UsageError where it is none: {"clustering": …, "cluster": 3, "name": …} for a rename,
    {"clustering": …, "clusters": [3, 7]} for a merge, {"clustering": …, "cluster": 3, "parts": 2} for a split."""
    value = value if isinstance(value, Mapping) else {}
    root, name = value.get("clustering"), value.get("name")
    given = value.get("clusters") if kind == "merge" else [value.get("cluster")]
    clusters = tuple(given) if isinstance(given, list | tuple) else ()
    if not isinstance(root, str) or not all(isinstance(c, int) and c >= 0 for c in clusters) or not clusters:
        raise UsageError(f"a {kind} names its clustering and clusters by number; this one says {dict(value)!r}")
    if name is not None:
        name = " ".join(str(name).split())
    if kind == "rename" and not name:
        raise UsageError(f"a name for cluster {clusters[0]} is missing")
    if kind == "merge" and len(set(clusters)) < 2:
        raise UsageError("a merge needs two clusters or more")
    parts = value.get("parts", 2)
    if kind == "split" and not (isinstance(parts, int) and 2 <= parts <= MOST_PARTS):
        raise UsageError(f"a cluster can be cut into 2 to {MOST_PARTS} parts, not {parts!r}")
    return Edit(kind, root_of(root), clusters, name or None, parts if kind == "split" else 0)


def moves(edits: Iterable[Edit], root: str) -> list[Edit]:
    """The edits that move rows of a clustering."""
    return [edit for edit in edits if edit.root == root and edit.kind != "rename"]


def folder_of(root: str, edits: Sequence[Edit]) -> str:
    """The name of the folder that holds a clustering after these edits."""
    moved = [[e.kind, list(e.clusters), e.parts] for e in moves(edits, root)]
    return root if not moved else f"{root}+{fingerprint(moved)[:8]}"


# -- names -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """A name that people gave. `since`: the clustering they gave it to."""

    name: str
    since: str


def kept_names(folder: Path, root: str, edits: Sequence[Edit]) -> dict[int, Kept]:
    """Names people gave to a clustering's clusters, or to those that go on in them, by cluster. folder: of all clusterings."""
    return _kept(folder, root, edits, frozenset())


def _kept(folder: Path, root: str, edits: Sequence[Edit], seen: frozenset[str]) -> dict[int, Kept]:
    found: dict[int, Kept] = {}
    before = read_before(folder / root)
    if before and root not in seen:
        earlier = _kept(folder, root_of(before["before"]), edits, seen | {root})
        for pair in before["pairs"]:
            if pair["old"] in earlier and min(pair["of_old"], pair["of_new"]) >= GOES_ON:
                found[pair["new"]] = earlier[pair["old"]]
    for edit in edits:
        if edit.root != root:
            continue
        if edit.name and edit.kind in ("rename", "merge"):
            found[edit.clusters[0]] = Kept(edit.name, root)
        for gone in edit.clusters[1:]:
            found.pop(gone, None)
    return found


def read_before(folder: Path) -> dict[str, Any]:
    """How an earlier clustering goes on in this one; empty where there was none."""
    return _read(folder / BEFORE)


def read_names(folder: Path) -> dict[int, dict[str, Any]]:
    """What a model called the clusters: {"name", "description", "accuracy", "checked"} by cluster."""
    return {int(c): told for c, told in _read(folder / NAMES).get("clusters", {}).items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


# -- rows ------------------------------------------------------------------------------------------


def edited(
    made: Clustering,
    edits: Sequence[Edit],
    vectors: Whole,
    place: NDArray[np.int64],
    seed: int,
    read: Callable[[NDArray[np.int64]], pl.Series],
) -> Clustering:
    """The clustering after people's merges and splits, in order; what names no cluster there is does nothing.

    vectors: (n, d) of the rows that are there now; place: (n,) where each stands in the clustering, -1 for new ones;
    read: texts of some of these rows. Fitted rows that are gone stay in the largest part of a cluster that is cut.
    """
    label, k = made.label.copy(), len(made.clusters)
    left = {c: one.outliers for c, one in enumerate(made.clusters)}
    row = np.full(len(label), -1, np.int64)
    row[place[place >= 0]] = np.flatnonzero(place >= 0)
    touched: set[int] = set()
    for number, edit in enumerate(edits):
        known = [c for c in dict.fromkeys(edit.clusters) if c < k and (label == c).any()]
        if edit.kind == "merge" and len(known) > 1 and known[0] == edit.clusters[0]:
            label[np.isin(label, known[1:])] = known[0]
            left[known[0]] = sum(left.pop(c, 0) for c in known)
            touched |= set(known)
        elif edit.kind == "split" and known:
            mine = np.flatnonzero((label == known[0]) & (row >= 0))
            if len(mine) < edit.parts:
                continue
            some = vectors[row[mine]]
            centres = kmeans(some, edit.parts, derive_seed(seed, "split", number))
            part, order = numbered(nearest(some, centres)[0], edit.parts)
            ids = np.array([known[0], *range(k, k + len(order) - 1)], np.int32)
            label[mine] = ids[part]
            touched |= {int(c) for c in ids}
            k += len(order) - 1
    return _frozen(made, label, k, touched, left, vectors, row, read)


def _frozen(
    made: Clustering,
    label: NDArray[np.int32],
    k: int,
    touched: set[int],
    left: Mapping[int, int],
    vectors: Whole,
    row: NDArray[np.int64],
    read: Callable[[NDArray[np.int64]], pl.Series],
) -> Clustering:
    """The clustering with other labels: centres, limits, phrases and examples of the clusters that changed."""
    here = np.flatnonzero(row >= 0)
    some, mine = vectors[row[here]], label[here]
    fresh = centres_of(sums(some, mine, k))
    centres = np.zeros((k, made.centres.shape[1]), made.centres.dtype)
    centres[: len(made.centres)] = made.centres
    for c in touched:
        centres[c] = fresh[c]
    product = made.product.copy()
    moved = np.isin(mine, sorted(touched))
    wide = some[moved].astype(np.int64)
    product[here[moved]] = (wide * centres[mine[moved]].astype(np.int64)).sum(axis=1)
    chosen = sample(mine, k)
    phrases = key_phrases(read(row[here[chosen]]), mine[chosen], k)
    names = names_of(phrases)
    central, boundary = examples(some, centres, mine, product[here])
    limit = limits(label, product, k)
    size = np.bincount(label[label >= 0], minlength=k)
    clusters = []
    for c in range(k):
        old = made.clusters[c] if c < len(made.clusters) else None
        if old is not None and c not in touched:
            clusters.append(old)
        elif not size[c]:
            clusters.append(Cluster(0, 0, 0, "", (), (), ()))
        else:
            clusters.append(
                Cluster(
                    int(size[c]), left.get(c, 0), limit[c], names[c], tuple((p.text, p.weight) for p in phrases[c]),
                    ids_text(made.high[here], made.low[here], central[c]),
                    ids_text(made.high[here], made.low[here], boundary[c]),
                )
            )  # fmt: skip
    return replace(made, clusters=tuple(clusters), centres=centres, label=label, product=product)


def reassigned(root: Clustering, made: Clustering, found: Assigned, vectors: Whole) -> Assigned:
    """Rows as they were assigned to the clustering, after people's edits of it: fitted ones where the edits put them, others
    to the nearest of the clusters that theirs became."""
    became: dict[int, list[int]] = {}
    pairs = pl.DataFrame({"x": root.label, "y": made.label}).unique().sort("x", "y")
    for x, y in pairs.filter(pl.col("x") >= 0).iter_rows():
        became.setdefault(x, []).append(y)
    label = found.label.copy()
    known = found.place >= 0
    own = np.full(len(label), -1, np.int32)
    own[known] = made.label[found.place[known]]
    label[own >= 0] = own[own >= 0]
    for x, ids in became.items():
        rows = np.flatnonzero((found.label == x) & (own < 0))
        if len(ids) == 1:
            label[rows] = ids[0]
        elif len(rows):
            label[rows] = np.array(ids, np.int32)[nearest(vectors[rows], made.centres[ids])[0]]
    product = found.product.copy()
    for at in range(0, len(label), 8192):
        some = slice(at, at + 8192)
        inside = np.flatnonzero(label[some] >= 0) + at
        wide = vectors[inside].astype(np.int64)
        product[inside] = (wide * made.centres[label[inside]].astype(np.int64)).sum(axis=1)
    return replace(found, label=label, product=product)


# -- the earlier clustering ------------------------------------------------------------------------


def last_file(folder: Path, step: str) -> Path:
    """Where it stands which clustering a step used last."""
    return folder / f"{step}.last"


def read_last(folder: Path, step: str) -> str | None:
    """The folder that a step used last, if it is there."""
    try:
        name = last_file(folder, step).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return name if re.fullmatch(r"[A-Za-z0-9_.\-+]+", name) and (folder / name).is_dir() else None
