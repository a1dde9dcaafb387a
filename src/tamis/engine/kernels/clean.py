"""Characters that do not belong in text: which strings hold some, and the strings without them.

Strings are read where they stand, as Arrow's string views, so that those without anything odd are
never copied: views (n, 4) uint32, inline the same memory as (n, 16) uint8, addresses and sizes of the
data buffers (k,) int64.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined,unused-ignore]

from .buffers import _pointer
from .jit import njit

#: what `mark_strings` finds in a string
HIGH, CONTROL, INVISIBLE, COMPOSE, COMPATIBLE, MOJIBAKE = 1, 2, 4, 8, 16, 32
#: further classes of a character, told by `classes`
PICTURE, JOINING, RIGHT_TO_LEFT, SPACELESS, IDEOGRAPH = 64, 128, 256, 512, 1024

_CONTROLS = (
    (0x00, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x9F), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFC),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)),
)  # fmt: skip
_INVISIBLES = (
    (0x00AD, 0x00AD), (0x061C, 0x061C), (0x180E, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0xFE00, 0xFE0F), (0xE0000, 0xE0FFF),
)  # fmt: skip
_PICTURES = (
    (0x00A9, 0x00A9), (0x00AE, 0x00AE), (0x203C, 0x203C), (0x2049, 0x2049), (0x2122, 0x2122), (0x2139, 0x2139),
    (0x2190, 0x21FF), (0x2300, 0x23FF), (0x24C2, 0x24C2), (0x25A0, 0x27BF), (0x2900, 0x297F), (0x2B00, 0x2BFF),
    (0x3030, 0x3030), (0x303D, 0x303D), (0x3297, 0x3299), (0x1F000, 0x1FAFF),
)  # fmt: skip
_JOINING = (
    (0x0600, 0x08FF), (0x0900, 0x0DFF), (0x0F00, 0x109F), (0x1780, 0x18AF), (0x1A20, 0x1AAF), (0x1B00, 0x1C7F),
    (0xA840, 0xA8FF), (0xA980, 0xA9FF), (0xAA00, 0xAADF), (0xABC0, 0xABFF), (0xFB50, 0xFDCF), (0xFDF0, 0xFDFF),
    (0xFE70, 0xFEFC), (0x10A00, 0x10A5F), (0x11000, 0x11FFF), (0x1E900, 0x1E95F),
)  # fmt: skip
_RIGHT_TO_LEFT = (
    (0x0590, 0x08FF),
    (0xFB1D, 0xFDCF),
    (0xFDF0, 0xFDFF),
    (0xFE70, 0xFEFC),
    (0x10800, 0x10FFF),
    (0x1E800, 0x1EFFF),
)
_SPACELESS = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
#: where characters that a normal form changes can stand; the rest are ideographs, syllables, private or free
_COMPOSABLE = (
    (0xA0, 0x33FF),
    (0xA640, 0xABFF),
    (0xD7B0, 0xD7FF),
    (0xF900, 0xFFFF),
    (0x10000, 0x1FFFF),
    (0x2F800, 0x2FA1F),
)

#: 8-bit encodings in which UTF-8 is misread, and the lead bytes looked for (None: all)
_MISREADINGS: tuple[tuple[str, bytes | None], ...] = (
    ("latin-1", None),
    ("cp1252", None),
    ("cp1257", None),
    ("cp1250", b"\xc2\xc3\xc4\xc5\xcb\xce\xcf\xd0\xd1\xe2\xf0"),
    ("iso8859-2", b"\xc2\xc3\xc4\xc5\xcb\xce\xcf\xd0\xd1\xe2\xf0"),
    ("cp1251", b"\xc2\xc3\xd0\xd1\xe2\xf0"),
    ("cp1253", b"\xc2\xc3\xce\xcf\xd0\xd1\xe2\xf0"),
    ("mac-roman", b"\xc2\xc3\xc4\xc5\xce\xcf\xd0\xd1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xf0"),
    ("cp437", b"\xc2\xc3\xc4\xc5\xce\xcf\xd0\xd1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xf0"),
)
#: bit of `misread` of each encoding; those that share one are alike
_GROUPS = (0, 0, 1, 2, 2, 3, 4, 5, 6)
MISREAD_LIMIT = 0x2700


@cache
def classes() -> np.ndarray:
    """(0x110000,) uint16: the classes of every code point."""
    table = np.zeros(0x110000, np.uint16)
    groups = (
        (CONTROL, _CONTROLS), (INVISIBLE, _INVISIBLES), (PICTURE, _PICTURES), (JOINING, _JOINING),
        (RIGHT_TO_LEFT, _RIGHT_TO_LEFT), (SPACELESS, _SPACELESS), (IDEOGRAPH, _IDEOGRAPHS),
    )  # fmt: skip
    for bit, ranges in groups:
        for first, last in ranges:
            table[first : last + 1] |= bit
    table[list(_composing())] |= COMPOSE
    table[list(_compatible())] |= COMPATIBLE
    table.flags.writeable = False
    return table


def _assigned() -> Iterable[int]:
    """The code points that can matter to a normal form."""
    for first, last in _COMPOSABLE:
        yield from range(first, last + 1)


def _composing() -> set[int]:
    """Code points without which a string is in NFC: those that compose, reorder or are replaced."""
    found = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    for point in _assigned():
        character = chr(point)
        if unicodedata.combining(character):
            found.add(point)
            continue
        parts = unicodedata.decomposition(character)
        if parts and parts[0] != "<":
            found.update(int(part, 16) for part in parts.split()[1:])
            if not unicodedata.is_normalized("NFC", character):
                found.add(point)
    return found


def _compatible() -> set[int]:
    """Code points that NFKC replaces."""
    return {point for point in _assigned() if not unicodedata.is_normalized("NFKC", chr(point))}


@cache
def misread() -> tuple[np.ndarray, np.ndarray]:
    """(MISREAD_LIMIT,) uint8 each: in which misreadings a character is a lead, or a continuation, byte of UTF-8."""
    leads, trails = np.zeros(MISREAD_LIMIT, np.uint8), np.zeros(MISREAD_LIMIT, np.uint8)
    for (encoding, chosen), group in zip(_MISREADINGS, _GROUPS, strict=True):
        for byte in range(0x80, 0xF5):
            character = bytes([byte]).decode(encoding, "ignore")
            if not character or ord(character) >= MISREAD_LIMIT:
                continue
            if byte < 0xC0:
                trails[ord(character)] |= 1 << group
            elif byte >= 0xC2 and (chosen is None or byte in chosen):
                leads[ord(character)] |= 1 << group
    for character in "ÂÃ":  # a no-break space that became a plain one
        leads[ord(character)] |= 1 << 7
    trails[ord(" ")] |= 1 << 7
    return leads, trails


@njit(nogil=True, cache=True)
def _ascii_marks(part: np.ndarray) -> np.uint8:
    """Bit 0: a byte of a character that is not ASCII; bit 1: a control character other than \\t \\n \\r."""
    high = np.uint8(0)
    odd = np.uint8(0)
    for b in part:
        high |= b
        odd |= np.uint8((b < np.uint8(32)) & (b != np.uint8(10)) & (b != np.uint8(9)) & (b != np.uint8(13))) | np.uint8(
            b == np.uint8(127)
        )
    return (high >> np.uint8(7)) | (odd << np.uint8(1))


@njit(nogil=True, cache=True)
def decode(data: np.ndarray, k: int) -> Any:
    """(code point, bytes) of the character at `k` of valid UTF-8."""
    b = np.int64(data[k])
    if b < 0x80:
        return b, 1
    if b < 0xE0:
        return ((b & 0x1F) << 6) | (np.int64(data[k + 1]) & 0x3F), 2
    if b < 0xF0:
        return ((b & 0x0F) << 12) | ((np.int64(data[k + 1]) & 0x3F) << 6) | (np.int64(data[k + 2]) & 0x3F), 3
    return (
        ((b & 0x07) << 18)
        | ((np.int64(data[k + 1]) & 0x3F) << 12)
        | ((np.int64(data[k + 2]) & 0x3F) << 6)
        | (np.int64(data[k + 3]) & 0x3F)
    ), 4


@njit(nogil=True, cache=True)
def _marks(part: np.ndarray, table: np.ndarray, leads: np.ndarray, trails: np.ndarray) -> int:
    """The marks of a string that is not all ASCII."""
    found = 0
    previous = 0
    k, end = 0, part.shape[0]
    while k < end:
        point, size = decode(part, k)
        k += size
        if point >= 0x80 or point < 0x20 or point == 0x7F:
            found |= int(table[point])
            if 0x80 <= point < 0xA0:
                found |= MOJIBAKE
        if previous >= 0x80 and point < MISREAD_LIMIT and previous < MISREAD_LIMIT and leads[previous] & trails[point]:
            found |= MOJIBAKE
        previous = point
    return found & (CONTROL | INVISIBLE | COMPOSE | COMPATIBLE | MOJIBAKE)


@njit(nogil=True, cache=True)
def string_at(views: np.ndarray, inline: np.ndarray, addresses: np.ndarray, sizes: np.ndarray, i: int) -> Any:
    """The bytes of string `i`, where they stand."""
    length = np.int64(views[i, 0])
    if length <= 12:
        return inline[i, 4 : 4 + length]
    buffer, begin = np.int64(views[i, 2]), np.int64(views[i, 3])
    address: Any = _pointer(addresses[buffer])  # type: ignore[call-arg,unused-ignore]
    return carray(address, sizes[buffer], dtype=np.uint8)[begin : begin + length]


@njit(nogil=True, cache=True)
def mark_strings(
    views: np.ndarray, inline: np.ndarray, addresses: np.ndarray, sizes: np.ndarray, selected: np.ndarray,
    table: np.ndarray, leads: np.ndarray, trails: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """Fill out (n,) uint8 with the marks of each selected string, 0 for the others."""
    for i in range(views.shape[0]):
        out[i] = 0
        if not selected[i] or views[i, 0] == 0:
            continue
        part = string_at(views, inline, addresses, sizes, i)
        found = int(_ascii_marks(part))
        if found & HIGH:
            found |= _marks(part, table, leads, trails)
        out[i] = found


@njit(nogil=True, cache=True)
def _flag_end(data: np.ndarray, k: int, end: int) -> int:
    """Where the tag characters at `k` end, if they spell a region's flag (3 to 5, then the closing tag); else 0."""
    count = 0
    while k + 4 <= end:
        point, size = decode(data, k)
        k += size
        if point == 0xE007F:
            return k if 3 <= count <= 5 else 0
        if not (0xE0030 <= point <= 0xE0039 or 0xE0061 <= point <= 0xE007A):
            return 0
        count += 1
    return 0


