"""How the clusters of two clusterings meet: shared rows counted, matched one to one, and told in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .clusterings import Clustering

#: clusters up to which the best matching is sought; of more, the largest overlaps are taken first
EXACT = 1_000
#: share of both clusters' rows from which one goes on as the other
GOES_ON = 0.5


class Shared(NamedTuple):
    """The rows that both clusterings were fitted on, in the order of their ids: their places and labels in each, -1 for
    outliers."""

    at_a: NDArray[np.int64]
    at_b: NDArray[np.int64]
    a: NDArray[np.int32]
    b: NDArray[np.int32]


class Match(NamedTuple):
    """Cluster `old` goes on as `new`: shared rows, and what share of each one's shared rows these are."""

    old: int
    new: int
    rows: int
    of_old: float
    of_new: float


def shared(a: Clustering, b: Clustering) -> Shared:
    """The rows of both."""
    left = pl.DataFrame({"h": a.high, "l": a.low, "x": np.arange(len(a.high))})
    right = pl.DataFrame({"h": b.high, "l": b.low, "y": np.arange(len(b.high))})
    both = left.join(right, on=["h", "l"], how="inner", maintain_order="left")
    x, y = both["x"].to_numpy().astype(np.int64), both["y"].to_numpy().astype(np.int64)
    return Shared(x, y, a.label[x], b.label[y])


def contingency(a: NDArray[np.int32], b: NDArray[np.int32]) -> list[tuple[int, int, int]]:
    """(label in a, label in b, rows), ascending; labels may be -1."""
    counted = pl.DataFrame({"a": a, "b": b}).group_by("a", "b").len().sort("a", "b")
    return [(int(x), int(y), int(n)) for x, y, n in counted.iter_rows()]


def matching(a: NDArray[np.int32], b: NDArray[np.int32], k_a: int, k_b: int) -> list[Match]:
    """One to one, so that as many shared rows as possible stand in matched clusters (Kuhn 1955); pairs without any left out.

    Above `EXACT` clusters, or where SciPy (of the extra `cluster`) is missing, the largest overlaps are taken first.
    """
    size_a = np.bincount(a[a >= 0], minlength=k_a)
    size_b = np.bincount(b[b >= 0], minlength=k_b)
    links = [(x, y, n) for x, y, n in contingency(a, b) if x >= 0 and y >= 0]
    return [
        Match(x, y, n, round(n / int(size_a[x]), 6), round(n / int(size_b[y]), 6))
        for x, y, n in sorted(_assigned(links, k_a, k_b))
    ]


def _assigned(links: Sequence[tuple[int, int, int]], k_a: int, k_b: int) -> list[tuple[int, int, int]]:
    if max(k_a, k_b) <= EXACT:
        try:
            from scipy.optimize import linear_sum_assignment
        except ImportError:
            return _greedy(links)
        table = np.zeros((k_a, k_b), np.int64)
        for x, y, n in links:
            table[x, y] = n
        rows, columns = linear_sum_assignment(table, maximize=True)
        return [(int(x), int(y), int(table[x, y])) for x, y in zip(rows, columns, strict=True) if table[x, y]]
    return _greedy(links)


def _greedy(links: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    used_a, used_b, found = set[int](), set[int](), []
    for x, y, n in sorted(links, key=lambda link: (-link[2], link[0], link[1])):
        if x not in used_a and y not in used_b:
            used_a.add(x)
            used_b.add(y)
            found.append((x, y, n))
    return found


def flow_sentences(links: Sequence[tuple[int, int, int]], a: str, b: str, most: int = 4) -> list[str]:
    """What becomes of each cluster of `a` in `b`: "cluster 3 of A splits into 5 (60%), 9 (38%) of B"."""
    by_a: dict[int, list[tuple[int, int]]] = {}
    into: dict[int, int] = {}
    for x, y, n in links:
        by_a.setdefault(x, []).append((y, n))
        into[y] = into.get(y, 0) + n
    told = []
    for x in sorted(by_a):
        whole = sum(n for _, n in by_a[x])
        parts = sorted(by_a[x], key=lambda part: (-part[1], part[0]))
        main = [(y, n) for y, n in parts if n / whole >= 0.05 or (y, n) == parts[0]][:most]
        left = whole - sum(n for _, n in main)
        named = ", ".join(f"{_named(y)} ({n / whole:.0%})" for y, n in main)
        named += f", and others ({left / whole:.0%})" if left else ""
        who = f"cluster {x} of {a}" if x >= 0 else f"what are outliers in {a}"
        y, n = parts[0]
        if n / whole >= 0.9 and x >= 0 and n / into[y] >= 0.9:
            told.append(f"{who} is cluster {named} of {b}")
        elif n / whole >= 0.9:
            told.append(f"{who} goes into {named} of {b}")
        else:
            told.append(f"{who} splits into {named} of {b}")
    return told


def _named(label: int) -> str:
    return str(label) if label >= 0 else "outliers"


def adjusted_rand(a: NDArray[np.int32], b: NDArray[np.int32]) -> float:
    """How alike two labellings of the same rows are (Hubert and Arabie 1985): 1 the same, 0 as by chance."""
    n = len(a)
    if n < 2:
        return 1.0
    links = contingency(a, b)
    both = sum(_pairs(count) for _, _, count in links)
    of_a, of_b = dict[int, int](), dict[int, int]()
    for x, y, count in links:
        of_a[x] = of_a.get(x, 0) + count
        of_b[y] = of_b.get(y, 0) + count
    in_a, in_b = sum(map(_pairs, of_a.values())), sum(map(_pairs, of_b.values()))
    expected = in_a * in_b / _pairs(n)
    most = (in_a + in_b) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def mapping(old: Clustering, new: Clustering, before: str) -> dict[str, Any]:
    """How the clusters of an earlier clustering go on in a new one, as JSON values. before: the earlier one's folder."""
    rows = shared(old, new)
    k_a, k_b = len(old.clusters), len(new.clusters)
    pairs = matching(rows.a, rows.b, k_a, k_b)
    present = [c for c in range(k_a) if old.clusters[c].rows]
    matched_old, matched_new = {m.old for m in pairs}, {m.new for m in pairs}
    return {
        "before": before,
        "shared_rows": len(rows.a),
        "pairs": [m._asdict() for m in pairs],
        "gone": [c for c in present if c not in matched_old],
        "fresh": [c for c in range(k_b) if c not in matched_new],
    }
