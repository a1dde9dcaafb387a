"""What language identification looks things up in: scripts, language codes, and the n-gram model's hash tables."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tamis.engine.language_codes import CODES

from .jit import plain

MAX_GRAM = 5  # bytes
ROW_MASK = np.uint64(0xFFFFFF)  # of a slot; all ones: no such n-gram
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

# Whole words are kept in the same tables, as 32 bits of a hash under a byte that no n-gram starts with.
WORD_MARK = np.uint64(1 << 32)
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
KNOWN_BITS = 19  # of the hash, by which n-grams that are in no slot are told: 64 KB for each script
KNOWN_SHIFT = np.uint64(64 - KNOWN_BITS)
THREE_MASK = np.uint64(0x7FFF)
UNTOLD = np.uint64(0xFFFFFFFF)  # in `Model.short`
WORD_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Bytes = npt.NDArray[np.uint8]
Small = npt.NDArray[np.int16]
Scores = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


class Model(NamedTuple):
    """What the kernel looks things up in. One hash table per shared script, all in `slots`."""

    pages: Bytes  # (4096,) script by the low six bits of a character's first two bytes
    lower: npt.NDArray[np.uint16]  # (2048,) lower-case code point
    script_code: Small  # (N_SCRIPTS,) index into `CODES`; -1: a shared script
    sigmoid: npt.NDArray[np.float32]  # (256,) margin to confidence
    slots: Words  # n-gram (40 bits) << 24 | its row in `weights` (in units of 16 bytes); 0: empty
    first_slot: Words  # (N_SCRIPTS,) where the script's table starts; its size is a power of two
    slot_mask: Words  # (N_SCRIPTS,) size of the table - 1
    known: Bytes  # (N_SCRIPTS, 2**KNOWN_BITS / 8) bits; 0 at the hash of an n-gram: it is in no slot
    weights: npt.NDArray[np.int8]  # flat; log-probability relative to the row's mean, in steps of 1/8 nat
    letter: Bytes  # (256,) what a byte is in `short`: 5 bits; 31: a byte that is told by none of its places
    short: npt.NDArray[
        np.uint32
    ]  # (2**15,) Latin script: the row of the longest n-gram of the last three bytes; UNTOLD
    width: Ints  # (N_SCRIPTS,) weights per n-gram
    column_code: Small  # (N_SCRIPTS, 64) index into `CODES` of each column; -1: not a language; -2: unused
    prior: Scores  # (N_SCRIPTS, 64) added to each column's score


def script_pages() -> Bytes:
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


def word_key(word: bytes) -> int:
    """The key of a whole word (lower case) among the n-grams."""
    state = 0
    for byte in word:
        state = (state ^ byte) * int(WORD_FACTOR) & (1 << 64) - 1
    return state >> 32 | int(WORD_MARK)


@cache
def load_model() -> Model:
    """Load the data file and build the hash tables (about 100 ms, once)."""
    with np.load(Path(__file__).parent / "data" / "language.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    first_slot, slot_mask = np.zeros(N_SCRIPTS, dtype=np.uint64), np.zeros(N_SCRIPTS, dtype=np.uint64)
    width = np.zeros(N_SCRIPTS, dtype=np.int64)
    column_code = np.full((N_SCRIPTS, 64), -2, dtype=np.int16)
    prior = np.zeros((N_SCRIPTS, 64), dtype=np.int32)
    known = np.zeros((N_SCRIPTS, (1 << KNOWN_BITS) // 8), dtype=np.uint8)
    tables, weights, n_slots, n_units = [], [], 0, 0
    for script, name in SHARED_SCRIPTS.items():
        rows = arrays[f"{name}_weights"]
        labels = [str(label) for label in arrays[f"{name}_columns"]]
        column_code[script, : len(labels)] = [CODES.index(label) if label in CODES else -1 for label in labels]
        prior[script, : len(labels)] = arrays[f"{name}_prior"]
        width[script] = -(-rows.shape[1] // ROW_UNIT) * ROW_UNIT
        units = width[script] // ROW_UNIT
        grams = arrays[f"{name}_keys"]
        table = np.zeros(int(arrays[f"{name}_table_size"]), dtype=np.uint64)
        _fill_slots(table, grams.astype(np.uint64), (n_units + units * np.arange(len(grams))).astype(np.uint64))
        bits = grams.astype(np.uint64) * HASH_FACTOR >> KNOWN_SHIFT
        np.bitwise_or.at(known[script], bits >> np.uint64(3), np.uint8(1) << (bits & np.uint64(7)).astype(np.uint8))
        first_slot[script], slot_mask[script] = n_slots, len(table) - 1
        tables.append(table)
        weights.append(np.pad(rows, ((0, 0), (0, width[script] - rows.shape[1]))).ravel())
        n_slots += len(table)
        n_units += units * len(grams)
    letter, short = _short(np.concatenate(tables)[: len(tables[0])], known[LATIN])
    flat = _aligned(np.concatenate(weights))
    singles = [CODES.index(SINGLE_SCRIPTS[script]) if script in SINGLE_SCRIPTS else -1 for script in range(N_SCRIPTS)]
    sigmoid = np.round(2 / (1 + np.exp(-np.arange(256) / 40)) - 1, 3).astype(np.float32)
    return Model(
        script_pages(), _lower_case(), np.array(singles, dtype=np.int16), sigmoid,
        np.concatenate(tables), first_slot, slot_mask, known, flat, letter, short, width, column_code, prior,
    )  # fmt: skip


def _aligned(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """A copy that starts on a cache line, so that a row of 64 weights is one line and not two."""
    room = np.empty(len(weights) + 64, dtype=np.int8)
    skip = -room.ctypes.data % 64
    room[skip : skip + len(weights)] = weights
    return room[skip : skip + len(weights)]


def table_size(n_grams: int) -> int:
    """Slots for so many n-grams: a power of two, more than twice as many."""
    return 1 << (2 * n_grams).bit_length()


@plain
def hashed(gram: np.uint64) -> np.uint64:
    """64 bits from an n-gram, the high ones the best mixed."""
    return gram * HASH_FACTOR


@plain
def bucket(place: np.uint64, mask: np.uint64) -> np.uint64:
    """Where the two slots of an n-gram are. place: its hash."""
    return (place >> np.uint64(40)) & mask & ~np.uint64(1)


@plain
def find(
    slots: Words, known: Bytes, first: np.uint64, mask: np.uint64, gram: np.uint64, otherwise: np.uint64
) -> np.uint64:
    """The weight row of an n-gram. Free of branches: whether an n-gram is known is anyone's guess.

    Most are not, and `known` tells so of nearly all of these: they share a look at the table's first slots, which are
    always in the cache, instead of each fetching slots of its own.
    """
    place = hashed(gram)
    bit = place >> KNOWN_SHIFT
    maybe = np.uint64(known[bit >> np.uint64(3)]) >> (bit & np.uint64(7)) & np.uint64(1)
    at = first + (bucket(place, mask) & (np.uint64(0) - maybe))
    one, two = slots[at], slots[at + np.uint64(1)]
    row = one & ROW_MASK if one >> np.uint64(24) == gram else otherwise
    return two & ROW_MASK if two >> np.uint64(24) == gram else row


def _short(slots: Words, known: Bytes) -> tuple[Bytes, npt.NDArray[np.uint32]]:
    """`Model.letter` and `Model.short`: what two and three bytes of plain Latin text come to, looked up once."""
    letter = np.full(256, 31, dtype=np.uint8)
    alphabet = b" abcdefghijklmnopqrstuvwxyz'"
    letter[list(alphabet)] = np.arange(len(alphabet))
    short = np.full(1 << 15, UNTOLD, dtype=np.uint32)
    _fill_short(slots, known, np.frombuffer(alphabet, np.uint8), short)
    return letter, short


@plain
def _fill_short(slots: Words, known: Bytes, alphabet: Bytes, short: npt.NDArray[np.uint32]) -> None:
    first, mask = np.uint64(0), np.uint64(slots.shape[0] - 1)
    for a in range(alphabet.shape[0]):
        for b in range(alphabet.shape[0]):
            for c in range(alphabet.shape[0]):
                two = np.uint64(alphabet[b]) << np.uint64(8) | np.uint64(alphabet[c])
                row = find(slots, known, first, mask, two, ROW_MASK)
                three = np.uint64(alphabet[a]) << np.uint64(16) | two
                short[a << 10 | b << 5 | c] = find(slots, known, first, mask, three, row)


@plain
def _fill_slots(table: Words, grams: Words, rows: Words) -> None:
    """Insert each n-gram with its weight row. The data file holds at most two for each bucket."""
    mask = np.uint64(table.shape[0] - 1)
    for i in range(grams.shape[0]):
        at = bucket(hashed(grams[i]), mask)
        if table[at] != 0:
            at += np.uint64(1)
        table[at] = grams[i] << np.uint64(24) | rows[i]
