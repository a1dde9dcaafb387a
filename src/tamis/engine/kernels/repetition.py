"""Repetition within a text: repeated n-grams, repeated lines and loops, in one pass over its words.

A *word* begins after white space, and at each character of a script written without spaces (first byte 0xE3 to 0xEF:
kana, Han, Hangul and their neighbours); it ends before the next word or white space. Lone ASCII signs (`|`, `-`, `=`) are
no words: they are in every row of a table. Words are compared by 64-bit hashes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import njit

MOST_WORDS = 1 << 16  # of a row that are looked at
NGRAM, WIDE_NGRAM = 6, 12  # words in an n-gram; characters, where most words are single characters
LONG_WORD = 64  # bytes; from here on a word is searched for loops of its own
MOST_RUN_PERIOD = 12  # bytes in the unit of such a loop
LINE_BYTES = 20  # shorter lines (`}`, `end`), and lines without a letter or digit, are not compared

#: columns of the result, all in bytes except LOOP_TIMES
LOOKED, REPEATED, LINES, REPEATED_LINES, LOOP, LOOP_TIMES, RUN = range(7)
FIGURES = 7

_MIX = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0xD6E8FEB86659FD93)
_HIGH = np.uint64(0x8080808080808080)
_ABOVE_SPACE = np.uint64(0x5F5F5F5F5F5F5F5F)  # lifts a byte above 32 to its high bit


def _load_code(typing_context: Any, data: Any, at: Any) -> Any:
    """The eight bytes of an array from position `at` on, as a little-endian uint64; they must be inside it."""
    signature = types.uint64(data, at)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        value = builder.load(builder.bitcast(pointer, ir.IntType(64).as_pointer()))
        value.align = 1
        return value

    return signature, generate


_load: Any = intrinsic(_load_code)


def _trailing_zeros_code(typing_context: Any, value: Any) -> Any:
    """How many of the lowest bits of a uint64 other than 0 are 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


_trailing_zeros: Any = intrinsic(_trailing_zeros_code)


@njit(nogil=True, cache=True)
def _tells(b: int) -> bool:
    """Whether a byte belongs to a letter or digit, and not to a ruler or a frame: not ASCII counts as one."""
    return b >= 0x80 or 0x30 <= b <= 0x39 or 0x61 <= (b | 0x20) <= 0x7A


@njit(nogil=True, cache=True)
def _hash(data: np.ndarray, begin: int, end: int) -> np.uint64:
    """The hash of a word, eight bytes at a time, as `_words` makes it."""
    h = np.uint64(0)
    for k in range(begin, end, 8):
        chunk = np.uint64(0)
        for j in range(min(8, end - k)):
            chunk |= np.uint64(data[k + j]) << np.uint64(8 * j)
        h = (h ^ chunk ^ (h >> np.uint64(29))) * _MIX
    return h


@njit(nogil=True, cache=True)
def _words(
    data: np.ndarray,
    start: int,
    stop: int,
    begins: np.ndarray,
    hashes: np.ndarray,
    lines: np.ndarray,
    counts: np.ndarray,
) -> int:
    """Where the words of a text begin (and its end), and their hashes; returns how many words there are.

    lines: the first word of each line; counts: how many lines, wide words, and bytes in the longest run in a long word.
    """
    words, n_lines, wide, run = 0, 0, 0, 0
    h, begin = np.uint64(0), -1  # of the word being read; -1: none is
    fast = min(stop, data.shape[0]) - 8
    new_line = True
    k: Any = np.int64(start)
    while k < stop and words < MOST_WORDS:
        if begin < 0:
            if data[np.uint64(k)] <= 32:
                new_line |= data[np.uint64(k)] == 10
                k += 1
                continue
            begin, h = k, np.uint64(0)
            begins[words] = k
            if new_line:
                if n_lines == 0 or lines[n_lines - 1] != words:  # a line of nothing but marks is none
                    n_lines += 1
                lines[n_lines - 1] = words
                new_line = False
        chunk = _load(data, k) if k < fast else _HIGH
        if chunk & _HIGH:  # not only ASCII, or near the end: byte by byte
            wide += data[begin] >= 0xE3
            k += k == begin
            while k < stop and data[k] > 32 and not 0xE3 <= data[k] < 0xF0:
                k += 1
            h = _hash(data, begin, k)
        else:
            spaces = ~(chunk + _ABOVE_SPACE) & _HIGH
            if spaces == 0:
                h = (h ^ chunk ^ (h >> np.uint64(29))) * _MIX
                k += 8
                continue
            bits = _trailing_zeros(spaces) - np.uint64(7)
            if bits:
                chunk &= (np.uint64(1) << bits) - np.uint64(1)
                h = (h ^ chunk ^ (h >> np.uint64(29))) * _MIX
                k += np.int64(bits >> np.uint64(3))
        hashes[words] = h
        words += k - begin > 1 or _tells(data[begin])
        if k - begin >= LONG_WORD:
            run = max(run, _longest_run(data, begin, k))
        begin = -1
    begins[words] = k
    if n_lines and lines[n_lines - 1] == words:
        n_lines -= 1
    lines[n_lines] = words
    counts[0], counts[1], counts[2] = n_lines, wide, run
    return words


