"""Which rows hold test items: from the overlaps found to a verdict with its evidence."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Text
from tamis.core.row import CHAT_VIEWS, SEPARATOR, view_column

from .frame import select_messages
from .overlap import Hits, Index, bare, find

ENOUGH = 6  # halves of telling words that an item must share, or its answer stands near
ENOUGH_SIGNS, ENOUGH_BARE = 3, 20  # brackets and the like, and characters, that tell as much where they are all the same
TOLD_ITEMS = 200  # items of one row that are told one by one
TOLD_SPANS = 40
EXCERPT, MARGIN = 500, 60  # characters of a text that the evidence quotes, and around what matched
QUESTION, SHORT, ANSWER = 1, 2, 3


class Rule(NamedTuple):
    """When an item counts as leaked. coverage: share that must stand in the row, of items of `long` words or more; below,
    the share grows until all of `n` words must. whole: the whole item; equal: and nothing else in the message."""

    n: int
    coverage: float
    long: int
    numbers: bool
    whole: bool = False
    equal: bool = False


class Leaks(NamedTuple):
    """Per row: kind 0 (none), QUESTION, SHORT or ANSWER; evidence by name."""

    kind: NDArray[np.int8]
    evidence: dict[str, pl.Series]


class _Parts(NamedTuple):
    """Messages of each row of a view: where they begin in the row's bytes, whether the user's, their place in the chat."""

    starts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    spoken: NDArray[np.bool_]
    places: NDArray[np.int64]


def find_leaks(rows: Columns, view: str, index: Index, rule: Rule) -> Leaks:
    """Look for every item of the index in every row."""
    text = rows.buffers(view)
    parts = _parts(rows, view, text)
    found = find(text, parts.starts, parts.offsets, parts.spoken, index, rule.whole)
    leaked, share = _judge(found, index, rule, text)
    return _told(text, view, parts, found, leaked, share, index, rule)


def _parts(rows: Columns, view: str, text: Text) -> _Parts:
    n = len(text.offsets) - 1
    if view not in CHAT_VIEWS or view_column(view) not in rows.names:
        zeros = np.zeros(n, np.int64)
        return _Parts(zeros, np.arange(n + 1, dtype=np.int64), np.zeros(n, np.bool_), zeros)
    chat = rows.chat(view_column(view))
    content = chat.messages["content"]
    chosen = np.flatnonzero(select_messages(view, chat) & content.is_not_null().to_numpy())
    row = np.searchsorted(chat.starts, chosen, side="right") - 1
    sizes = content.str.len_bytes().fill_null(0).to_numpy().astype(np.int64)[chosen] + len(SEPARATOR)
    offsets = np.searchsorted(row, np.arange(n + 1)).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(sizes)])
    starts = before[:-1] - before[offsets[row]]
    spoken = (chat.messages["role"] == "user").fill_null(False).to_numpy()[chosen]
    return _Parts(starts, offsets, np.ascontiguousarray(spoken), (chosen - chat.starts[row]).astype(np.int64))


def _judge(found: Hits, index: Index, rule: Rule, text: Text) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Per hit: whether it is a leak, and the share of the item that stands in the row."""
    from .kernels import overlap as kernel

    hits = found.hits
    item = hits[:, kernel.ITEM]
    share = hits[:, kernel.COVERED] / np.maximum(hits[:, kernel.WEIGHT], 1)
    length = index.lengths[item]
    slope = np.clip((rule.long - length) / max(1, rule.long - rule.n), 0.0, 1.0)
    least = rule.coverage + (1 - rule.coverage) * slope
    leaked = share >= (1.0 if rule.whole else least) - 1e-9
    if rule.numbers:
        leaked &= hits[:, kernel.CHANGED] * 10 <= index.numbers[item]
    if rule.equal:
        leaked &= hits[:, kernel.WHOLE] == 1
    enough = (hits[:, kernel.CONTENT] >= ENOUGH) | (hits[:, kernel.NEAR] == 1) | (hits[:, kernel.WHOLE] == 1)
    for k in np.flatnonzero(leaked & (index.strict[item] | ~enough)).tolist():
        i = int(item[k])
        same = _stands(text, found, k, index.texts[i])
        signs = sum(not c.isalnum() for c in bare(index.texts[i]))
        telling = same and signs >= ENOUGH_SIGNS and len(bare(index.texts[i])) >= ENOUGH_BARE
        leaked[k] = (same or not index.strict[i]) and bool(enough[k] or telling)
    return leaked, share


def _stands(text: Text, found: Hits, hit: int, item: str) -> bool:
    """Whether an item stands in the row sign by sign, white space and case aside."""
    from .kernels import overlap as kernel

    line = found.hits[hit]
    first, count = int(line[kernel.FIRST_PIECE]), int(line[kernel.PIECES])
    pieces = found.pieces[first : first + count]
    begin, end = (int(text.offsets[line[kernel.ROW] + k]) for k in (0, 1))
    room = 2 * len(item.encode())
    low = max(begin, begin + int(pieces[:, 2].min()) - room)
    high = min(end, begin + int(pieces[:, 3].max()) + room)
    return bare(item) in bare(text.data[low:high].tobytes().decode("utf-8", "replace").replace(SEPARATOR, " "))


# -- evidence -----------------------------------------------------------------------------------


