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
from .overlap import Hits, Index, Parts, find

ENOUGH = 6  # halves of telling words that an item must share, or its answer stands near
MUCH = 10  # in the middle of a sentence, of an item shorter than an n-gram
PASSAGE = (
    60  # words of an item that may begin with a passage others quote: some of its end must be shared, or its answer
)
LITTLE = 2  # such halves, where the item is a sentence of its own
ENOUGH_SIGNS, ENOUGH_SIGNED = 2, 5  # or brackets and the like, in so many words, where all signs are the same
SLIGHT = 0.85  # share of an item's words that must stand in the row, where no telling word of it is another
TOLD_ITEMS = 200  # items of one row that are told one by one
TOLD_SPANS = 40
LONGEST_WORDS = 200
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


def find_leaks(rows: Columns, view: str, index: Index, rule: Rule) -> Leaks:
    """Look for every item of the index in every row."""
    text = rows.buffers(view)
    return _leaks(text, _parts(rows, view, text), view, index, rule)


def _leaks(text: Text, parts: Parts, view: str, index: Index, rule: Rule) -> Leaks:
    found = find(text, parts, index, whole=rule.whole, least=rule.coverage)
    leaked, share = _judge(found, index, rule)
    told = _told(text, view, parts, found, leaked, share, index, rule)
    if index.signed is None or not found.hinted.any():
        return told
    rows = np.flatnonzero(found.hinted)
    return _with(told, _leaks(*_some(text, parts, rows), view, index.signed, rule), rows)


def _some(text: Text, parts: Parts, rows: NDArray[np.int64]) -> tuple[Text, Parts]:
    """Some rows of a view."""
    pieces = [text.data[text.offsets[row] : text.offsets[row + 1]] for row in rows.tolist()]
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    sizes = np.diff(parts.offsets)[rows]
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    kept = np.repeat(parts.offsets[rows] - bounds[:-1], sizes) + np.arange(bounds[-1])
    some = Parts(parts.starts[kept], bounds, parts.spoken[kept], parts.places[kept])
    return Text(np.concatenate(pieces), offsets, text.valid[rows]), some


def _with(told: Leaks, more: Leaks, rows: NDArray[np.int64]) -> Leaks:
    """What was found, and in some rows more: of these the first where nothing was."""
    kind = told.kind.copy()
    new = (kind[rows] == 0) & (more.kind > 0)
    kind[rows[new]] = more.kind[new]
    evidence = {}
    for name, values in told.evidence.items():
        if name == "coverage":
            best = values.to_numpy().copy()
            best[rows] = np.maximum(best[rows], more.evidence[name].to_numpy())
            evidence[name] = pl.Series(best)
        else:
            evidence[name] = values.scatter(rows[new], more.evidence[name].filter(pl.Series(new)))
    return Leaks(kind, evidence)


def _parts(rows: Columns, view: str, text: Text) -> Parts:
    n = len(text.offsets) - 1
    if view not in CHAT_VIEWS or view_column(view) not in rows.names:
        zeros = np.zeros(n, np.int64)
        return Parts(zeros, np.arange(n + 1, dtype=np.int64), np.zeros(n, np.bool_), zeros)
    chat = rows.chat(view_column(view))
    content = chat.messages["content"]
    chosen = np.flatnonzero(select_messages(view, chat) & content.is_not_null().to_numpy())
    row = np.searchsorted(chat.starts, chosen, side="right") - 1
    sizes = content.str.len_bytes().fill_null(0).to_numpy().astype(np.int64)[chosen] + len(SEPARATOR)
    offsets = np.searchsorted(row, np.arange(n + 1)).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(sizes)])
    starts = before[:-1] - before[offsets[row]]
    spoken = (chat.messages["role"] == "user").fill_null(False).to_numpy()[chosen]
    return Parts(starts, offsets, np.ascontiguousarray(spoken), (chosen - chat.starts[row]).astype(np.int64))