@njit(nogil=True, cache=True)
def _seen(table: np.ndarray, mask: np.uint64, key: np.uint64, place: np.uint64, epoch: np.uint64) -> np.int64:
    """The place at which the key was last seen in this epoch, or -1; `place` is remembered.

    An entry: 32 bits of the key, 16 bits epoch, 16 bits place; an entry of another epoch is as good as none.
    """
    key *= _MIX
    tag = (key & np.uint64(0xFFFFFFFF00000000)) | epoch << np.uint64(16)
    slot = (key >> np.uint64(8)) & mask
    while True:
        entry = table[slot]
        if entry & np.uint64(0xFFFFFFFFFFFF0000) == tag:
            table[slot] = tag | place
            return np.int64(entry & np.uint64(0xFFFF))
        if (entry >> np.uint64(16)) & np.uint64(0xFFFF) != epoch:
            table[slot] = tag | place
            return np.int64(-1)
        slot = (slot + np.uint64(1)) & mask


@njit(nogil=True, cache=True)
def _longest_run(data: np.ndarray, start: int, stop: int) -> int:
    """Bytes of the longest stretch that repeats a unit of at most MOST_RUN_PERIOD bytes with a letter or digit in it."""
    best = 0
    for period in range(1, MOST_RUN_PERIOD + 1):
        run = lettered = 0
        for k in range(start + period, stop):
            if data[k] == data[k - period]:
                run += 1
                lettered |= _tells(data[k])
                if lettered and run + period > best and run >= 2 * period:
                    best = run + period
            else:
                run = lettered = 0
    return best


@njit(nogil=True, cache=True)
def measure_repetition(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """out (n, FIGURES) int64, per string:

    LOOKED: bytes looked at (of very long rows, the beginning); REPEATED: bytes inside n-grams that stood before; LINES: bytes of the lines compared (of two or more); REPEATED_LINES: of those
    that stood before; LOOP: bytes of the longest stretch in which a unit of words follows itself, LOOP_TIMES: how often
    (whole units, 3 or more; else LOOP is 0); RUN: the longest such stretch within one long word.
    """
    begins = np.empty(MOST_WORDS + 1, np.int64)
    lines = np.empty(MOST_WORDS + 1, np.int64)
    hashes = np.empty(MOST_WORDS, np.uint64)
    counts = np.zeros(3, np.int64)
    table = np.zeros(4 * MOST_WORDS, np.uint64)
    line_table = np.zeros(4 * MOST_WORDS, np.uint64)
    epoch = np.uint64(0)
    for row in range(offsets.shape[0] - 1):
        epoch += np.uint64(1)
        if epoch > 0xFFFF:
            table[:] = 0
            line_table[:] = 0
            epoch = np.uint64(1)
        out[row, :] = 0
        words = _words(data, offsets[row], offsets[row + 1], begins, hashes, lines, counts)
        out[row, LOOKED], out[row, RUN] = begins[words] - offsets[row], counts[2]
        _loops(words, WIDE_NGRAM if 2 * counts[1] > words else NGRAM, begins, hashes, table, epoch, out[row])
        _lines(data, counts[0], lines, begins, hashes, line_table, epoch, out[row])


@njit(nogil=True, cache=True)
def _lines(
    data: np.ndarray, n: int, lines: np.ndarray, begins: np.ndarray, hashes: np.ndarray, table: np.ndarray, epoch: np.uint64,
    out: np.ndarray,
) -> None:  # fmt: skip
    """LINES and REPEATED_LINES of one row."""
    mask = _mask(n)
    if n < 2:
        return
    for j in range(n):
        size = begins[lines[j + 1]] - begins[lines[j]]
        if size < LINE_BYTES:
            continue
        k = begins[lines[j]]
        while k < begins[lines[j + 1]] and not _tells(data[k]):
            k += 1
        if k == begins[lines[j + 1]]:
            continue
        h = np.uint64(0)
        for i in range(lines[j], lines[j + 1]):
            h = h * _BASE + hashes[i]
        out[LINES] += size
        if _seen(table, mask, h ^ (h >> np.uint64(32)), np.uint64(0), epoch) >= 0:
            out[REPEATED_LINES] += size


@njit(nogil=True, cache=True)
def _mask(words: int) -> np.uint64:
    """The size of a table for so many words, less one."""
    room = 16
    while room < 2 * words:
        room *= 2
    return np.uint64(room - 1)


@njit(nogil=True, cache=True)
def _loops(
    words: int, n: int, begins: np.ndarray, hashes: np.ndarray, table: np.ndarray, epoch: np.uint64, out: np.ndarray
) -> None:
    """REPEATED and the LOOP figures of one row."""
    mask = _mask(words)
    gram, oldest = np.uint64(0), np.uint64(1)
    for _ in range(n):
        oldest *= _BASE
    for i in range(min(n - 1, words)):
        gram = gram * _BASE + hashes[i]
    covered, run, period = 0, 0, np.int64(0)
    for i in range(n - 1, words):
        first = i - n + 1  # the n-gram is words first … i
        gram = gram * _BASE + hashes[i]
        if first > 0:
            gram -= hashes[first - 1] * oldest
        last = _seen(table, mask, gram ^ (gram >> np.uint64(32)), np.uint64(first), epoch)
        if last >= 0:
            out[REPEATED] += begins[i + 1] - begins[max(first, covered)]
            covered = i + 1
        if period > 0 and hashes[i] == hashes[i - period]:
            run += 1
        elif last >= 0:
            period, run = first - last, n
        else:
            period = 0
            continue
        if run >= 2 * period:
            size = begins[i + 1] - begins[i + 1 - run - period]
            if size > out[LOOP]:
                out[LOOP] = size
                out[LOOP_TIMES] = (run + period) // period
