"""Where labels are bad: groups of rows with more errors than the rest, over any columns, one or two at a time.

Every column is cut into values (what has few) or fifths (numbers, lengths of text). Each group with enough rows, and each
pair of groups, is compared with all rows outside it by Fisher's exact test, and the probabilities are adjusted for how
many groups were looked at (Benjamini and Hochberg), so that on pure noise nothing at all is told 95 times of 100. The group
that is most surely bad is told; then its rows are set aside, and the others are looked at again: a group that is bad only
by the rows it shares with one that was told is not told again.

Sources: R. A. Fisher, Statistical Methods for Research Workers (5th ed., 1934), section 21.02; Benjamini and Hochberg,
see `paired`; the idea of looking for such groups by their effect and significance: Y. Chung et al., Slice Finder, ICDE 2019.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import UsageError

from .codes import Codes
from .paired import benjamini_hochberg, wilson

#: a column has at most this many values, or it is cut
_VALUES = 40
_BINS = 5
#: texts longer than this on average, or of mostly one row each, are cut by length
_LONG = 48
#: a pair must be worse than each of its two groups, at this probability
_WORSE_THAN_BROADER = 0.001


class Slice(NamedTuple):
    """A group of rows. where: (column, value) pairs that all hold; difference: its error rate less that of the rest.

    p: of so many errors by chance, without rows of groups told before; adjusted: for how many groups were looked at.
    """

    where: tuple[tuple[str, str], ...]
    rows: int
    errors: int
    rate: float
    low: float
    high: float
    difference: float
    p: float
    adjusted: float

    @property
    def name(self) -> str:
        """As people read it."""
        return " and ".join(f"{column} = {value}" for column, value in self.where)

    def told(self) -> dict[str, Any]:
        """As a plain mapping."""
        return {**self._asdict(), "where": [list(pair) for pair in self.where], "name": self.name}


@dataclass(frozen=True)
class Found:
    """slices: worst first, by how surely they are bad; looked_at: groups compared; skipped: columns that were not cut."""

    slices: list[Slice]
    looked_at: int
    rows: int
    errors: int
    skipped: tuple[str, ...]


class _Cut(NamedTuple):
    """A column cut into values: (n,) codes, -1 where a row belongs to none that has a name."""

    column: str
    values: list[str]
    codes: Codes


class _Candidate(NamedTuple):
    parts: tuple[tuple[int, int], ...]
    rows: int
    errors: int


def find_slices(
    columns: pl.DataFrame | Mapping[str, Sequence[Any]],
    wrong: Sequence[bool] | NDArray[np.bool_],
    *,
    support: int = 20,
    pairs: bool = True,
    rate: float = 0.05,
    most: int = 10,
) -> Found:
    """The groups of rows in which `wrong` is told more often than outside.

    support: fewest rows of a group; rate: share of false finds that is accepted; most: how many are told.

    >>> language = ["de"] * 40 + ["en"] * 160
    >>> wrong = [True, False] * 20 + ([True] + [False] * 15) * 10
    >>> found = find_slices({"language": language, "parity": [k % 2 for k in range(200)]}, wrong)
    >>> [(one.name, one.rows, one.errors) for one in found.slices][:1]
    [('language = de and parity = 0', 20, 20)]
    """
    frame = columns if isinstance(columns, pl.DataFrame) else pl.DataFrame(dict(columns), strict=False)
    bad = np.asarray(wrong, bool)
    if frame.width and frame.height != len(bad):
        raise UsageError(f"{frame.height} rows of columns and {len(bad)} of errors: there is one for each")
    if support < 2:
        raise UsageError(f"support: {support}; a group has at least two rows")
    cuts, skipped = _cut_all(frame, support)
    n, errors = len(bad), int(bad.sum())
    if not 0 < errors < n:
        return Found([], 0, n, errors, tuple(skipped))
    tail, free = _Tail(n), np.ones(n, bool)
    chosen: list[Slice] = []
    looked_at = 0
    while cuts and len(chosen) < most:
        found = _worst(cuts, bad, free, tail, support, pairs)
        looked_at = looked_at or found.looked_at
        if found.best is None or found.adjusted > rate:
            break
        one = found.best
        inside = _mask(cuts, one)
        free &= ~inside
        rows, wrong_ones = int(inside.sum()), int((inside & bad).sum())
        share, low, high = wilson(wrong_ones, rows)
        rest = (errors - wrong_ones) / (n - rows)
        where = tuple((cuts[c].column, cuts[c].values[v]) for c, v in one.parts)
        chosen.append(Slice(where, rows, wrong_ones, share, low, high, share - rest, found.p, found.adjusted))
    return Found(chosen, looked_at, n, errors, tuple(skipped))


class _Worst(NamedTuple):
    best: _Candidate | None
    p: float
    adjusted: float
    looked_at: int


def _worst(
    cuts: Sequence[_Cut], bad: NDArray[np.bool_], free: NDArray[np.bool_], tail: _Tail, support: int, pairs: bool
) -> _Worst:
    """The group that is most surely bad among the rows that no group told so far holds."""
    n, errors = int(free.sum()), int((bad & free).sum())
    candidates = list(_candidates(cuts, bad[free], free, support, pairs)) if 0 < errors < n else []
    worse = [one for one in candidates if _maybe(one, n, errors)]
    if not worse:
        return _Worst(None, 1.0, 1.0, len(candidates))
    p = np.array([tail(one.rows, one.errors, n, errors) for one in worse], np.float64)
    adjusted = benjamini_hochberg(p, among=len(candidates))
    best = min(range(len(worse)), key=lambda k: (p[k], len(worse[k].parts), -worse[k].rows, k))
    parents = [k for k, one in enumerate(worse) if len(one.parts) == 1 and one.parts[0] in worse[best].parts]
    if len(worse[best].parts) == 2:
        # a pair is told only where it is worse than either of the groups it is made of
        narrow = worse[best]
        for k in sorted(parents, key=lambda k: p[k]):
            broad = worse[k]
            if tail(narrow.rows, narrow.errors, broad.rows, broad.errors) > _WORSE_THAN_BROADER:
                best = k
                break
    return _Worst(worse[best], float(p[best]), float(adjusted[best]), len(candidates))


# -- columns --------------------------------------------------------------------------------------


def _cut_all(frame: pl.DataFrame, support: int) -> tuple[list[_Cut], list[str]]:
    cuts: list[_Cut] = []
    skipped = []
    for series in frame.get_columns():
        cut = _cut(series)
        if cut is None:
            skipped.append(series.name)
            continue
        counts = np.bincount(cut.codes[cut.codes >= 0], minlength=len(cut.values))
        keep = np.flatnonzero((counts >= support) & (counts < frame.height))
        if not len(keep):
            skipped.append(series.name)
            continue
        renamed = np.full(len(cut.values) + 1, -1, np.int64)
        renamed[keep] = np.arange(len(keep))
        cuts.append(_Cut(cut.column, [cut.values[k] for k in keep], renamed[cut.codes]))
    return cuts, skipped


def _cut(series: pl.Series) -> _Cut | None:
    """A column as few values; None where it cannot be cut (lists, structs, bytes)."""
    kind, name = series.dtype, series.name
    if kind.is_temporal():
        series, kind = series.to_physical(), pl.Int64()
    if kind.is_nested() or kind in (pl.Binary, pl.Object, pl.Null):
        return None
    if kind.is_numeric():
        if series.n_unique() > 10:
            return _fifths(name, series.cast(pl.Float64))
        return _valued(name, series.cast(pl.String))
    text = series.cast(pl.String)
    lengths = text.str.len_chars()
    unique = text.n_unique()
    if unique > max(_VALUES, len(text) // 5) or (unique > _VALUES and (lengths.mean() or 0) > _LONG):  # type: ignore[operator]
        return _fifths(f"length of {name}", lengths.cast(pl.Float64))
    return _valued(name, text)


def _valued(name: str, text: pl.Series) -> _Cut:
    known = text.fill_null("\x00")
    values = known.value_counts(sort=False).sort(["count", known.name], descending=[True, False])[known.name].to_list()
    values = values[:_VALUES]
    places = {value: k for k, value in enumerate(values)}
    codes = np.array([places.get(value, -1) for value in known.to_list()], np.int64)
    return _Cut(name, ["(null)" if value == "\x00" else value for value in values], codes)


def _fifths(name: str, numbers: pl.Series) -> _Cut:
    values = numbers.to_numpy().astype(np.float64)
    there = np.isfinite(values)
    codes = np.full(len(values), -1, np.int64)
    names: list[str] = []
    if there.any():
        edges = np.unique(np.quantile(values[there], np.arange(1, _BINS) / _BINS, method="lower"))
        edges = edges[edges < values[there].max()]
        codes[there] = np.searchsorted(edges, values[there], side="left")
        ends = [f"{edge:.6g}" for edge in edges]
        names = [f"up to {ends[0]}", *(f"above {a}, up to {b}" for a, b in pairwise(ends)), f"above {ends[-1]}"] if ends else ["all"]  # fmt: skip
    if not there.all():
        codes[~there] = len(names)
        names.append("(null)")
    return _Cut(name, names, codes)


# -- groups ---------------------------------------------------------------------------------------


def _candidates(
    cuts: Sequence[_Cut], bad: NDArray[np.bool_], free: NDArray[np.bool_], support: int, pairs: bool
) -> Iterator[_Candidate]:
    """All groups with enough rows, and some outside, among the rows that are `free`; `bad` is of these."""
    n = len(bad)
    shifted = [(cut.codes[free] + 1).astype(np.int32) for cut in cuts]
    of_bad = [codes[bad] for codes in shifted]
    for c, cut in enumerate(cuts):
        rows = np.bincount(shifted[c], minlength=len(cut.values) + 1)[1:]
        errors = np.bincount(of_bad[c], minlength=len(cut.values) + 1)[1:]
        for v in np.flatnonzero((rows >= support) & (rows < n)).tolist():
            yield _Candidate(((c, v),), int(rows[v]), int(errors[v]))
    for a, b in combinations(range(len(cuts)), 2) if pairs else ():
        wide = len(cuts[b].values) + 1
        size = (len(cuts[a].values) + 1) * wide
        rows = np.bincount(shifted[a] * wide + shifted[b], minlength=size)
        errors = np.bincount(of_bad[a] * wide + of_bad[b], minlength=size)
        table = rows.reshape(-1, wide)
        alone_a, alone_b = table.sum(axis=1), table.sum(axis=0)
        for place in np.flatnonzero((rows >= support) & (rows < n)).tolist():
            va, vb = divmod(place, wide)
            if va and vb and rows[place] < alone_a[va] and rows[place] < alone_b[vb]:
                yield _Candidate(((a, va - 1), (b, vb - 1)), int(rows[place]), int(errors[place]))


def _maybe(one: _Candidate, n: int, errors: int) -> bool:
    """Whether a group could be told at all: groups that are hardly worse than the rest have a probability above 0.1."""
    expected = one.rows * errors / n
    spread = math.sqrt(max(1e-12, expected * (1 - errors / n) * (1 - one.rows / n)))
    return one.errors > expected + 0.5 * spread


def _mask(cuts: Sequence[_Cut], one: _Candidate) -> NDArray[np.bool_]:
    inside = np.ones(len(cuts[0].codes), bool)
    for c, v in one.parts:
        inside &= cuts[c].codes == v
    return inside


class _Tail:
    """Fisher's exact test, one-sided: the probability of at least so many errors in a group if all rows are alike."""

    def __init__(self, n: int) -> None:
        self.log = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))

    def __call__(self, rows: int, errors: int, n: int, all_errors: int) -> float:
        if errors * n <= all_errors * rows:
            return 1.0
        top = min(rows, all_errors)
        k = np.arange(errors, top + 1)
        log = self.log
        start = log[all_errors] + log[n - all_errors] + log[rows] + log[n - rows] - log[n]
        terms = start - log[k] - log[all_errors - k] - log[rows - k] - log[n - all_errors - rows + k]
        return min(1.0, math.fsum(np.exp(terms[terms > -745]).tolist()))