def _judge(found: Hits, index: Index, rule: Rule) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Per hit: whether it is a leak, and the share of the item that stands in the row."""
    from .kernels import overlap_tell as kernel

    hits = found.hits
    item = hits[:, kernel.ITEM]
    share = hits[:, kernel.COVERED] / np.maximum(hits[:, kernel.WEIGHT], 1)
    length = index.lengths[item]
    slope = np.clip((rule.long - length) / max(1, rule.long - rule.n), 0.0, 1.0)
    least = rule.coverage + (1 - rule.coverage) * slope
    leaked = share >= (1.0 if rule.whole else least) - 1e-9
    if not rule.whole:
        leaked = _close(hits, index, leaked, share, rule)
    if rule.numbers:
        leaked &= hits[:, kernel.CHANGED] * 10 <= index.numbers[item]
    if rule.equal:
        leaked &= hits[:, kernel.WHOLE] == 1
    content, same = hits[:, kernel.CONTENT], hits[:, kernel.SAME] == 1
    signed = same & (index.signs[item] >= ENOUGH_SIGNS) & (length >= ENOUGH_SIGNED)
    bounded = hits[:, kernel.BOUNDED]
    near, alone = hits[:, kernel.NEAR] == 1, hits[:, kernel.WHOLE] == 1
    sentence = (bounded == 3) & ((content >= LITTLE) | signed)
    enough = content >= np.where((length >= rule.n) | (bounded > 0), ENOUGH, MUCH)
    near &= (length >= rule.n) | (bounded == 3) | ((bounded > 0) & (content >= LITTLE))
    passage = (length >= PASSAGE) & (hits[:, kernel.ENDED] == 0) & ~index.is_answer[item]
    leaked &= ~passage | (hits[:, kernel.NEAR] == 1)
    leaked &= enough | near | alone | sentence
    return leaked, share


def _close(
    hits: NDArray[np.int64], index: Index, enough: NDArray[np.bool_], share: NDArray[np.float64], rule: Rule
) -> NDArray[np.bool_]:
    """Of hits with `enough` of their items those that share n words in a row, or as much of the telling words, too; and those
    with slight differences: no telling word has another in its place."""
    from .kernels import overlap_tell as kernel

    item = hits[:, kernel.ITEM]
    length, content = index.lengths[item], index.content[item]
    telling = np.where(content > 0, hits[:, kernel.CONTENT] / np.maximum(content, 1), 1.0)
    alike = hits[:, kernel.TOUCHED] / (length + hits[:, kernel.PUT_IN])  # words put in are differences, too
    slight = (hits[:, kernel.OTHER] == 0) & (np.minimum(np.minimum(share, telling), alike) >= SLIGHT - 1e-9)
    slight &= (length > rule.n) & (rule.coverage <= SLIGHT)
    whole_grams = hits[:, kernel.LONGEST] >= rule.n
    alike_enough = (telling >= rule.coverage) & ((length >= rule.long) | (np.minimum(alike, telling) >= SLIGHT))
    return np.asarray((enough & (whole_grams | alike_enough)) | slight, np.bool_)


# -- evidence -----------------------------------------------------------------------------------


def _told(
    text: Text, view: str, parts: Parts, found: Hits, leaked: NDArray[np.bool_], share: NDArray[np.float64],
    index: Index, rule: Rule,
) -> Leaks:  # fmt: skip
    from .kernels import overlap_tell as kernel

    n = len(text.offsets) - 1
    chosen = np.flatnonzero(leaked)
    hits, item = found.hits[chosen], found.hits[chosen, kernel.ITEM]
    size = index.lengths[item]
    kinds = np.where(index.is_answer[item], ANSWER, np.where(size < rule.n, SHORT, QUESTION))
    complete = hits[:, kernel.TOUCHED] == size
    # of a row's leaks: questions before answers, the larger share, the longer, the first item
    order = np.lexsort((item, -size, -share[chosen], ~complete, kinds == ANSWER, hits[:, kernel.ROW]))
    kind = np.zeros(n, np.int8)
    names: list[str | None] = [None] * n
    ids: list[str | None] = [None] * n
    words: list[str | None] = [None] * n
    matches: list[str | None] = [None] * n
    encode = json.JSONEncoder(ensure_ascii=False).encode
    rows_of = hits[order, kernel.ROW]
    starts = np.flatnonzero(np.diff(rows_of, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=False):
        mine = order[start:stop]
        row = int(rows_of[start])
        own = [int(chosen[h]) for h in _own(found, hits, complete, mine)]
        told = [
            _match(text, view, parts, found, h, float(share[h]), index, full=not k)
            for k, h in enumerate(own[:TOLD_ITEMS])
        ]
        kind[row] = kinds[mine[0]]
        names[row], ids[row] = told[0]["benchmark"], told[0]["item"]
        low, high = told[0]["row_marks"][0]
        words[row] = _cut(told[0]["row_text"][low:high])
        matches[row] = encode(told)
    evidence = {
        "benchmark": pl.Series(names, dtype=pl.String),
        "item": pl.Series(ids, dtype=pl.String),
        "coverage": pl.Series(found.best.astype(np.float32)),
        "words": pl.Series(words, dtype=pl.String),
        "matches": pl.Series(matches, dtype=pl.String),
    }
    return Leaks(kind, evidence)


def _cut(text: str) -> str:
    """A text of at most LONGEST_WORDS characters, whole words."""
    return text if len(text) <= LONGEST_WORDS else text[:LONGEST_WORDS].rsplit(None, 1)[0]


def _own(found: Hits, hits: NDArray[np.int64], complete: NDArray[np.bool_], mine: NDArray[np.int64]) -> list[int]:
    """Of a row's leaks, best first, those with words of their own: variants of an item (other names in the same question)
    are not all leaked because one is. The same item in two test sets counts in both."""
    from .kernels import overlap_tell as kernel

    if len(mine) == 1:
        return [int(mine[0])]
    own: list[int] = []
    seen: set[int] = set()
    claimed: list[tuple[int, int]] = []
    whole: set[tuple[int, int]] = set()
    for h in mine.tolist():
        item = int(hits[h, kernel.ITEM])
        if item in seen:
            continue
        first, count = int(hits[h, kernel.FIRST_PIECE]), int(hits[h, kernel.PIECES])
        pieces = [(a, b) for a, b in found.pieces[first : first + count, 2:].tolist()]
        twin = bool(complete[h]) and len(pieces) == 1 and pieces[0] in whole
        if not twin:
            taken = sum(_shared(piece, claimed) for piece in pieces)
            if 2 * taken >= sum(b - a for a, b in pieces):
                continue
        seen.add(item)
        own.append(h)
        whole |= set(pieces) if complete[h] and len(pieces) == 1 else set()
        claimed = claimed if twin else _joined([*claimed, *pieces])
    return own


def _shared(piece: tuple[int, int], claimed: list[tuple[int, int]]) -> int:
    """How much of a stretch lies in stretches that do not overlap, in order."""
    a, b = piece
    return sum(min(b, d) - max(a, c) for c, d in claimed if c < b and d > a)


def _joined(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same stretches in order, those that overlap as one."""
    out: list[tuple[int, int]] = []
    for a, b in sorted(pieces):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out


