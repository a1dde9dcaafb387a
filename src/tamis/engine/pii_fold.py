"""Texts as the rules read them: one ASCII character for each that means the same, so that places do not move."""

from __future__ import annotations

_SPACES = "\u00a0\u1680\u202f\u205f\u3000\u00ad\u2060\ufeff" + "".join(map(chr, range(0x2000, 0x200E)))
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_TABLE: dict[int, str] = {
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _DASHES), "-"),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width forms
    **{base + digit: str(digit) for base in (0x660, 0x6F0, 0x966, 0x9E6) for digit in range(10)},
}


def fold(text: str) -> str:
    """`text` with Unicode digits, dashes, spaces and full-width forms as ASCII, and `\\n`, `\\t`, `\\r` of JSON as spaces.

    >>> fold("＋４９\u00a030‑901820\\\\n")
    '+49 30-901820  '
    """
    if not text.isascii():
        text = text.translate(_TABLE)
    if "\\" in text:
        text = text.replace("\\n", "  ").replace("\\t", "  ").replace("\\r", "  ")
    return text
