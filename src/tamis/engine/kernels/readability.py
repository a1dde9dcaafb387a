"""Words, sentences, syllables and long words of prose: what readability formulas are made of.

A word is a run of letters (an apostrophe inside belongs to it). Code between Markdown fences and in backticks, and runs
with a digit, `_`, `/`, `\\` or `@` in them (numbers, names of variables, addresses), are no prose.
"""

from __future__ import annotations

import numpy as np

from .jit import njit
from .words import load64

_SIGN, _LETTER, _JOINS, _DOT, _NEWLINE, _TICK, _END, _WIDE = range(8)


def _kinds() -> np.ndarray:
    """What each byte is: a letter, what makes a run no prose, or a mark that may end a sentence."""
    kinds = np.full(256, _SIGN, np.uint8)
    for byte in range(256):
        if chr(byte).isascii() and chr(byte).isalpha():
            kinds[byte] = _LETTER
        elif byte >= 0x80:
            kinds[byte] = _WIDE
    for text, kind in (("0123456789_@/\\", _JOINS), (".", _DOT), ("\n", _NEWLINE), ("`", _TICK), ("!?", _END)):
        for c in text:
            kinds[ord(c)] = kind
    return kinds


_KINDS = _kinds()
_SMALL = np.uint64(0x2020202020202020)
_SLOTS = 1 << 14  # of the cache of words whose syllables were counted before

WORDS, SENTENCES, SYLLABLES, LONG = range(4)
FIGURES = 4
LONG_WORD = 7  # letters of a word that LIX calls long: more than six


def _packed(words: str) -> np.ndarray:
    """Endings of up to eight letters as numbers, sorted."""
    return np.sort(np.array([int.from_bytes(word.encode(), "little") for word in words.split()], np.uint64))


#: what follows a silent e inside a word: safe-ty, some-thing, state-ment
_AFTER_SILENT = _packed(
    "ly ty ment ments ful fully less ness thing things where body one time times page pages mark marks fore what how"
    " land side line lines work works some"
)
#: after these a full stop ends no sentence
_ABBREVIATIONS = _packed("mr mrs ms dr st vs prof sr jr inc ltd co corp dept fig eq no vol approx eg ie etc al cf")


@njit(nogil=True, cache=True)
def _plain_vowel(c: int) -> bool:
    return bool(c == 0x61 or c == 0x65 or c == 0x69 or c == 0x6F or c == 0x75)


@njit(nogil=True, cache=True)
def _vowel(data: np.ndarray, k: int, a: int, b: int) -> bool:
    """Whether a vowel stands at `k` of the word a..b: y between vowels, or first before one, and u after q are none."""
    c = data[k] | 0x20
    if c == 0x75:
        return not (k > a and data[k - 1] | 0x20 == 0x71)
    if c == 0x79:
        if k + 1 >= b or (k > a and not _plain_vowel(data[k - 1] | 0x20)):
            return True
        d = data[k + 1] | 0x20
        return not _plain_vowel(d)
    return bool(_plain_vowel(c))


@njit(nogil=True, cache=True)
def _at(data: np.ndarray, k: int, a: int, b: int) -> int:
    """The lower-case letter at `k`; 0 outside the word."""
    return int(data[k] | 0x20) if a <= k < b else 0


@njit(nogil=True, cache=True)
def _hiatus(data: np.ndarray, k: int, a: int, b: int, n: int) -> bool:
    """Whether two vowels, the second at `k`, are two syllables."""
    first, second = data[k - 1] | 0x20, data[k] | 0x20
    before, after = _at(data, k - 2, a, b), _at(data, k + 1, a, b)
    later = _at(data, k + 2, a, b)
    soft = before == 0x74 or before == 0x63 or before == 0x73 or before == 0x67 or before == 0x78  # t c s g x
    if second == 0x69 and after == 0x6E and later == 0x67:  # doing, beings
        return k + 3 == b or (k + 4 == b and data[k + 3] | 0x20 == 0x73)
    if first == 0x69:
        if second == 0x61:
            return not (soft or before == 0x6C or before == 0x6E)
        if second == 0x6F:
            return not (soft or (after == 0x6E and k - 2 > a))
        if second == 0x75:
            return not soft
        if second == 0x65:
            if after == 0x6E and (later == 0x63 or later == 0x74):
                return not (before == 0x74 or (before == 0x63 and _at(data, k - 3, a, b) != 0x73))
            return after == 0x74 and later == 0x79
        return False
    if first == 0x65:
        if second == 0x6F:
            return after != 0x70 and before != 0x67
        if second == 0x61:
            if after == 0 or (after == 0x73 and k + 2 == b):
                return n > 1
            return before == 0x72 and _at(data, k - 3, a, b) == 0x63 and after == 0x74 and later != 0x75
        return False
    return first == 0x75 and (second == 0x61 or second == 0x6F) and before != 0x67


