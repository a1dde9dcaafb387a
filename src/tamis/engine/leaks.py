"""Which rows hold test items: from the overlaps found to a verdict with its evidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Text
from tamis.core.row import CHAT_VIEWS, SEPARATOR, view_column

from .frame import Frame, select_messages
from .leak_evidence import tell
from .overlap import Index
from .overlap_find import Hits, Parts, find
from .text import to_text

ENOUGH = 6  # halves of telling words that an item must share, or its answer stands near
MUCH = 10  # in the middle of a sentence, of an item shorter than an n-gram
PASSAGE = (
    60  # words of an item that may begin with a passage others quote: some of its end must be shared, or its answer
)
LITTLE = 2  # such halves, where the item is a sentence of its own
ENOUGH_SIGNS, ENOUGH_SIGNED = 2, 5  # or brackets and the like, in so many words, where all signs are the same
SLIGHT = 0.85  # share of an item's words that must stand in the row, where no telling word of it is another
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
    # a row that leaked as a whole item cannot be told more
    rows = np.flatnonzero(found.hinted & ~((told.kind > 0) & (found.best >= 1)))
    if index.signed is None or not len(rows):
        return told
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
        elif new.any():
            evidence[name] = values.scatter(rows[new], more.evidence[name].filter(pl.Series(new)))
        else:
            evidence[name] = values
    return Leaks(kind, evidence)


def _parts(rows: Columns, view: str, text: Text) -> Parts:
    n = len(text.offsets) - 1
    if view not in CHAT_VIEWS or view_column(view) not in rows.names:
        zeros = np.zeros(n, np.int64)
        return Parts(zeros, np.arange(n + 1, dtype=np.int64), np.zeros(n, np.bool_), zeros)
    chat = rows.chat(view_column(view))
    contents = rows.contents(view_column(view)) if isinstance(rows, Frame) else to_text(chat.messages["content"])
    chosen = np.flatnonzero(select_messages(view, chat) & contents.valid)
    row = np.searchsorted(chat.starts, chosen, side="right") - 1
    sizes = np.diff(contents.offsets)[chosen] + len(SEPARATOR)
    offsets = np.searchsorted(row, np.arange(n + 1)).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(sizes)])
    starts = before[:-1] - before[offsets[row]]
    user = chat.messages["role"] == "user"
    spoken = (user.fill_null(False) if user.null_count() else user).to_numpy()[chosen]
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


def _told(
    text: Text, view: str, parts: Parts, found: Hits, leaked: NDArray[np.bool_], share: NDArray[np.float64],
    index: Index, rule: Rule,
) -> Leaks:  # fmt: skip
    """The leaks of each row, best first, and what is told of them."""
    from .kernels import overlap_tell as kernel

    kind = np.zeros(len(text.offsets) - 1, np.int8)
    chosen = np.flatnonzero(leaked)
    item = found.hits[chosen, kernel.ITEM]
    size = index.lengths[item]
    kinds = np.where(index.is_answer[item], ANSWER, np.where(size < rule.n, SHORT, QUESTION))
    complete = found.hits[chosen, kernel.TOUCHED] == size
    # of a row's leaks: questions before answers, the larger share, the longer, the first item
    order = np.lexsort((item, -size, -share[chosen], ~complete, kinds == ANSWER, found.hits[chosen, kernel.ROW]))
    hits = found.hits[chosen[order]]
    firsts = np.flatnonzero(np.diff(hits[:, kernel.ROW], prepend=-1))
    kind[hits[firsts, kernel.ROW]] = kinds[order[firsts]]
    return Leaks(kind, tell(text, view, parts, found, hits, firsts, share[chosen[order]], index))
