"""The CSV kernels against the standard library's reader."""

from __future__ import annotations

import csv as stdlib_csv
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.core.origin import Batch
from tamis.sources._cells import Bad, build
from tamis.sources._csv import RecordScan, _cells
from tamis.sources._text import Cutter


def parse(text: bytes, names: list[str], delimiter: str = ",") -> tuple[Batch, list[list[int]]]:
    data = np.frombuffer(text + bytes(64), np.uint8)
    tape, broken = _cells(data, len(text), delimiter, len(names), 1)
    tape.names = names
    return build(tape, Bad(), {}, None), broken


def rows(batch: Batch) -> list[list[Any]]:
    return [list(row) for row in zip(*(series.to_list() for series in batch.columns.values()), strict=True)]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=40)


@settings(deadline=None, max_examples=60)
@given(
    table=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    always=st.booleans(),
)
@example(table=[("x" * 100_000, '"""', "a\nb")], delimiter=",", end="\r\n", always=False)
def test_what_csv_writes_is_read_as_it_was(
    table: list[tuple[str, ...]], delimiter: str, end: str, always: bool
) -> None:
    out = io.StringIO()
    quoting = stdlib_csv.QUOTE_ALL if always else stdlib_csv.QUOTE_MINIMAL
    stdlib_csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)
    batch, broken = parse(out.getvalue().encode(), ["a", "b", "c"], delimiter)
    assert broken == []
    assert rows(batch) == [list(row) for row in table]


@settings(deadline=None, max_examples=150)
@given(
    text=st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a", "é", "x" * 40]), max_size=40).map("".join),
    block=st.integers(1, 50),
)
@example(text='a,b"c\n"d""",e\n"', block=1)
def test_cutting_finds_the_same_records_as_reading_in_any_blocks(text: str, block: int) -> None:
    data = text.encode()
    scan = RecordScan(1 << 20, 0, 1, ",")
    starts, at = [0], 0
    for begin in range(0, len(data), block):
        piece = data[begin : begin + block]
        padded = np.frombuffer(piece + bytes(64), np.uint8)
        k: int | None = 0
        while k is not None and k < len(piece):
            k = scan.feed(padded, k, len(piece), begin, begin + k + 1)
            if k is not None:
                at = begin + k
                starts.append(at)
    expected, k, inside = [0], 0, False
    fresh = closed = True
    while k < len(data):  # the obvious reader, a byte at a time
        b = data[k]
        k += 1
        if inside:
            if b == 0x22 and data[k : k + 1] == b'"':
                k += 1
            elif b == 0x22:
                inside, fresh, closed = False, False, True
                if data[k : k + 1] not in (b",", b"\n", b""):
                    while k < len(data) and data[k] != 0x0A:
                        k += 1
        elif b == 0x0A:
            expected.append(k)
            fresh = True
        elif b == 0x2C:
            fresh = True
        elif b == 0x22 and fresh:
            inside = True
        else:
            fresh = False
    assert starts == expected, closed


@pytest.mark.parametrize(
    ("text", "kept", "bad"),
    [
        (b"1,2\n3\n4,5,6\n7,8\n", [["1", "2"], ["7", "8"]], [(2, 1, 1), (3, 1, 1)]),
        (b"1,2\n3,\xff\n5,6\n", [["1", "2"], ["5", "6"]], [(2, 1, 2)]),
        (b'1,2\n3,"x\x00y"\n5,6\n', [["1", "2"], ["5", "6"]], [(2, 1, 3)]),
        (b'1,2\n3,"x" y\n5,6\n', [["1", "2"], ["5", "6"]], [(2, 1, 4)]),
        (b'1,2\n3,"open\n5,6\n7,8', [["1", "2"]], [(2, 3, 5)]),
        (b'1,2\n3,"a\nb\nc"\n\n5,\n', [["1", "2"], ["3", "a\nb\nc"], ["5", ""]], []),
        (b'1,5" screen\n"",\n', [["1", '5" screen'], ["", ""]], []),
        (b"1,\r2\n3,4\r\n", [["1", "\r2"], ["3", "4"]], []),
    ],
)
def test_faults_are_named_and_the_records_around_them_are_read(
    text: bytes, kept: list[list[str]], bad: list[tuple[int, int, int]]
) -> None:
    batch, broken = parse(text, ["a", "b"])
    assert rows(batch) == kept
    assert [(line, lines, cause) for _, _, line, lines, cause, _ in broken] == bad


def test_lines_are_those_of_the_file_where_cells_hold_line_ends() -> None:
    batch, _ = parse(b'1,"a\nb"\n\n2,c\n', ["a", "b"])
    assert batch.lines.tolist() == [1, 4]


def test_a_quote_that_is_never_closed_takes_the_rest_without_holding_it() -> None:
    text = b'1,2\n3,"open\n' + b"4,5\n" * 1000
    cutter = Cutter("x.csv", RecordScan(100, 0, 1, ","), 0, 1, "")
    for at in range(0, len(text), 50):
        cutter.add(text[at : at + 50], at)
    (part,) = cutter.finish(len(text))
    (gap,) = part.gaps
    assert (gap.start, gap.stop, gap.line, gap.cause) == (4, len(text), 2, "unclosed_quote")
    assert gap.lines == 1002