def _told(
    text: Text, view: str, parts: _Parts, found: Hits, leaked: NDArray[np.bool_], share: NDArray[np.float64],
    index: Index, rule: Rule,
) -> Leaks:  # fmt: skip
    from .kernels import overlap as kernel

    n = len(text.offsets) - 1
    hits = found.hits
    item = hits[:, kernel.ITEM]
    kinds = np.where(index.is_answer[item], ANSWER, np.where(index.lengths[item] < rule.n, SHORT, QUESTION))
    kind = np.zeros(n, np.int8)
    coverage = np.zeros(n, np.float32)
    np.maximum.at(coverage, hits[:, kernel.ROW], share.astype(np.float32))
    # of a row's hits: leaks first, then questions before answers, the larger share, the longer, the first item
    order = np.lexsort((item, -index.lengths[item], -share, kinds == ANSWER, ~leaked, hits[:, kernel.ROW]))
    rows_of = hits[order, kernel.ROW]
    firsts = np.flatnonzero(np.concatenate([[True], rows_of[1:] != rows_of[:-1]])) if len(order) else np.empty(0, np.int64)
    best = order[firsts]
    names: list[str | None] = [None] * n
    ids: list[str | None] = [None] * n
    matches: list[str | None] = [None] * n
    words: list[str | None] = [None] * n
    for start, hit in zip(firsts.tolist(), best.tolist(), strict=True):
        row = int(hits[hit, kernel.ROW])
        if not leaked[hit]:
            continue
        kind[row] = kinds[hit]
        stop = int(np.searchsorted(rows_of, row, side="right"))
        mine = [h for h in order[start:stop].tolist() if leaked[h]]
        seen: set[int] = set()
        told: list[dict[str, Any]] = []
        for h in mine:
            i = int(item[h])
            if i in seen:
                continue
            seen.add(i)
            if len(told) < TOLD_ITEMS:
                told.append(_match(text, view, parts, found, h, float(share[h]), index, full=not told))
        one = index.sets[index.set_of[item[hit]]]
        names[row], ids[row] = one.name, told[0]["item"]
        words[row] = told[0]["row_text"][told[0]["row_marks"][0][0] : told[0]["row_marks"][0][1]][:200]
        matches[row] = json.dumps(told, ensure_ascii=False)
    coverage[~text.valid] = 0
    evidence = {
        "benchmark": pl.Series(names, dtype=pl.String),
        "item": pl.Series(ids, dtype=pl.String),
        "coverage": pl.Series(coverage),
        "words": pl.Series(words, dtype=pl.String),
        "matches": pl.Series(matches, dtype=pl.String),
    }
    return Leaks(kind, evidence)


def _match(
    text: Text, view: str, parts: _Parts, found: Hits, hit: int, share: float, index: Index, *, full: bool
) -> dict[str, Any]:
    """One item in one row. spans: (view, message, start, end) in the row, (start, end) in the item, in code points."""
    from .kernels import overlap as kernel

    line = found.hits[hit]
    row, i = int(line[kernel.ROW]), int(line[kernel.ITEM])
    one = index.sets[index.set_of[i]]
    first, count = int(line[kernel.FIRST_PIECE]), int(line[kernel.PIECES])
    pieces = found.pieces[first : first + count]
    pieces = pieces[np.argsort(pieces[:, 2], kind="stable")][:TOLD_SPANS]
    raw = text.data[text.offsets[row] : text.offsets[row + 1]].tobytes()
    spans = [_span(raw, view, parts, row, int(a), int(b)) for _, _, a, b in pieces.tolist()]
    item_spans = [_item_span(index, i, int(p), int(size)) for p, size, _, _ in pieces.tolist()]
    told: dict[str, Any] = {
        "benchmark": one.name, "items": len(one.items), "item": one.items[index.number_in_set[i]].id,
        "part": "answer" if index.is_answer[i] else "question", "coverage": round(share, 4),
        "words": int(line[kernel.TOUCHED]), "of": int(index.lengths[i]), "spans": spans, "item_spans": item_spans,
    }  # fmt: skip
    if full:
        whole = raw.decode("utf-8", "replace")
        marks = [(len(raw[:a].decode("utf-8", "replace")), len(raw[:b].decode("utf-8", "replace"))) for _, _, a, b in pieces.tolist()]
        told["row_text"], told["row_marks"] = excerpt(whole.replace(SEPARATOR, "\n"), marks)
        told["item_text"], told["item_marks"] = excerpt(index.texts[i], item_spans)
    return told


def _span(raw: bytes, view: str, parts: _Parts, row: int, start: int, end: int) -> list[Any]:
    """Bytes of a row as (view, message, start, end) in code points of the message."""
    first, last = int(parts.offsets[row]), int(parts.offsets[row + 1])
    part = first + int(np.searchsorted(parts.starts[first:last], start, side="right")) - 1
    begin = int(parts.starts[part])
    low = len(raw[begin:start].decode("utf-8", "replace"))
    return [view, int(parts.places[part]), low, low + len(raw[start:end].decode("utf-8", "replace"))]


def _item_span(index: Index, item: int, word: int, size: int) -> tuple[int, int]:
    """Words of an item as (start, end) in code points of its text."""
    items = index.items
    first = int(items.bounds[item]) + word
    base = int(index.offsets[item])
    start, stop = int(items.starts[first]), int(items.stops[first + size - 1])
    low = len(items.data[base:start].tobytes().decode("utf-8", "replace"))
    return low, low + len(items.data[start:stop].tobytes().decode("utf-8", "replace"))


def excerpt(whole: str, marks: list[tuple[int, int]]) -> tuple[str, list[list[int]]]:
    """A piece of a text around what is marked, and the marks in it.

    >>> excerpt("one two three", [(4, 7)])
    ('one two three', [[4, 7]])
    """
    low = max(0, min(a for a, _ in marks) - MARGIN)
    high = min(len(whole), max(b for _, b in marks) + MARGIN, low + EXCERPT)
    head, tail = ("…" if low else ""), ("…" if high < len(whole) else "")
    moved = [[max(a, low) - low + len(head), min(b, high) - low + len(head)] for a, b in sorted(marks) if a < high and b > low]
    return head + whole[low:high] + tail, moved
