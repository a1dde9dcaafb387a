"""Which language is each row written in? Offline, deterministic, a few microseconds a row.

Three stages, all in one compiled pass over UTF-8 bytes:

1. *Sample.* Read a bounded part of the row (its start and, when it is long, its middle). Letters are lower-cased,
   everything else becomes one space; URLs, identifiers, numbers and fenced code are left out.
2. *Script.* The commonest Unicode script among those letters. Most scripts write one language, and we are done.
3. *Language.* For Latin, Cyrillic, Arabic, Devanagari and Bengali: naive Bayes over byte n-grams (Lui & Baldwin 2011,
   after Cavnar & Trenkle 1994). At each byte only the longest known n-gram of 2 to 5 bytes that ends there votes.

Scores are sums of small integers, so the answer depends neither on the machine nor on how rows are batched.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

PIECE_BYTES = 160  # letters and spaces kept from each of the two pieces of a row
SCAN_BYTES = 1600  # raw bytes read at most to find them
LONG_ROW_BYTES = 480  # rows longer than this also give a piece from their middle
FEW_LETTERS = 12  # fewer bytes than this outside code fences: look inside the fences too
MAX_GRAM = 5  # bytes
ROW_UNIT = 16  # the weights of one n-gram take a multiple of this many bytes

# Script numbers. Han and kana are settled together; 0 is "not a letter".
LATIN, CYRILLIC, ARABIC, DEVANAGARI, BENGALI, HAN, KANA = 1, 2, 3, 4, 5, 6, 7
SHARED_SCRIPTS = {LATIN: "latin", CYRILLIC: "cyrillic", ARABIC: "arabic", DEVANAGARI: "devanagari", BENGALI: "bengali"}
SINGLE_SCRIPTS = {
    HAN: "zh", KANA: "ja", 8: "ko", 9: "th", 10: "el", 11: "he", 12: "hy", 13: "ka", 14: "ta", 15: "te", 16: "kn",
    17: "ml", 18: "gu", 19: "pa", 20: "or", 21: "si", 22: "lo", 23: "bo", 24: "my", 25: "am", 26: "km", 27: "dv",
}  # fmt: skip
N_SCRIPTS = 28

# (first code point, last code point, script): three-byte characters are looked up by pages of 64 code points.
SCRIPT_RANGES = (
    (0xC0, 0x2AF, LATIN), (0x300, 0x36F, LATIN), (0x1E00, 0x1EFF, LATIN),
    (0x400, 0x481, CYRILLIC), (0x48A, 0x52F, CYRILLIC),
    (0x620, 0x65F, ARABIC), (0x66E, 0x6D3, ARABIC), (0x6D5, 0x6EF, ARABIC), (0x6FA, 0x6FF, ARABIC),
    (0x750, 0x77F, ARABIC),
    (0x900, 0x97F, DEVANAGARI), (0x980, 0x9FF, BENGALI),
    (0x3400, 0x4DBF, HAN), (0x4E00, 0x9FFF, HAN), (0x20000, 0x2FFFF, HAN), (0x3040, 0x30FF, KANA),
    (0x1100, 0x11FF, 8), (0xAC00, 0xD7BF, 8), (0xE00, 0xE7F, 9),
    (0x370, 0x373, 10), (0x376, 0x377, 10), (0x37F, 0x37F, 10), (0x386, 0x386, 10), (0x388, 0x3FF, 10),
    (0x1F00, 0x1FFF, 10), (0x591, 0x5F2, 11), (0x531, 0x556, 12), (0x561, 0x587, 12), (0x10C0, 0x10FF, 13),
    (0xB80, 0xBFF, 14), (0xC00, 0xC7F, 15), (0xC80, 0xCFF, 16), (0xD00, 0xD7F, 17), (0xA80, 0xAFF, 18),
    (0xA00, 0xA7F, 19), (0xB00, 0xB7F, 20), (0xD80, 0xDFF, 21), (0xE80, 0xEFF, 22), (0xF00, 0xFFF, 23),
    (0x1000, 0x109F, 24), (0x1200, 0x13BF, 25), (0x1780, 0x17FF, 26), (0x780, 0x7BF, 27),
)  # fmt: skip

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class Languages(NamedTuple):
    """The language of each row."""

    code: npt.NDArray[np.int16]  # (n_rows,) index into `CODES`; -1: undetermined (no letters, or no candidate)
    confidence: npt.NDArray[np.float32]  # (n_rows,) 0..1; 0 where undetermined


class _Model(NamedTuple):
    """The data file, unpacked for the kernel. One hash table per shared script, all in `slots`."""

    slots: Ints  # n-gram (40 bits) << 24 | its row in `weights` (in units of 16 bytes); 0: empty
    first_slot: Ints  # (N_SCRIPTS,) where the script's table starts; its size is a power of two
    slot_mask: Ints  # (N_SCRIPTS,) size of the table - 1; -1: not a shared script
    weights: npt.NDArray[np.int8]  # flat; log-probability relative to the row's mean, in steps of `step` nats
    width: Ints  # (N_SCRIPTS,) weights per n-gram
    column_code: npt.NDArray[np.int16]  # (N_SCRIPTS, 64) index into `CODES` of each column; -1: unused or no language
    prior: npt.NDArray[np.int32]  # (N_SCRIPTS, 64) added to each column's score


def _script_pages() -> Bytes:
    """(4096,) script by the low six bits of the first two bytes of a character, straight from `SCRIPT_RANGES`."""
    pages = np.zeros(4096, dtype=np.uint8)
    for first, last, script in SCRIPT_RANGES:
        for point in range(first, last + 1, 1 if first < 0x800 else 64):
            lead, second = chr(point).encode()[:2]
            pages[(lead & 63) << 6 | second & 63] = script
    return pages


def _lower_case() -> npt.NDArray[np.uint16]:
    """(2048,) lower-case code point of each code point that takes one or two bytes."""
    lower = [ord(chr(point).lower()[0]) for point in range(2048)]
    return np.array([small if small < 2048 else point for point, small in enumerate(lower)], dtype=np.uint16)


_PAGES = _script_pages()
_LOWER = _lower_case()


@cache
def _model() -> _Model:
    """Load the data file and build the hash tables (about 100 ms, once)."""
    with np.load(Path(__file__).parent / "data" / "language.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    first_slot, slot_mask, width = (np.full(N_SCRIPTS, -1, dtype=np.int64) for _ in range(3))
    column_code = np.full((N_SCRIPTS, 64), -1, dtype=np.int16)
    prior = np.zeros((N_SCRIPTS, 64), dtype=np.int32)
    tables, weights, n_slots, n_units = [], [], 0, 0
    for script, name in SHARED_SCRIPTS.items():
        rows = arrays[f"{name}_weights"]
        labels = [str(label) for label in arrays[f"{name}_columns"]]
        column_code[script, : len(labels)] = [CODES.index(label) if label in CODES else -1 for label in labels]
        prior[script, : len(labels)] = arrays[f"{name}_prior"]
        width[script] = -(-rows.shape[1] // ROW_UNIT) * ROW_UNIT
        units = width[script] // ROW_UNIT
        grams = arrays[f"{name}_grams"]
        table = np.zeros(1 << int(2 * len(grams)).bit_length(), dtype=np.int64)
        _fill_slots(table, grams.astype(np.int64), n_units + units * np.arange(len(grams), dtype=np.int64))
        first_slot[script], slot_mask[script] = n_slots, len(table) - 1
        tables.append(table)
        weights.append(np.pad(rows, ((0, 0), (0, width[script] - rows.shape[1]))).ravel())
        n_slots += len(table)
        n_units += units * len(grams)
    return _Model(np.concatenate(tables), first_slot, slot_mask, np.concatenate(weights), width, column_code, prior)


@njit(nogil=True, cache=True)
def _hash(gram: int) -> int:
    return (gram * 0x9E3779B97F4A7C1) >> 22


@njit(nogil=True, cache=True)
def _fill_slots(table: Ints, grams: Ints, rows: Ints) -> None:
    """Insert each n-gram with its weight row; open addressing, linear probing."""
    mask = table.shape[0] - 1
    for i in range(grams.shape[0]):
        at = _hash(grams[i]) & mask
        while table[at] != 0:
            at = (at + 1) & mask
        table[at] = grams[i] << 24 | rows[i]


@njit(nogil=True, cache=True)
def _find(slots: Ints, first: int, mask: int, gram: int) -> int:
    """The weight row of an n-gram, or -1."""
    at = _hash(gram) & mask
    while True:
        slot = slots[first + at]
        if slot == 0:
            return -1
        if (slot >> 24) & 0xFFFFFFFFFF == gram:
            return slot & 0xFFFFFF
        at = (at + 1) & mask


@njit(nogil=True, cache=True)
def _sample(
    data: Bytes, start: int, stop: int, skip_fences: bool, out: Bytes, filled: int, letters: Ints,
    pages: Bytes, lower: npt.NDArray[np.uint16],
) -> int:
    """Append one piece of a row to `out` as lower-case words between single spaces; return the new length.

    data[start:stop] is UTF-8, perhaps broken: a bad byte counts as a space. letters: (N_SCRIPTS,) letters seen by
    script. A word glued to digits or symbols ("x_1", "https://a.b", "fooBar", "f(x)") is code, not language: dropped.
    """  # fmt: skip
    limit = filled + PIECE_BYTES
    stop = min(stop, start + SCAN_BYTES)
    if out[filled - 1] != 32:
        out[filled] = 32
        filled += 1
    word, word_letters = filled, letters[LATIN]  # where the current run between blanks starts
    code = glue = fenced = False
    before = 0  # what the previous ASCII or Latin character was: 1 lower case, 2 upper case, 3 digit, 0 else
    i = start
    while i < stop and filled < limit:
        b = np.int64(data[i])
        if b < 0x80:
            i += 1
            small = b | 0x20
            if 97 <= small <= 122:
                case = 1 if b == small else 2
                code |= glue or before == 3 or (before == 1 and case == 2)
                if not fenced:
                    out[filled] = small
                    filled += 1
                    letters[LATIN] += 1
                before, glue = case, False
                continue
            if b <= 32:
                if code:
                    filled, letters[LATIN] = word, word_letters
                code = glue = False
            elif 48 <= b <= 57:
                code |= before != 0 and before != 3
                before, glue = 3, False
                continue
            elif b == 39 and before != 0 and before != 3 and not fenced:  # apostrophe
                out[filled] = 39
                filled += 1
                continue
            elif b == 96 and skip_fences and i + 1 < stop and data[i] == 96 and data[i + 1] == 96:
                fenced = not fenced
                i += 2
            else:
                glue = before != 0 and not (b == 33 or b == 34 or b == 44 or b == 59 or b == 63 or 42 <= b <= 45)
            before = 0
            if out[filled - 1] != 32:
                out[filled] = 32
                filled += 1
            if b <= 32:
                word, word_letters = filled, letters[LATIN]
            continue
        size = 2 if 0xC2 <= b < 0xE0 else (3 if 0xE0 <= b < 0xF0 else (4 if 0xF0 <= b < 0xF5 else 1))
        if i + size > stop:
            size = 1
        for k in range(1, size):
            if data[i + k] & 0xC0 != 0x80:
                size = 1
                break
        script = np.int64(pages[(b & 63) << 6 | data[i + 1] & 63]) if size > 1 else 0
        third = np.int64(data[i + 2]) if size > 2 else 0
        if b == 0xE0 and 0xA4 <= data[min(i + 1, stop - 1)] <= 0xB5:  # Indic digits and the danda are not letters
            odd = data[i + 1] & 1 == 1
            if (odd and 0xA6 <= third <= 0xAF) or (data[i + 1] == 0xA5 and (third == 0xA4 or third == 0xA5)):
                script = 0
        if script != LATIN:
            if code:
                filled, letters[LATIN] = word, word_letters
            code = glue = False
            before = 0
        else:
            code |= glue or before == 3
            before, glue = 1, False
        if fenced:
            i += size
            continue
        if script == 0:
            if size == 3 and b == 0xE2 and data[i + 1] == 0x80 and third == 0x99:  # typographic apostrophe
                out[filled] = 39
                filled += 1
            elif out[filled - 1] != 32:
                out[filled] = 32
                filled += 1
        elif size == 2:
            point = np.int64(lower[(b & 31) << 6 | data[i + 1] & 63])
            if point < 0x80:
                out[filled] = point
                filled += 1
            else:
                out[filled] = 0xC0 | point >> 6
                out[filled + 1] = 0x80 | point & 63
                filled += 2
            letters[script] += 1
        else:
            for k in range(size):
                out[filled + k] = data[i + k]
            if script == LATIN:  # Latin Extended Additional: capitals are the even code points
                out[filled + 2] = third | 1
            filled += size
            letters[script] += 1
        if script != LATIN:
            word, word_letters = filled, letters[LATIN]
        i += size
    if code:
        filled, letters[LATIN] = word, word_letters
    return filled


@njit(nogil=True, cache=True)
def _add_votes(
    text: Bytes, n: int, slots: Ints, first: int, mask: int, weights: npt.NDArray[np.int8], width: int,
    scores: npt.NDArray[np.int32],
) -> int:
    """Add to `scores` (width,) the weights of the longest known n-gram ending at each byte; return how many voted."""  # fmt: skip
    window = np.int64(0)
    votes = 0
    for i in range(n):
        window = (window << 8 | np.int64(text[i])) & 0xFFFFFFFFFF
        row = np.int64(-1)
        for drop in range(4):
            row = _find(slots, first, mask, window & (0xFFFFFFFFFF >> (8 * drop)))
            if row >= 0:
                break
        if row < 0:
            continue
        votes += 1
        at = row * ROW_UNIT
        for k in range(width):
            scores[k] += weights[at + k]
    return votes
