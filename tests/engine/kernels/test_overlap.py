"""Overlaps of rows and test items: the kernels against twins over lists of words."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.columns import Text
from tamis.engine.benchmarks import Benchmark
from tamis.engine.kernels.overlap_grow import ANCHOR, GAP, PAIR
from tamis.engine.kernels.overlap_tell import COVERED, ITEM, PIECES, ROW, SAME, TOUCHED, WEIGHT, WHOLE
from tamis.engine.overlap import build
from tamis.engine.overlap_find import Hits, Parts, find
from tamis.engine.testsets import Item

N = 4
WORDS = ["ant", "bee", "cat", "dog", "elk"]
SOME = st.lists(st.sampled_from(WORDS), min_size=3, max_size=14)


def overlaps(items: list[list[str]], rows: list[list[str]], *, whole: bool, least: float = 0.0001) -> Hits:
    sets = (Benchmark("t", tuple(Item(str(k), " ".join(item)) for k, item in enumerate(items)), {}),)
    index = build(sets, n=N, parts="questions", common=100, whole=whole)
    raw = [" ".join(row).encode() for row in rows]
    offsets = np.cumsum([0, *map(len, raw)]).astype(np.int64)
    text = Text(np.frombuffer(b"".join(raw), np.uint8), offsets, np.ones(len(raw), np.bool_))
    zeros = np.zeros(len(raw), np.int64)
    parts = Parts(zeros, np.arange(len(raw) + 1, dtype=np.int64), np.zeros(len(raw), np.bool_), zeros)
    return find(text, parts, index, whole=whole, least=least)


def stands(item: list[str], row: list[str]) -> bool:
    return any(row[k : k + len(item)] == item for k in range(len(row) - len(item) + 1))


@given(st.lists(SOME, min_size=1, max_size=6), st.lists(SOME, min_size=1, max_size=6))
def test_whole_items_are_found_where_they_stand(items: list[list[str]], rows: list[list[str]]) -> None:
    hits = overlaps(items, rows, whole=True).hits
    expected = {(r, i) for r, row in enumerate(rows) for i, item in enumerate(items) if stands(item, row)}
    assert {(int(h[ROW]), int(h[ITEM])) for h in hits} == expected
    for h in hits:
        row, item = rows[h[ROW]], items[h[ITEM]]
        assert h[SAME] == 1
        assert bool(h[WHOLE]) == (row == item)
        assert h[TOUCHED] == len(item)


def covered(item: list[str], row: list[str]) -> set[int]:
    """The twin: from each shared n-gram, in the row's order, to both sides over the smallest gaps."""
    marks: set[int] = set()
    end = -1
    for r in range(len(row) - N + 1):
        for p in range(len(item) - N + 1):
            if r < end or row[r : r + N] != item[p : p + N]:
                continue
            back = 0
            while r > back and p > back and row[r - back - 1] == item[p - back - 1]:
                back += 1
            right = run(row[r:], item[p:])
            marks |= set(range(p - back, p + right))
            end = sideways(row, item, r + right, p + right, marks)
            mirror: set[int] = set()
            sideways(row[::-1], item[::-1], len(row) - (r - back), len(item) - (p - back), mirror)
            marks |= {len(item) - 1 - k for k in mirror}
    return marks


def run(a: list[str], b: list[str]) -> int:
    k = 0
    while k < min(len(a), len(b)) and a[k] == b[k]:
        k += 1
    return k


def sideways(row: list[str], item: list[str], r: int, p: int, marks: set[int]) -> int:
    """Go on to the right from r and p; returns the word of the row at which it ends."""
    while r < len(row) and p < len(item):
        for total in range(1, 2 * GAP + 1):
            gaps = [(total - dp, dp) for dp in range(max(0, total - GAP), min(GAP, total) + 1)]
            good = [
                (dr, dp, equal)
                for dr, dp in gaps
                if (equal := run(row[r + dr :], item[p + dp :])) >= ANCHOR
                or (equal >= PAIR and dr + dp <= PAIR)
                or (equal > 0 and (dr == dp <= PAIR or max(dr, dp) <= 1) and p + dp + equal == len(item))
            ]
            if good:
                dr, dp, equal = good[0]
                marks |= set(range(p + dp, p + dp + equal))
                r, p = r + dr + equal, p + dp + equal
                break
        else:
            return r
    return r


@given(
    st.lists(st.sampled_from(WORDS), min_size=N, max_size=16), st.lists(st.sampled_from(WORDS), min_size=1, max_size=24)
)
def test_coverage_is_that_of_the_twin(item: list[str], row: list[str]) -> None:
    found = overlaps([item], [row], whole=False)
    expected = covered(item, row)
    assert found.best[0] == np.floor(10000 * len(expected) / len(item)) / 10000
    for h in found.hits:
        assert (h[COVERED], h[WEIGHT]) == (len(expected), len(item))
        pieces = found.pieces[: h[PIECES]]
        assert {p + k for p, size, _, _ in pieces.tolist() for k in range(size)} == expected
        text = " ".join(row)
        for p, size, start, end in pieces.tolist():
            assert text[start:end].split() == item[p : p + size]


@given(st.lists(st.sampled_from(WORDS), min_size=N, max_size=12), st.integers(0, 3))
def test_nothing_is_found_without_a_shared_ngram(item: list[str], shift: int) -> None:
    row = [f"{word}s" for word in item] + item[shift : shift + N - 1]
    assert len(overlaps([item], [row], whole=False).hits) == 0


def test_more_hits_than_there_is_room_for() -> None:
    """The search goes on at the row that did not fit, and loses and doubles nothing."""
    items = [["ant", "bee", "cat", "dog", f"x{k}"] for k in range(300)]
    every = [word for item in items for word in item]
    rows = [every, ["elk"], *items, every, every] + [every] * 60
    hits = overlaps(items, rows, whole=True).hits
    told = [(int(h[ROW]), int(h[ITEM])) for h in hits]
    assert len(told) == len(set(told)) == 300 * 63 + 300
    assert [r for r, _ in told] == sorted(r for r, _ in told)
