"""What is told of the rows that hold test items: which, how much of each, where, and what stands there."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text

from .overlap import Index
from .overlap_find import Hits, Parts
from .text import to_series


def tell(
    text: Text, view: str, parts: Parts, found: Hits, hits: NDArray[np.int64], firsts: NDArray[np.int64],
    share: NDArray[np.float64], index: Index,
) -> dict[str, pl.Series]:  # fmt: skip
    """The evidence of each row, null where nothing leaked.

    hits: the leaks, row by row, each row's best first; firsts: where those of each row begin; share: of the item that stands in the
    row, 0..1. `matches` is JSON: of each item its spans (view, message, start, end) in the row and (start, end) in the item, in code
    points; of the first also both texts around them.
    """
    from .kernels.overlap_tell import ITEM, ROW

    n = len(text.offsets) - 1
    coverage = pl.Series("coverage", found.best.astype(np.float32))
    if len(firsts) == 0:
        nothing = pl.Series("benchmark", [None], dtype=pl.String).new_from_index(0, n)
        same = {name: nothing.alias(name) for name in ("benchmark", "item", "words", "matches")}
        return {"benchmark": same["benchmark"], "item": same["item"], "coverage": coverage, **same}
    rows, item = hits[firsts, ROW], hits[firsts, ITEM]
    matches, words = _written(text, view, parts, found, hits, firsts, share, index)
    sets, numbers = index.set_of[item].tolist(), index.number_in_set[item].tolist()
    names = pl.Series([*(index.sets[k].name for k in sets), None], dtype=pl.String)
    ids = pl.Series([*(index.sets[k].items[j].id for k, j in zip(sets, numbers, strict=True)), None], dtype=pl.String)
    there = np.full(n, len(rows), np.uint32)  # the null at the end
    there[rows] = np.arange(len(rows))
    place = pl.Series(there)
    return {
        "benchmark": names.gather(place).alias("benchmark"),
        "item": ids.gather(place).alias("item"),
        "coverage": coverage,
        "words": to_series("words", _spread(words, rows, n)),
        "matches": to_series("matches", _spread(matches, rows, n)),
    }


def _spread(text: Text, rows: NDArray[np.int64], n: int) -> Text:
    """Texts as those of some of n rows."""
    sizes, valid = np.zeros(n + 1, np.int64), np.zeros(n, np.bool_)
    sizes[rows + 1] = np.diff(text.offsets)
    valid[rows] = True
    return Text(text.data, np.cumsum(sizes), valid)


def _written(
    text: Text, view: str, parts: Parts, found: Hits, hits: NDArray[np.int64], firsts: NDArray[np.int64],
    share: NDArray[np.float64], index: Index,
) -> tuple[Text, Text]:  # fmt: skip
    """Of each row with leaks the JSON and the first stretch of words that matched."""
    from .kernels import overlap_evidence as kernel
    from .kernels.overlap_quotes import LONGEST_WORDS
    from .kernels.overlap_tell import ITEM, PIECES, ROW, TOUCHED

    n = len(firsts)
    bounds = np.append(firsts, len(hits)).astype(np.int64)
    shown = np.frombuffer(json.dumps(view, ensure_ascii=False).encode(), np.uint8)
    rows = kernel.Rows(text.data, text.offsets, parts.starts, parts.offsets, parts.places, shown)
    complete = hits[:, TOUCHED] == index.lengths[hits[:, ITEM]]
    told = kernel.Found(hits, bounds, complete, _rounded(share), found.pieces, index.heads.data, index.heads.offsets)
    pieces = int(np.add.reduceat(hits[:, PIECES], firsts).max())
    claimed, whole = (np.empty((pieces + 1, 2), np.int64) for _ in range(2))
    places, spans = (np.empty((kernel.SPANS_TOLD, 2), np.int64) for _ in range(2))
    own, some = np.empty(kernel.ITEMS_TOLD, np.int64), np.empty(kernel.SPANS_TOLD, np.int64)
    stamps = np.zeros(len(index.lengths), np.int64)
    row = hits[firsts, ROW]
    room = 3 * int((text.offsets[row + 1] - text.offsets[row]).sum()) + 1024 * n + (1 << 16)
    offsets, used, done = [np.zeros(n + 1, np.int64) for _ in range(2)], np.zeros(3, np.int64), 0
    chunks: list[list[NDArray[np.uint8]]] = [[], []]
    totals = [0, 0]
    while done < n:
        out = [np.empty(room, np.uint8), np.empty(4 * LONGEST_WORDS * (n - done), np.uint8)]
        written = kernel.Told(out[0], offsets[0], out[1], offsets[1], claimed, whole, stamps)
        last = kernel.tell_groups(done, rows, told, index.items, index.lengths, written, own, some, places, spans, used)
        for k in range(2):
            chunks[k].append(out[k][: used[k]])
            offsets[k][done : last + 1] += totals[k]
            totals[k] += int(used[k])
        room, done = max(room, int(used[2])), last
    valid = np.ones(n, np.bool_)
    both = [chunk[0] if len(chunk) == 1 else np.concatenate(chunk) for chunk in chunks]
    return Text(both[0], offsets[0], valid), Text(both[1], offsets[1], valid)


def _rounded(share: NDArray[np.float64]) -> NDArray[np.int64]:
    """Shares in 1/10000, rounded as Python rounds to four places: by the decimal that the number is, halves to even."""
    values, inverse = np.unique(share, return_inverse=True)
    return np.array([int(round(value, 4) * 10000 + 0.5) for value in values.tolist()], np.int64)[inverse]
