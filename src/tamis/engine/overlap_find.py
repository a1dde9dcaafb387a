"""Where test items stand in rows, as the kernel finds them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .overlap import Index

MOST_PIECES = 1 << 16  # of one row


class Hits(NamedTuple):
    """What was found: hits (h, HIT) and pieces (k, PIECE) int64, see the kernel; best (n,): largest share per row, 0..1."""

    hits: NDArray[np.int64]
    pieces: NDArray[np.int64]
    best: NDArray[np.float64]
    hinted: NDArray[np.bool_]  # (n,): rows in which the index of signs is to be looked at


class Parts(NamedTuple):
    """Messages of each row of a view: where they begin in the row's bytes, whether the user's, their place in the chat."""

    starts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    spoken: NDArray[np.bool_]
    places: NDArray[np.int64]


def find(text: Text, parts: Parts, index: Index, *, whole: bool, least: float) -> Hits:
    """Every item of which a share of `least` or more stands in some row, as the kernel finds them."""
    from .kernels.overlap import find_overlaps
    from .kernels.overlap_tell import FIRST_PIECE, HIT, PIECE, ROW

    n = len(text.offsets) - 1
    room, piece_room = 1 << 14, 1 << 16
    best, hinted = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    work = _work(index, int(np.diff(text.offsets).max(initial=1)))
    found, pieces, told = [np.empty((0, HIT), np.int64)], [np.empty((0, PIECE), np.int64)], 0
    row = 0
    while row < n:
        hits, some = np.empty((room, HIT), np.int64), np.empty((piece_room, PIECE), np.int64)
        used = np.zeros(3, np.int64)
        work.stamps[:] = 0
        last = find_overlaps(
            text.data, text.offsets, row, parts.starts, parts.offsets, parts.spoken, *index.folds, index.long, index.fine, index.short,
            index.items, work, whole, int(10000 * least), best, hinted, hits, some, used,
        )  # fmt: skip
        if last < n:
            room, piece_room = 4 * room, 4 * piece_room
        row = last
        mine = hits[: used[0]].copy()
        mine[:, FIRST_PIECE] += told
        told += int(used[1])
        found.append(mine)
        pieces.append(some[: used[1]].copy())
    both = np.concatenate(found)
    return Hits(both[np.argsort(both[:, ROW], kind="stable")], np.concatenate(pieces), best / 10000, hinted)


def _work(index: Index, room: int) -> Any:
    """Memory for a search in rows of up to `room` bytes."""
    from .kernels.overlap_index import Work

    items = index.items
    n, longest = len(index.lengths), int((items.stops - items.starts).max(initial=0))
    words = [np.empty(room, np.int64) for _ in range(4)]
    each = [np.empty(n, np.int64) for _ in range(3)]
    bytes = [np.empty(room, np.uint8) for _ in range(3)]
    return Work(
        hashes=np.empty(room, np.uint64), starts=words[0], stops=words[1], kinds=bytes[0], places=words[2],
        stream=np.empty(room, np.uint64), stream_kinds=bytes[1], order=words[3], stamps=np.zeros(n, np.int64), ends=each[0],
        chains=each[1], touched=each[2], marks=np.empty(len(items.hashes), np.uint8),
        pieces=np.empty((MOST_PIECES, 4), np.int64), links=np.empty(MOST_PIECES, np.int64), counts=np.empty(3, np.int64),
        letters=np.empty(3 * room + 64, np.int32), others=np.empty(3 * longest + 64, np.int32), said=bytes[2],
        sums=np.empty(room + 1, np.uint64), at=np.empty(room + 1, np.int64), which=np.empty(room + 1, np.uint8),
        seeds=np.empty((3 * room + 3, 3), np.int64),
    )  # fmt: skip