def _match(
    text: Text, view: str, parts: Parts, found: Hits, hit: int, share: float, index: Index, *, full: bool
) -> dict[str, Any]:
    """One item in one row. spans: (view, message, start, end) in the row, (start, end) in the item, in code points."""
    from .kernels import overlap_tell as kernel

    line = found.hits[hit].tolist()
    row, i = line[kernel.ROW], line[kernel.ITEM]
    one = index.sets[index.set_of[i]]
    first, count = line[kernel.FIRST_PIECE], line[kernel.PIECES]
    pieces = sorted(found.pieces[first : first + count].tolist(), key=lambda piece: piece[2])[:TOLD_SPANS]
    raw = text.data[text.offsets[row] : text.offsets[row + 1]].tobytes()
    places = [(_points(raw, a), _points(raw, b)) for _, _, a, b in pieces]
    spans = [
        _span(raw, view, parts, row, a, low, high) for (_, _, a, _), (low, high) in zip(pieces, places, strict=True)
    ]
    item_spans = _item_spans(index, i, pieces)
    told: dict[str, Any] = {
        "benchmark": one.name, "items": len(one.items), "item": one.items[index.number_in_set[i]].id,
        "part": "answer" if index.is_answer[i] else "question", "coverage": round(share, 4),
        "words": line[kernel.TOUCHED], "of": int(index.lengths[i]), "spans": spans, "item_spans": item_spans,
    }  # fmt: skip
    if full:
        whole = raw.decode("utf-8", "replace")
        told["row_text"], told["row_marks"] = excerpt(whole.replace(SEPARATOR, "\n"), places)
        told["item_text"], told["item_marks"] = excerpt(index.texts[i], item_spans)
    return told


def _points(raw: bytes, at: int) -> int:
    """How many code points stand before a byte."""
    return at if raw.isascii() else len(raw[:at].decode("utf-8", "replace"))


def _span(raw: bytes, view: str, parts: Parts, row: int, start: int, low: int, high: int) -> list[Any]:
    """Code points low … high-1 of a row, which begin with byte `start`, as (view, message, start, end) in those of the message."""
    first, last = int(parts.offsets[row]), int(parts.offsets[row + 1])
    part = first + int(parts.starts[first:last].searchsorted(start, side="right")) - 1
    before = _points(raw, int(parts.starts[part]))
    return [view, int(parts.places[part]), low - before, high - before]


def _item_spans(index: Index, item: int, pieces: list[list[int]]) -> list[tuple[int, int]]:
    """Words of an item as (start, end) in code points of its text."""
    items = index.items
    begin, base = int(items.bounds[item]), int(items.offsets[item])
    raw = items.data[base : items.offsets[item + 1]].tobytes()
    return [
        (
            _points(raw, int(items.starts[begin + word]) - base),
            _points(raw, int(items.stops[begin + word + size - 1]) - base),
        )
        for word, size, _, _ in pieces
    ]


def excerpt(whole: str, marks: list[tuple[int, int]]) -> tuple[str, list[list[int]]]:
    """A piece of a text around what is marked, and the marks in it.

    >>> excerpt("one two three", [(4, 7)])
    ('one two three', [[4, 7]])
    """
    low = max(0, min(a for a, _ in marks) - MARGIN)
    high = min(len(whole), max(b for _, b in marks) + MARGIN, low + EXCERPT)
    head, tail = ("…" if low else ""), ("…" if high < len(whole) else "")
    moved = [
        [max(a, low) - low + len(head), min(b, high) - low + len(head)]
        for a, b in sorted(marks)
        if a < high and b > low
    ]
    return head + whole[low:high] + tail, moved