@njit(nogil=True, cache=True)
def _word_at(data: np.ndarray, a: int, b: int) -> np.uint64:
    """Up to eight letters at a..b, lower case, as a number."""
    word = np.uint64(0)
    for j in range(min(b - a, 8)):
        word |= np.uint64(data[a + j] | 0x20) << np.uint64(8 * j)
    return word


@njit(nogil=True, cache=True)
def _syllables(data: np.ndarray, a: int, b: int, after_silent: np.ndarray) -> int:
    """The syllables of the word of ASCII letters at a..b, as English says them."""
    n = 0
    before = False
    for k in range(a, b):
        vowel = _vowel(data, k, a, b)
        if vowel and (not before or _hiatus(data, k, a, b, n)):
            n += 1
        if (
            vowel and data[k] | 0x20 == 0x65 and k - a + 1 >= 3 and 2 <= b - k - 1 <= 8
            and not before and _vowel(data, k - 2, a, b)
        ):  # fmt: skip
            rest = _word_at(data, k + 1, b)
            for ending in after_silent:
                if ending == rest:
                    n -= 1
                    break
        before = vowel
    last, middle, third, fourth = (_at(data, b - 1, a, b), _at(data, b - 2, a, b), _at(data, b - 3, a, b), _at(data, b - 4, a, b))  # fmt: skip
    if last == 0x65 and b - a > 2 and not _vowel(data, b - 2, a, b):
        n -= not (middle == 0x6C and third and not _vowel(data, b - 3, a, b))  # table, but not: whole
    elif middle == 0x65 and b - a > 3 and not _vowel(data, b - 3, a, b):
        syllabic = third == 0x6C and fourth != 0x6C and fourth != 0x72 and not _vowel(data, b - 4, a, b)
        if last == 0x64:
            n -= not (third == 0x74 or third == 0x64 or syllabic)
        elif last == 0x73:
            hissing = third == 0x73 or third == 0x78 or third == 0x7A or third == 0x63 or third == 0x67
            n -= not (hissing or syllabic or (third == 0x68 and (fourth == 0x63 or fourth == 0x73)))
    if (
        last == 0x6D
        and b - a > 3
        and ((middle == 0x73 and _vowel(data, b - 3, a, b)) or (middle == 0x68 and third == 0x74))
    ):
        n += 1  # prism, rhythm
    return max(n, 1)


@njit(nogil=True, cache=True)
def count_syllables(data: np.ndarray, offsets: np.ndarray, after_silent: np.ndarray, out: np.ndarray) -> None:
    """out (n,) int64: the syllables of strings that are one word of ASCII letters each."""
    for i in range(offsets.shape[0] - 1):
        out[i] = _syllables(data, offsets[i], offsets[i + 1], after_silent)


@njit(nogil=True, cache=True)
def _letter_size(data: np.ndarray, k: int, end: int) -> int:
    """Bytes of the letter at `k`; 0 where there is none."""
    b = data[k]
    if b < 0x80:
        return 1 if 0x41 <= b <= 0x5A or 0x61 <= b <= 0x7A else 0
    if b < 0xC3 or b == 0xE2 or b >= 0xF0:
        return 0
    size = 2 if b < 0xE0 else 3
    if b == 0xE3 and k + 1 < end and data[k + 1] == 0x80:
        return 0
    return size if k + size <= end else 0


