"""The evidence of leaked rows as JSON, written row by row: which items, how much of them, where, and what stands there.

A *group* is the leaks of one row, best first.
"""

# mypy: disable-error-code="arg-type,call-arg,var-annotated"

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import plain
from .json_encode import SLACK
from .overlap_index import Items
from .overlap_quotes import (
    LONGEST_WORDS,
    after,
    points_in,
    put,
    put_marked,
    put_number,
    put_pairs,
    put_share,
    put_words,
)
from .overlap_tell import FIRST_PIECE, ITEM, PIECES, ROW, TOUCHED

ITEMS_TOLD = 200  # items of one row that are told one by one
SPANS_TOLD = 40
NUMBER = 20  # digits of the longest


def _key(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


_WORDS, _OF, _SPANS, _ITEM_SPANS = (
    _key(', "words": '),
    _key(', "of": '),
    _key(', "spans": ['),
    _key('], "item_spans": '),
)
_ROW_TEXT, _ROW_MARKS = _key(', "row_text": '), _key(', "row_marks": ')
_ITEM_TEXT, _ITEM_MARKS = _key(', "item_text": '), _key(', "item_marks": ')
_KEYS = sum(len(key) for key in (_WORDS, _OF, _SPANS, _ITEM_SPANS, _ROW_TEXT, _ROW_MARKS, _ITEM_TEXT, _ITEM_MARKS))


class Rows(NamedTuple):
    """The rows searched. data, offsets: their bytes; parts, part_offsets, places: their messages, as in `Parts`; named: the view
    name as JSON."""

    data: np.ndarray
    offsets: np.ndarray
    parts: np.ndarray
    part_offsets: np.ndarray
    places: np.ndarray
    named: np.ndarray


class Found(NamedTuple):
    """What is told. hits (h, HIT), those of group g `bounds[g]:bounds[g + 1]`; complete bool: all words of the item are there;
    shares int64: of the item, in 1/10000; pieces (k, PIECE) of all hits; heads, head_offsets: what is written first of each item."""

    hits: np.ndarray
    bounds: np.ndarray
    complete: np.ndarray
    shares: np.ndarray
    pieces: np.ndarray
    heads: np.ndarray
    head_offsets: np.ndarray


class Told(NamedTuple):
    """Where it is written. matches: JSON; words: the first stretch that matched; each cut by its offsets (g + 1,). claimed, whole
    (c, 2) int64: memory for the stretches of one group; stamps (items,) int64, all 0."""

    matches: np.ndarray
    match_offsets: np.ndarray
    words: np.ndarray
    word_offsets: np.ndarray
    claimed: np.ndarray
    whole: np.ndarray
    stamps: np.ndarray


@plain
def _claim(claimed: np.ndarray, n: int, start: int, stop: int) -> int:
    """Add a stretch to those that are apart, in order, as one with those it meets; returns how many there are."""
    first = 0
    while first < n and claimed[first, 1] < start:
        first += 1
    last = first
    while last < n and claimed[last, 0] <= stop:
        start, stop = min(start, claimed[last, 0]), max(stop, claimed[last, 1])
        last += 1
    gap = 1 - (last - first)
    if gap > 0:
        for k in range(n - 1, first - 1, -1):
            claimed[k + 1, 0], claimed[k + 1, 1] = claimed[k, 0], claimed[k, 1]
    elif gap < 0:
        for k in range(last, n):
            claimed[k + gap, 0], claimed[k + gap, 1] = claimed[k, 0], claimed[k, 1]
    claimed[first, 0], claimed[first, 1] = start, stop
    return n + gap


@plain
def _own(found: Found, group: int, told: Told, own: np.ndarray) -> int:
    """Of a group the leaks with words of their own: variants of an item (other names in the same question) are not all leaked
    because one is; the same item in two test sets counts in both. Writes which, ITEMS_TOLD at most, and returns how many."""
    claimed, whole = told.claimed, told.whole
    n = claims = wholes = 0
    for h in range(found.bounds[group], found.bounds[group + 1]):
        item, first, count = found.hits[h, ITEM], found.hits[h, FIRST_PIECE], found.hits[h, PIECES]
        if told.stamps[item] == group + 1:
            continue
        twin = False
        start, stop = found.pieces[first, 2], found.pieces[first, 3]
        if found.complete[h] and count == 1:
            for k in range(wholes):
                twin |= whole[k, 0] == start and whole[k, 1] == stop
        if not twin:
            size = taken = 0
            for piece in range(first, first + count):
                start, stop = found.pieces[piece, 2], found.pieces[piece, 3]
                size += stop - start
                for k in range(claims):
                    taken += max(0, min(stop, claimed[k, 1]) - max(start, claimed[k, 0]))
            if 2 * taken >= size:
                continue
            for piece in range(first, first + count):
                claims = _claim(claimed, claims, found.pieces[piece, 2], found.pieces[piece, 3])
            if found.complete[h] and count == 1:
                whole[wholes, 0], whole[wholes, 1] = start, stop
                wholes += 1
        told.stamps[item] = group + 1
        own[n] = h
        n += 1
        if n == ITEMS_TOLD:
            break
    return n


@plain
def _first_pieces(pieces: np.ndarray, first: int, count: int, chosen: np.ndarray) -> int:
    """The pieces that begin first in the row, SPANS_TOLD at most, in order; equal ones as they stand. Returns how many."""
    n = 0
    for piece in range(first, first + count):
        start = pieces[piece, 2]
        if n == SPANS_TOLD and start >= pieces[chosen[n - 1], 2]:
            continue
        k = n - 1 if n == SPANS_TOLD else n
        n = k + 1
        while k > 0 and pieces[chosen[k - 1], 2] > start:
            chosen[k] = chosen[k - 1]
            k -= 1
        chosen[k] = piece
    return n


@plain
def _in_order(pairs: np.ndarray, n: int) -> None:
    """Sort the first n pairs."""
    for i in range(1, n):
        a, b = pairs[i, 0], pairs[i, 1]
        k = i
        while k > 0 and (pairs[k - 1, 0] > a or (pairs[k - 1, 0] == a and pairs[k - 1, 1] > b)):
            pairs[k, 0], pairs[k, 1] = pairs[k - 1, 0], pairs[k - 1, 1]
            k -= 1
        pairs[k, 0], pairs[k, 1] = a, b


@plain
def tell_groups(
    first: int, rows: Rows, found: Found, items: Items, lengths: np.ndarray, told: Told, own: np.ndarray, chosen: np.ndarray,
    places: np.ndarray, spans: np.ndarray, used: np.ndarray,
) -> int:  # fmt: skip
    """Write the groups from `first` on; returns the group for which there was no room (or how many there are).

    lengths: words of each item. own (ITEMS_TOLD,), chosen (SPANS_TOLD,), places, spans (SPANS_TOLD, 2) int64: memory. used (3,):
    bytes of matches and of words that were written, and how many the group needs that had no room, at most.
    """
    out, at, words_at, done = told.matches, 0, 0, first
    base = items.data
    for group in range(first, found.bounds.shape[0] - 1):
        told.match_offsets[group], told.word_offsets[group] = at, words_at
        row = found.hits[found.bounds[group], ROW]
        begin, end = rows.offsets[row], rows.offsets[row + 1]
        n = _own(found, group, told, own)
        top = found.hits[own[0], ITEM]
        need = 6 * (end - begin + items.offsets[top + 1] - items.offsets[top]) + _KEYS + 8 * SLACK
        for k in range(n):
            item, size = found.hits[own[k], ITEM], min(found.hits[own[k], PIECES], SPANS_TOLD)
            need += found.head_offsets[item + 1] - found.head_offsets[item] + _KEYS + 4 * NUMBER
            need += size * (rows.named.shape[0] + 12 * NUMBER)
        if at + need > out.shape[0] or words_at + 4 * LONGEST_WORDS > told.words.shape[0]:
            for k in range(n):  # they are told another time
                told.stamps[found.hits[own[k], ITEM]] = 0
            used[2] = need
            break
        out[at] = 0x5B
        at += 1
        for k in range(n):
            h = own[k]
            item = found.hits[h, ITEM]
            if k:
                out[at], out[at + 1] = 0x2C, 0x20
                at += 2
            for j in range(found.head_offsets[item], found.head_offsets[item + 1]):
                out[at] = found.heads[j]
                at += 1
            at = put_share(found.shares[h], out, at)
            at = put(_WORDS, out, at)
            at = put_number(found.hits[h, TOUCHED], out, at)
            at = put(_OF, out, at)
            at = put_number(lengths[item], out, at)
            at = put(_SPANS, out, at)
            size = _first_pieces(found.pieces, found.hits[h, FIRST_PIECE], found.hits[h, PIECES], chosen)
            word, text = items.bounds[item], items.offsets[item]
            part, point, byte = rows.part_offsets[row], 0, 0  # code points before the byte
            part_point, part_byte = 0, 0  # and before the message
            item_first = items.offsets[item + 1]
            for j in range(size):
                piece = chosen[j]
                start, stop = found.pieces[piece, 2], found.pieces[piece, 3]
                point += points_in(rows.data, begin + byte, begin + start)
                byte = start
                places[j, 0], places[j, 1] = point, point + points_in(rows.data, begin + start, begin + stop)
                while part + 1 < rows.part_offsets[row + 1] and rows.parts[part + 1] <= start:
                    part += 1
                part_point += points_in(rows.data, begin + part_byte, begin + rows.parts[part])
                part_byte = rows.parts[part]
                p = word + found.pieces[piece, 0]
                low, high = items.starts[p], items.stops[p + found.pieces[piece, 1] - 1]
                spans[j, 0] = points_in(base, text, low)
                spans[j, 1] = spans[j, 0] + points_in(base, low, high)
                item_first = min(item_first, low)
                if j:
                    out[at], out[at + 1] = 0x2C, 0x20
                    at += 2
                out[at] = 0x5B
                at = put(rows.named, out, at + 1)
                for value in (rows.places[part], places[j, 0] - part_point, places[j, 1] - part_point):
                    out[at], out[at + 1] = 0x2C, 0x20
                    at = put_number(value, out, at + 2)
                out[at] = 0x5D
                at += 1
            at = put(_ITEM_SPANS, out, at)
            at = put_pairs(spans, size, 0, out, at)
            if k == 0:
                start = found.pieces[chosen[0], 2]
                _in_order(places, size)
                _in_order(spans, size)
                at = put_marked(rows.data, begin, end, begin + start, places, size, _ROW_TEXT, _ROW_MARKS, out, at)
                at = put_marked(
                    base, text, items.offsets[item + 1], item_first, spans, size, _ITEM_TEXT, _ITEM_MARKS, out, at
                )  # fmt: skip
                stop, count = begin + start, places[0, 1] - places[0, 0]
                while count:
                    stop = after(rows.data, stop, end)
                    count -= 1
                words_at = put_words(rows.data, begin + start, stop, told.words, words_at)
            out[at] = 0x7D
            at += 1
        out[at] = 0x5D
        at += 1
        done = group + 1
        told.match_offsets[done], told.word_offsets[done] = at, words_at
    used[0], used[1] = at, words_at
    return done
