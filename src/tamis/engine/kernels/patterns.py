"""Cheap looks at text: is anything visible in it, how many letters has it, does it hold one of many phrases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import njit

#: Characters that show nothing, besides white space and control characters: first and last of each range.
INVISIBLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF),
)  # fmt: skip
WHITE = (
    (0x00A0, 0x00A0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)
_HIDDEN = np.array(sorted(((0, 0x20), (0x7F, 0x9F), *INVISIBLE, *WHITE)), np.int64)


@njit(nogil=True, cache=True)
def _code_point(data: np.ndarray, k: int, end: int) -> tuple[np.int64, int]:
    """The code point at `k` and its size in bytes; a broken sequence counts as one visible byte."""
    b = np.int64(data[k])
    if b < 0x80:
        return b, 1
    if 0xC2 <= b < 0xE0 and k + 1 < end:
        return (b & 0x1F) << 6 | np.int64(data[k + 1] & 0x3F), 2
    if 0xE0 <= b < 0xF0 and k + 2 < end:
        return (b & 0x0F) << 12 | np.int64(data[k + 1] & 0x3F) << 6 | np.int64(data[k + 2] & 0x3F), 3
    if 0xF0 <= b < 0xF5 and k + 3 < end:
        high = (b & 0x07) << 18 | np.int64(data[k + 1] & 0x3F) << 12
        return high | np.int64(data[k + 2] & 0x3F) << 6 | np.int64(data[k + 3] & 0x3F), 4
    return np.int64(0xFFFD), 1


@njit(nogil=True, cache=True)
def _find_visible(data: np.ndarray, start: int, end: int, hidden: np.ndarray) -> int:
    """Where the first visible character begins; `end` if there is none."""
    k = start
    while k < end:
        if 0x20 < data[k] < 0x7F:
            return k
        point, size = _code_point(data, k, end)
        shown = True
        for r in range(hidden.shape[0]):
            if point <= hidden[r, 1]:
                shown = point < hidden[r, 0]
                break
        if shown:
            return k
        k += size
    return end


@njit(nogil=True, cache=True)
def _mark_blank(data: np.ndarray, offsets: np.ndarray, hidden: np.ndarray, out: np.ndarray) -> None:
    for i in range(offsets.shape[0] - 1):
        out[i] = _find_visible(data, offsets[i], offsets[i + 1], hidden) == offsets[i + 1]


def mark_blank(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """out (n,) bool: the string has no visible character (white space, control and zero-width characters only)."""
    _mark_blank(data, offsets, _HIDDEN, out)


@njit(nogil=True, cache=True)
def count_letters(data: np.ndarray, offsets: np.ndarray, enough: int, out: np.ndarray) -> None:
    """out (n,) int64: the letters of each string, counted until `enough`.

    A letter is an ASCII letter or a character from U+00AA on that is no symbol, punctuation, or mark of the
    general blocks (U+2000–U+2BFF, U+3000–U+3020, U+FE00–U+FE0F, U+FF00–U+FF20, emoji); from U+2E80 to U+D7FF,
    where one character is a syllable or a word, it counts as three.
    """
    for i in range(offsets.shape[0] - 1):
        k, end = offsets[i], offsets[i + 1]
        found = 0
        while k < end and found < enough:
            b = data[k]
            if b < 0x80:
                found += 0x61 <= (b | 0x20) <= 0x7A
                k += 1
                continue
            point, size = _code_point(data, k, end)
            k += size
            if point < 0xAA or point == 0xD7 or point == 0xF7 or 0xAB <= point <= 0xB4 or 0xB6 <= point <= 0xBF:
                continue
            if 0x2000 <= point <= 0x2BFF or 0x3000 <= point <= 0x3020 or 0xE000 <= point <= 0xF8FF:
                continue
            if 0xFE00 <= point <= 0xFE0F or 0xFF00 <= point <= 0xFF20 or (point >= 0xFFF0 and point < 0x10000):
                continue
            if 0x1F000 <= point <= 0x1FAFF or point >= 0xE0000:
                continue
            found += 3 if 0x2E80 <= point <= 0xD7FF else 1
        out[i] = min(found, enough)


class Automaton(NamedTuple):
    """Many phrases as one machine (Aho and Corasick): one table look-up per byte, whatever their number.

    classes: (256,) uint8, bytes that no phrase tells apart are one class; moves: (n_states, n_classes) uint32, times
    n_classes; final: (n_states,) int16, the phrase that ends in the state, else -1. A state in which a phrase ended is
    never left.
    """

    classes: np.ndarray
    moves: np.ndarray
    final: np.ndarray


def automaton(phrases: list[bytes]) -> Automaton:
    """The machine that finds `phrases`, which must be lower-case in ASCII; texts are read as if they were."""
    alphabet = sorted({byte for phrase in phrases for byte in phrase})
    classes = np.zeros(256, np.uint8)
    for number, byte in enumerate(alphabet, 1):
        classes[byte] = number
        if 0x61 <= byte <= 0x7A:
            classes[byte - 32] = number
    width = len(alphabet) + 1
    trie: list[dict[int, int]] = [{}]
    final = [-1]
    for number, phrase in enumerate(phrases):
        state = 0
        for byte in phrase:
            step = int(classes[byte])
            if step not in trie[state]:
                trie[state][step] = len(trie)
                trie.append({})
                final.append(-1)
            state = trie[state][step]
        if final[state] < 0:
            final[state] = number
    moves = np.zeros((len(trie), width), np.int64)
    fallback = [0] * len(trie)
    queue = []
    for step, state in trie[0].items():
        moves[0, step] = state
        queue.append(state)
    for state in queue:  # grows while it is walked: breadth first
        back = fallback[state]
        if final[state] < 0:
            final[state] = final[back]
        moves[state] = state if final[state] >= 0 else moves[back]
        if final[state] >= 0:
            continue
        for step, target in trie[state].items():
            moves[state, step] = target
            fallback[target] = int(moves[back, step])
            queue.append(target)
    return Automaton(classes, (moves * width).astype(np.uint32).reshape(-1), np.array(final, np.int16).repeat(width))


@njit(nogil=True, cache=True)
def _first_phrase(
    data: np.ndarray,
    offsets: np.ndarray,
    head: int,
    classes: np.ndarray,
    moves: np.ndarray,
    final: np.ndarray,
    out: np.ndarray,
) -> None:
    n = offsets.shape[0] - 1
    for i in range(0, n, 4):  # four rows at a time: each look-up waits for the one before it in its own row only
        state = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        shared = 0
        if i + 4 <= n:
            p, q, r, s = offsets[i], offsets[i + 1], offsets[i + 2], offsets[i + 3]
            shared = min(head, q - p, r - q, s - r, offsets[i + 4] - s)
            a, b, c, d = state
            for k in range(shared):
                a = np.uint64(moves[a + np.uint64(classes[data[p + k]])])
                b = np.uint64(moves[b + np.uint64(classes[data[q + k]])])
                c = np.uint64(moves[c + np.uint64(classes[data[r + k]])])
                d = np.uint64(moves[d + np.uint64(classes[data[s + k]])])
            state = a, b, c, d
        for j in range(min(4, n - i)):
            last = state[j]
            for k in range(offsets[i + j] + shared, min(offsets[i + j + 1], offsets[i + j] + head)):
                last = np.uint64(moves[last + np.uint64(classes[data[k]])])
            out[i + j] = final[last]


def first_phrase(data: np.ndarray, offsets: np.ndarray, head: int, machine: Automaton, out: np.ndarray) -> None:
    """out (n,) int16: which phrase ends first within the first `head` bytes of each string; -1 if none does."""
    _first_phrase(data, offsets, head, machine.classes, machine.moves, machine.final, out)
