"""Growing a seed: how far a row and an item agree, to both sides, over small differences."""

from __future__ import annotations

import numpy as np

from .folded_words import DIGIT
from .jit import plain

ANCHOR = 3  # equal words that make a piece
PAIR = 2  # that do over as small a gap
DRIFT = 3  # words by which an item may have moved against a seed of it
GAP = 8  # most words put in, left out or changed between two pieces


@plain
def _equal_run(stream: np.ndarray, n: int, r: int, item: np.ndarray, p: int) -> int:
    """Equal words from r and p on."""
    k = 0
    while r + k < n and p + k < item.shape[0] and stream[r + k] == item[p + k]:
        k += 1
    return k


@plain
def _equal_back(stream: np.ndarray, r: int, item: np.ndarray, p: int) -> int:
    """Equal words before r and p."""
    k = 0
    while r - k > 0 and p - k > 0 and stream[r - k - 1] == item[p - k - 1]:
        k += 1
    return k


@plain
def promising(stream: np.ndarray, n: int, r: int, item: np.ndarray, p: int, enough: int) -> bool:
    """Whether a seed at r and p is worth growing: `enough` equal words in a row, or a third of the item near where it would stand,
    moved by no more than DRIFT words."""
    size = item.shape[0]
    back = _equal_back(stream, r, item, p)
    if back + _equal_run(stream, n, r, item, p) >= enough:
        return True
    equal, needed = 0, (size + 2) // 3
    for step in range(2 * DRIFT + 1):
        moved = (step + 1) // 2 if step % 2 else -(step // 2)
        at = r - p + moved
        for k in range(max(0, -at), min(size, n - at)):
            equal += stream[at + k] == item[k]
        if equal >= needed:
            return True
        if step == 2 and 3 * equal < needed:
            return False
    return False


@plain
def _changed(
    stream: np.ndarray, kinds: np.ndarray, r0: int, r1: int, item: np.ndarray, item_kinds: np.ndarray, p0: int, p1: int,
    mark: np.ndarray,
) -> None:  # fmt: skip
    """Mark the numbers of a gap in the item that the row has other numbers for; all its words, where the row has none."""
    if r0 == r1:
        for p in range(p0, p1):
            mark[p] |= 4
        return
    some = False
    for r in range(r0, r1):
        some |= kinds[r] == DIGIT
    if not some:
        return
    for p in range(p0, p1):
        if item_kinds[p] != DIGIT:
            continue
        there = False
        for r in range(r0, r1):
            there |= stream[r] == item[p]
        if not there:
            mark[p] |= 2


@plain
def _joins(run: int, dr: int, dp: int, ends: bool) -> bool:
    """Whether so many equal words after a gap of dr words in the row, dp in the item, go on with it; ends: with them the item does."""
    if run >= ANCHOR or (run >= PAIR and dr + dp <= PAIR):
        return True
    return run > 0 and ends and ((dp == dr and dp <= PAIR) or (dp <= 1 and dr <= 1))


@plain
def grow(
    stream: np.ndarray, kinds: np.ndarray, n: int, r: int, item: np.ndarray, item_kinds: np.ndarray, p: int,
    mark: np.ndarray, pieces: np.ndarray, count: int, whole: bool,
) -> tuple[int, int]:  # fmt: skip
    """Grow a seed at row word r, item word p. Marks the item's words (1 equal, 2 another number stands there,
    4 left out, with nothing in their place) and writes
    pieces (row word, item word, words). Returns (pieces in all, the row word at which it ends)."""
    size = item.shape[0]
    back = _equal_back(stream, r, item, p)
    length = back + _equal_run(stream, n, r, item, p)
    r0, p0 = r - back, p - back
    if whole and length < size:
        return count, r  # another of its seeds may stand one word on
    r1, p1 = r0 + length, p0 + length
    for k in range(p0, p1):
        mark[k] |= 1
    if count < pieces.shape[0]:
        pieces[count, 0], pieces[count, 1], pieces[count, 2] = r0, p0, length
        count += 1
    while p1 < size and r1 < n:  # to the right
        found = False
        for total in range(1, 2 * GAP + 1):
            for dp in range(max(0, total - GAP), min(GAP, total) + 1):
                dr = total - dp
                if p1 + dp >= size or r1 + dr >= n:
                    continue
                run = _equal_run(stream, n, r1 + dr, item, p1 + dp)
                if _joins(run, dr, dp, p1 + dp + run == size):
                    found = True
                    _changed(stream, kinds, r1, r1 + dr, item, item_kinds, p1, p1 + dp, mark)
                    for k in range(p1 + dp, p1 + dp + run):
                        mark[k] |= 1
                    if count < pieces.shape[0]:
                        pieces[count, 0], pieces[count, 1], pieces[count, 2] = r1 + dr, p1 + dp, run
                        count += 1
                    r1, p1 = r1 + dr + run, p1 + dp + run
                    break
            if found:
                break
        if not found:
            last = min(size - p1, GAP)
            _changed(stream, kinds, r1, min(n, r1 + last), item, item_kinds, p1, p1 + last, mark)
            break
    while p0 > 0 and r0 > 0:  # to the left
        found = False
        for total in range(1, 2 * GAP + 1):
            for dp in range(max(0, total - GAP), min(GAP, total) + 1):
                dr = total - dp
                if p0 - dp <= 0 or r0 - dr <= 0:
                    continue
                run = _equal_back(stream, r0 - dr, item, p0 - dp)
                if _joins(run, dr, dp, p0 - dp - run == 0):
                    found = True
                    _changed(stream, kinds, r0 - dr, r0, item, item_kinds, p0 - dp, p0, mark)
                    for k in range(p0 - dp - run, p0 - dp):
                        mark[k] |= 1
                    r0, p0 = r0 - dr - run, p0 - dp - run
                    if count < pieces.shape[0]:
                        pieces[count, 0], pieces[count, 1], pieces[count, 2] = r0, p0, run
                        count += 1
                    break
            if found:
                break
        if not found:
            last = min(p0, GAP)
            _changed(stream, kinds, max(0, r0 - last), r0, item, item_kinds, p0 - last, p0, mark)
            break
    return count, r1