@njit(nogil=True, cache=True)
def _escape_end(data: np.ndarray, k: int, end: int) -> int:
    """Where the terminal's colour code that begins with ESC at `k` ends; k + 1 where it is no such code."""
    at = k + 1
    if at >= end or data[at] != 0x5B:
        return k + 1
    at += 1
    while at < end and 0x20 <= data[at] <= 0x3F:
        at += 1
    return at + 1 if at < end and 0x40 <= data[at] <= 0x7E else k + 1


@njit(nogil=True, cache=True)
def _stays(point: int, last: int, following: int, table: np.ndarray, right_to_left: bool) -> bool:
    """Whether an invisible character has work to do where it stands. last: the character kept before it; -1: none."""
    before = np.int64(table[last]) if last >= 0 else 0
    if (
        point == 0x200D
        and (before & PICTURE or last == 0xFE0F or last == 0xE007F)
        and following >= 0
        and table[following] & PICTURE
    ):
        return True
    if point == 0x200C or point == 0x200D or point == 0x180E:
        return before & JOINING != 0
    if point == 0x200B:
        return before & SPACELESS != 0
    if point == 0x200E or point == 0x200F or point == 0x061C or 0x202A <= point <= 0x202C or 0x2066 <= point <= 0x2069:
        return right_to_left and last != point
    if 0xFE00 <= point <= 0xFE0F:
        return (last >= 0x80 and before & INVISIBLE == 0) or 0x30 <= last <= 0x39 or last == 0x23 or last == 0x2A
    if 0xE0100 <= point <= 0xE01EF:
        return before & IDEOGRAPH != 0
    return False


