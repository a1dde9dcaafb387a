"""Whether a quotation stands in a text, as people quote: case, spaces, quotation marks and hyphens aside."""

from __future__ import annotations

import re
import unicodedata

_GAPS = re.compile(r"\s*(?:\.\.\.|…|\[\.\.\.\]|\[…\])\s*")


def stands_in(quote: str, text: str) -> bool:
    """Whether all parts of the quotation, those between its omissions, stand in the text one after another.

    >>> stands_in('"the shop … on Sundays"', "The shop is closed  on Sundays.")
    True
    >>> stands_in("on Sundays … the shop", "The shop is closed on Sundays."), stands_in("  ", "anything")
    (False, False)
    """
    whole, at, seen = _folded(text), 0, False
    for piece in _GAPS.split(quote):
        wanted = _folded(piece).strip(" .,;:!?")
        if not wanted:
            continue
        found = whole.find(wanted, at)
        if found < 0:
            return False
        at, seen = found + len(wanted), True
    return seen


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub(r"[\"'`“”„‘’‚«»*_]", "", re.sub(r"[‐‑–—−]", "-", plain))
    return " ".join(plain.split())
