"""The evidence of leaked rows: the kernel against a twin that builds dictionaries and encodes them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.core.columns import Text
from tamis.core.row import SEPARATOR
from tamis.engine.benchmarks import Benchmark
from tamis.engine.kernels import overlap_tell as kernel
from tamis.engine.kernels.overlap_evidence import ITEMS_TOLD as TOLD_ITEMS
from tamis.engine.kernels.overlap_evidence import SPANS_TOLD as TOLD_SPANS
from tamis.engine.kernels.overlap_quotes import EXCERPT, LONGEST_WORDS, MARGIN
from tamis.engine.leak_evidence import _rounded
from tamis.engine.leaks import ANSWER, QUESTION, SHORT, Rule, _told
from tamis.engine.overlap import Index, build
from tamis.engine.overlap_find import Hits, Parts, find
from tamis.engine.testsets import Item

N = 4
Row = list[list[str]]  # messages, each of words
WORDS = [
    "ant",
    "bee",
    "cat",
    "dog",
    "elk",
    "fox",
    "1,000",
    "É",
    "cafe\u0301",
    "中",
    "😀",
    '"q"',
    "a\\b",
    "x\x01",
    "l\nm",
    "\x7f",
    "п",
]
ITEM = st.lists(st.sampled_from(WORDS), min_size=2, max_size=14)
SPACES = st.sampled_from([" ", "\u2003", "\n", "\t", "\xa0", "\x1e", "  ", "\u3000"])


def searched(rows: list[list[str]]) -> tuple[Text, Parts]:
    """Rows of messages as a view: every second one is the user's; null where there are none."""
    raw = [SEPARATOR.join(row).encode() for row in rows]
    offsets = np.cumsum([0, *map(len, raw)]).astype(np.int64)
    text = Text(np.frombuffer(b"".join(raw), np.uint8), offsets, np.array([bool(row) for row in rows], np.bool_))
    sizes = [[len(message.encode()) + 1 for message in row] for row in rows]
    starts = [s for row in sizes for s in np.cumsum([0, *row])[:-1].tolist()]
    bounds = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    places = [k for row in rows for k in range(len(row))]
    spoken = np.array([k % 2 == 0 for k in places], np.bool_)
    return text, Parts(np.array(starts, np.int64), bounds, spoken, np.array(places, np.int64))


def letters(k: int) -> str:
    """A number in letters alone."""
    return chr(97 + k // 26) + chr(97 + k % 26)


def compare(
    items: list[list[str]], rows: list[list[str]], chosen: list[bool] | None = None, view: str = "all"
) -> list[Any]:
    """The same from both; returns what is told of each row."""
    tests = tuple(Item(f"{k}é", " ".join(item), (" ".join(item[::-1]),)) for k, item in enumerate(items))
    index = build((Benchmark('t"1', tests, {}),), n=N, parts="both", common=100, whole=False)
    text, parts = searched(rows)
    found = find(text, parts, index, whole=False, least=0.0001)
    leaked = np.ones(len(found.hits), np.bool_)
    if chosen:
        leaked = np.resize(np.array(chosen, np.bool_), len(leaked))
    share = found.hits[:, kernel.COVERED] / np.maximum(found.hits[:, kernel.WEIGHT], 1)
    leaks = _told(text, view, parts, found, leaked, share, index, Rule(N, 0.6, 30, numbers=True))
    kind, evidence = told_by_twin(text, view, parts, found, leaked, share, index, N)
    assert leaks.kind.tolist() == kind
    assert {name: values.to_list() for name, values in leaks.evidence.items()} == evidence
    return [one and json.loads(one) for one in evidence["matches"]]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[str]], list[list[str]], list[bool]]:
    """Items, and rows that hold pieces of them between other words."""
    items = draw(st.lists(ITEM, min_size=1, max_size=6))
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        messages = []
        for _ in range(draw(st.integers(0, 3))):
            words: list[str] = []
            for _ in range(draw(st.integers(0, 4))):
                item = draw(st.sampled_from(items))
                words += item[draw(st.integers(0, 3)) :][: draw(st.integers(1, 14))]
                words += draw(st.lists(st.sampled_from(WORDS), max_size=3)) * draw(st.sampled_from([1, 1, 30]))
            messages.append("".join(word + draw(SPACES) for word in words))
        rows.append(messages)
    return items, rows, draw(st.lists(st.booleans(), min_size=1, max_size=5))


@given(cases())
def test_evidence_is_that_of_the_twin(case: tuple[list[list[str]], list[list[str]], list[bool]]) -> None:
    items, rows, chosen = case
    compare(items, rows)
    compare(items, rows, chosen)