@njit(nogil=True, cache=True)
def strip_strings(
    data: np.ndarray, offsets: np.ndarray, table: np.ndarray, controls: bool, invisible: bool,
    out: np.ndarray, out_offsets: np.ndarray, removed: np.ndarray
) -> None:  # fmt: skip
    """Copy each string without control characters and without invisible ones that do nothing where they stand.

    VT, FF and NEL become newlines. removed: (n, 2) int64, how many of each kind. `out` has room for `data`.
    """
    at = 0
    for i in range(offsets.shape[0] - 1):
        out_offsets[i] = at
        k, end = offsets[i], offsets[i + 1]
        right_to_left = False
        j = k
        while j < end and not right_to_left:
            point, size = decode(data, j)
            j += size
            # a bidi mark is no evidence of right-to-left text
            right_to_left = table[point] & RIGHT_TO_LEFT != 0 and table[point] & INVISIBLE == 0
        last = -1
        while k < end:
            point, size = decode(data, k)
            kind = np.int64(table[point])
            if kind & CONTROL and controls:
                removed[i, 0] += 1
                if point == 0x0B or point == 0x0C or point == 0x85:
                    out[at] = 0x0A
                    at += 1
                    last = 0x0A
                k = _escape_end(data, k, end) if point == 0x1B else k + size
                continue
            if kind & INVISIBLE and invisible:
                flag = _flag_end(data, k, end) if last == 0x1F3F4 else 0
                following = decode(data, k + size)[0] if k + size < end else -1
                if flag:
                    while k < flag:
                        out[at] = data[k]
                        at += 1
                        k += 1
                    last = 0xE007F
                    continue
                if not _stays(point, last, following, table, right_to_left):
                    removed[i, 1] += 1
                    k += size
                    continue
            for _ in range(size):
                out[at] = data[k]
                at += 1
                k += 1
            last = point
    out_offsets[offsets.shape[0] - 1] = at


def tables() -> tuple[Any, Any, Any]:
    """What `mark_strings` looks characters up in."""
    return (classes(), *misread())