@njit(nogil=True, cache=True)
def _fence(data: np.ndarray, k: int, end: int) -> bool:
    """Whether a line that begins at `k` opens or closes fenced code."""
    return bool(
        k + 2 < end
        and (data[k] == 0x60 or data[k] == 0x7E)
        and data[k + 1] == data[k]
        and data[k + 2] == data[k]
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _line_end(data: np.ndarray, k: int, end: int) -> int:
    while k < end and data[k] != 0x0A:
        k += 1
    return k


@njit(nogil=True, cache=True)
def _full_stop(data: np.ndarray, k: int, end: int, short: np.uint64, letters: int, abbreviations: np.ndarray) -> bool:
    """Whether the full stop before `k` ends a sentence; short, letters: the word before it."""
    while k < end and (data[k] == 0x22 or data[k] == 0x27 or data[k] == 0x29 or data[k] == 0x2A):
        k += 1
    if k < end and data[k] > 0x20 and data[k] != 0xE2:
        return False
    while k < end and data[k] <= 0x20:
        k += 1
    if k >= end:
        return True
    if 0x61 <= data[k] <= 0x7A or (letters == 1 and short != 0x69):
        return False
    if letters > 8:
        return True
    known = False
    for abbreviation in abbreviations:
        known |= abbreviation == short
    return not known


@njit(nogil=True, cache=True)
def _run(data: np.ndarray, k: int, end: int, kinds: np.ndarray) -> tuple[int, int, bool]:
    """From `k` to the end of a run that is more than ASCII letters: (its end, its letters, whether it is prose)."""
    letters = 0
    prose = True
    while k < end:
        c = data[k]
        step = _letter_size(data, k, end)
        if step:
            letters += 1
            k += step
        elif c == 0x27 and letters and k + 1 < end and _letter_size(data, k + 1, end):
            k += 1
        elif (
            c == 0xE2 and letters and k + 3 < end and data[k + 1] == 0x80 and data[k + 2] == 0x99
            and _letter_size(data, k + 3, end)
        ):  # fmt: skip
            k += 3
        elif kinds[c] == _JOINS or (
            k + 1 < end
            and (
                (c == 0x3A and data[k + 1] == 0x2F)
                or (c == 0x2E and (_letter_size(data, k + 1, end) or kinds[data[k + 1]] == _JOINS))
            )
        ):
            prose = False
            k += 1
        else:
            break
    return k, letters, prose


@njit(nogil=True, cache=True)
def _measure(
    data: np.ndarray, start: int, end: int, kinds: np.ndarray, masks: np.ndarray, after_silent: np.ndarray, abbreviations: np.ndarray,
    keys: np.ndarray, counts: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    words = sentences = syllables = long = 0
    open_words = 0  # of the sentence so far
    short = np.uint64(0)  # the last word, where it is short
    letters = 0  # of the last word
    fenced = False
    fresh = True  # a line begins
    k = start
    while k < end:
        if fresh:
            fresh = False
            fence = _fence(data, k, end)
            if fence:
                fenced = not fenced
                sentences += open_words > 0
                open_words = 0
            if fence or fenced:
                k = _line_end(data, k, end) + 1
                fresh = True
                continue
        kind = kinds[data[k]]
        if kind in (_LETTER, _JOINS) or (kind == _WIDE and _letter_size(data, k, end)):
            a = k
            while k < end and kinds[data[k]] == _LETTER:
                k += 1
            after = kinds[data[k]] if k < end else _NEWLINE
            stop = k
            letters = k - a
            prose = True
            ascii_ = True
            if (
                after in (_JOINS, _WIDE) or kind != _LETTER
                or (k + 1 < end and (data[k] == 0x27 or (data[k] == 0x2E and data[k + 1] > 0x20) or (data[k] == 0x3A and data[k + 1] == 0x2F)))
            ):  # fmt: skip
                k, letters, prose = _run(data, a, end, kinds)
                stop = a
                while stop < k and kinds[data[stop]] == _LETTER:
                    stop += 1
                ascii_ = stop == k or (stop > a and (data[stop] == 0x27 or data[stop] == 0xE2))
            if not prose or letters == 0:
                letters = 9
                continue
            size = stop - a
            first, second = np.uint64(0), np.uint64(0)
            if a + 16 <= data.shape[0]:  # inline, not a call: a hundred times a row
                first = load64(data, a) | _SMALL
                if size < 8:
                    first &= masks[size]
                else:
                    second = (load64(data, a + 8) | _SMALL) & masks[min(size - 8, 8)]
            else:
                first, second = _word_at(data, a, stop), _word_at(data, a + 8, stop)
            short = first if size <= 8 else np.uint64(0)
            open_words += 1
            words += 1
            long += letters >= LONG_WORD
            if ascii_:
                mixed = (first * np.uint64(0x9E3779B97F4A7C15)) ^ (second * np.uint64(0xC2B2AE3D27D4EB4F))
                slot = (mixed ^ (mixed >> np.uint64(29))) & np.uint64(_SLOTS - 1)
                if size > 16 or keys[slot, 0] != first or keys[slot, 1] != second or counts[slot] == 0:
                    counted = _syllables(data, a, stop, after_silent)
                    syllables += counted
                    if size <= 16:
                        keys[slot, 0], keys[slot, 1], counts[slot] = first, second, counted
                else:
                    syllables += np.int64(counts[slot])
                if stop < k and stop - a > 3 and data[k - 1] | 0x20 == 0x74 and letters == stop - a + 1:
                    syllables += 1  # couldn't; but don't, can't
            else:
                syllables += max(1, (letters + 1) // 3)
            continue
        if kind == _SIGN:
            k += 1
        elif kind == _NEWLINE:
            if open_words and _breaks(data, k + 1, end):
                sentences += 1
                open_words = 0
            k += 1
            fresh = True
        elif kind == _DOT:
            k += 1
            if open_words and _full_stop(data, k, end, short, letters, abbreviations):
                sentences += 1
                open_words = 0
        elif kind == _TICK:  # a code span, if it is closed in its line
            j = k + 1
            while j < end and data[j] != 0x0A and data[j] != 0x60:
                j += 1
            k = j + 1 if j < end and data[j] == 0x60 else k + 1
        elif kind == _END or (data[k] == 0xE3 and k + 2 < end and data[k + 1] == 0x80 and data[k + 2] == 0x82):
            sentences += open_words > 0
            open_words = 0
            k += 1
        else:
            k += 1
    sentences += open_words > 0
    out[WORDS], out[SENTENCES], out[SYLLABLES], out[LONG] = words, sentences, syllables, long


@njit(nogil=True, cache=True)
def _breaks(data: np.ndarray, k: int, end: int) -> bool:
    """Whether a new line at `k` begins something new: an empty line, an item of a list, a heading, a table's row."""
    while k < end and (data[k] == 0x20 or data[k] == 0x09):
        k += 1
    if k >= end:
        return True
    b = data[k]
    return not (0x41 <= b <= 0x5A or 0x61 <= b <= 0x7A or b >= 0x80 or b == 0x22 or b == 0x27 or b == 0x28)


@njit(nogil=True, cache=True)
def _measure_all(
    data: np.ndarray, offsets: np.ndarray, kinds: np.ndarray, after_silent: np.ndarray, abbreviations: np.ndarray,
    out: np.ndarray
) -> None:  # fmt: skip
    keys = np.zeros((_SLOTS, 2), np.uint64)
    counts = np.zeros(_SLOTS, np.uint8)
    masks = np.zeros(9, np.uint64)
    for size in range(1, 8):
        masks[size] = (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)
    masks[8] = ~np.uint64(0)
    for i in range(offsets.shape[0] - 1):
        _measure(data, offsets[i], offsets[i + 1], kinds, masks, after_silent, abbreviations, keys, counts, out[i])


def measure_prose(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """out (n, FIGURES) int64: WORDS, SENTENCES, SYLLABLES and LONG words of each string."""
    _measure_all(data, offsets, _KINDS, _AFTER_SILENT, _ABBREVIATIONS, out)