def test_no_more_items_and_spans_are_told_than_there_may_be() -> None:
    items = [[f"w{k}a", f"w{k}b", f"w{k}c", f"w{k}d", f"w{k}e"] for k in range(TOLD_ITEMS + 50)]
    long, parted, at = [f"y{letters(k)}" for k in range(20 * 3 + 45 * 4)], [], 0
    for size in [*[3] * 20, *[4] * 45]:  # those of three words are found from the first of four on, backwards
        parted += [*long[at : at + size], "so"]
        at += size
    told = compare([*items, long], [[" ".join(word for item in items for word in item)], [" ".join(parted)]])
    assert len(told[0]) == TOLD_ITEMS
    assert len(told[1][0]["spans"]) == TOLD_SPANS


def test_evidence_that_is_six_times_its_row() -> None:
    """Control characters: more than there is room for at first, so that some rows are told later."""
    item = ["ant", "bee", "cat", "dog", "elk", "fox"]
    rows = [["\x01".join(item) + "\x01" * size] for size in (10, 60_000, 5, 200_000, 0)]
    apart = ["\x01" * 30_000 + " ".join(item), *(["a " * 30_000] * 2)]
    told = compare([item], [*rows, apart, []])
    assert [bool(one) for one in told] == [True] * 6 + [False]
    assert told[0][0]["row_text"] == rows[0][0]


@pytest.mark.parametrize("view", ["prompt", 'column:say "é"'])
def test_the_view_is_named_as_json_names_it(view: str) -> None:
    told = compare([["ant", "bee", "cat", "dog"]], [["x", "ant bee cat dog"]], view=view)
    assert told[0][0]["spans"] == [[view, 1, 0, 15]]


@pytest.mark.parametrize(
    "gap",
    ["\xa0", "\u1680", "\u2003", "\u2028", "\u202f", "\u205f", "\u3000", "\x85", "\x1c", "\x1f", "\x1e", "\x0b", " "],
)
def test_words_are_cut_at_white_space_of_any_kind(gap: str) -> None:
    item = [f"w{letters(k)}" for k in range(80)]
    row = gap.join(item)
    assert compare([item], [[row]])[0][0]["words"] == 80
    compare([item], [[gap.join(["x" * 197, *item])]])
    compare([["x" * 150, "y" * 150, "z" * 150, "a"]], [[gap.join(["x" * 150, "y" * 150, "z" * 150, "a"])]])
    compare([["x" * 250, "y", "z", "a"]], [[gap.join(["x" * 250, "y", "z", "a"])]])


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 4000)), min_size=1))
def test_shares_are_rounded_as_python_rounds(pairs: list[tuple[int, int]]) -> None:
    share = np.array([min(a, b) / b for a, b in [*pairs, (1, 160), (3, 160), (1, 32), (3, 32), (1, 20000)]])
    assert (_rounded(share) / 10000).tolist() == [round(value, 4) for value in share.tolist()]


# -- the twin ------------------------------------------------------------------------------------


def told_by_twin(
    text: Text, view: str, parts: Parts, found: Hits, leaked: NDArray[np.bool_], share: NDArray[np.float64],
    index: Index, n_gram: int,
) -> tuple[list[int], dict[str, list[Any]]]:  # fmt: skip
    n = len(text.offsets) - 1
    chosen = np.flatnonzero(leaked)
    hits, item = found.hits[chosen], found.hits[chosen, kernel.ITEM]
    size = index.lengths[item]
    kinds = np.where(index.is_answer[item], ANSWER, np.where(size < n_gram, SHORT, QUESTION))
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
    coverage = found.best.astype(np.float32).tolist()
    evidence = {"benchmark": names, "item": ids, "coverage": coverage, "words": words, "matches": matches}
    return kind.tolist(), evidence


def _cut(text: str) -> str:
    """A text of at most LONGEST_WORDS characters, whole words."""
    return text if len(text) <= LONGEST_WORDS else text[:LONGEST_WORDS].rsplit(None, 1)[0]


def _own(found: Hits, hits: NDArray[np.int64], complete: NDArray[np.bool_], mine: NDArray[np.int64]) -> list[int]:
    """Of a row's leaks, best first, those with words of their own: variants of an item (other names in the same question)
    are not all leaked because one is. The same item in two test sets counts in both."""
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
    """A piece of a text around what is marked, and the marks in it."""
    low = max(0, min(a for a, _ in marks) - MARGIN)
    high = min(len(whole), max(b for _, b in marks) + MARGIN, low + EXCERPT)
    head, tail = ("…" if low else ""), ("…" if high < len(whole) else "")
    moved = [
        [max(a, low) - low + len(head), min(b, high) - low + len(head)]
        for a, b in sorted(marks)
        if a < high and b > low
    ]
    return head + whole[low:high] + tail, moved
