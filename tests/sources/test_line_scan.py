"""Cutting lines: the scan over blocks against what `bytes.find` says of the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.sources import _text
from tamis.sources._text import Cutter, LineScan


def cut(data: bytes, block: int) -> list[tuple[int, int, int]]:
    cutter = Cutter("a.jsonl", LineScan(1 << 20, 0), 0, 1, "jsonl")
    for at in range(0, len(data), block):
        cutter.add(data[at : at + block], at)
    return [(one.start, one.stop, one.first_line) for one in cutter.finish(len(data))]


def slow(data: bytes, size: int) -> list[tuple[int, int, int]]:
    """A slice ends behind the first line end at or behind the next multiple of `size`."""
    found, start = [], 0
    while start < len(data):
        end = data.find(b"\n", max(start, (start // size + 1) * size - 1)) + 1 or len(data)
        found.append((start, end, 1 + data.count(b"\n", 0, start)))
        start = end
    return found


@given(
    lines=st.lists(st.sampled_from([0, 1, 3, 9, 5000, 4095, 4096]), max_size=30),
    tail=st.integers(0, 9),
    block=st.sampled_from([1, 7, 64, 4096, 9000]),
)
def test_slices_begin_where_a_line_does(lines: list[int], tail: int, block: int) -> None:
    data = b"".join(b"x" * one + b"\n" for one in lines) + b"y" * tail
    block = max(block, len(data) // 500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_text, "SLICE", 16)
        assert cut(data, block) == slow(data, 16)


@pytest.mark.parametrize(("size", "slices"), [(20 << 20, 3), (256 << 20, 1)])
def test_small_files_are_cut_into_smaller_slices(size: int, slices: int) -> None:
    line = b"x" * 1023 + b"\n"
    cutter = Cutter("a.jsonl", LineScan(1 << 20, 0), 0, 1, "jsonl", size=size)
    block = line * 1024
    for n in range(20):
        cutter.add(block, n << 20)
    found = cutter.finish(20 << 20)
    assert [part.size for part in found] == ([8 << 20, 8 << 20, 4 << 20] if slices == 3 else [20 << 20])
    assert [part.first_line for part in found] == [1, 8193, 16385][:slices]
