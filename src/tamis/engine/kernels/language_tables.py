"""What language identification looks things up in: scripts, language codes, and the n-gram model's hash tables."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .jit import njit

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

CODES = (
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "ca", "ckb", "cs", "cy", "da", "de", "dv", "el",
    "en", "eo", "es", "et", "eu", "fa", "fi", "fo", "fr", "fy", "ga", "gd", "gl", "gu", "ha", "hbs", "he", "hi",
    "ht", "hu", "hy", "id", "ig", "is", "it", "ja", "jv", "ka", "kk", "km", "kn", "ko", "ku", "ky", "la", "lb",
    "lo", "lt", "lv", "mg", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "om", "or", "pa",
    "pl", "ps", "pt", "ro", "ru", "rw", "sa", "si", "sk", "sl", "sn", "so", "sq", "sr", "st", "sv", "sw", "ta",
    "te", "tg", "th", "tk", "tl", "tr", "tt", "ug", "uk", "ur", "uz", "vi", "xh", "yo", "zh", "zu",
)  # fmt: skip
# Bosnian, Croatian and Serbian in Latin script differ too little for n-grams: all are "hbs", the macrolanguage.
# "sr" alone is Serbian in Cyrillic. Norwegian Bokmål is "no".
FOLDED = {"bs": ("hbs",), "hr": ("hbs",), "sr": ("sr", "hbs"), "sh": ("sr", "hbs"), "nb": ("no",)}

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
    weights: npt.NDArray[np.int8]  # flat; log-probability relative to the row's mean, in steps of 1/8 nat
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
        first_slot[script], slot_mask[script] = n_slots, len(table) - 1
        tables.append(table)
        weights.append(np.pad(rows, ((0, 0), (0, width[script] - rows.shape[1]))).ravel())
        n_slots += len(table)
        n_units += units * len(grams)
    flat = _aligned(np.concatenate(weights))
    singles = [CODES.index(SINGLE_SCRIPTS[script]) if script in SINGLE_SCRIPTS else -1 for script in range(N_SCRIPTS)]
    sigmoid = np.round(2 / (1 + np.exp(-np.arange(256) / 40)) - 1, 3).astype(np.float32)
    return Model(
        script_pages(), _lower_case(), np.array(singles, dtype=np.int16), sigmoid,
        np.concatenate(tables), first_slot, slot_mask, flat, width, column_code, prior,
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


@njit(nogil=True, cache=True)
def bucket(gram: np.uint64, mask: np.uint64) -> np.uint64:
    """Where the two slots of an n-gram are."""
    return ((gram * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) & mask & ~np.uint64(1)


@njit(nogil=True, cache=True)
def _fill_slots(table: Words, grams: Words, rows: Words) -> None:
    """Insert each n-gram with its weight row. The data file holds at most two for each bucket."""
    mask = np.uint64(table.shape[0] - 1)
    for i in range(grams.shape[0]):
        at = bucket(grams[i], mask)
        if table[at] != 0:
            at += np.uint64(1)
        table[at] = grams[i] << np.uint64(24) | rows[i]
