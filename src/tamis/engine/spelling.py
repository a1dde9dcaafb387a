"""Typos in a view, as series."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Text

#: least share of a text's words that must be known, in tenths: else it is another language, or no prose
KNOWN_TENTHS = 8
_WORD = re.compile(rb"[a-z]+")


class Spelling(NamedTuple):
    """Per row: typos by words (Float64, 0..1; null where too few words, or too few known ones), words, typos, some of them."""

    share: pl.Series
    words: pl.Series
    typos: pl.Series
    found: pl.Series


def spelling(text: Text, *, min_words: int) -> Spelling:
    """The share of typos in each string."""
    from .kernels import spelling as kernel
    from .marked import spread

    n = len(text.offsets) - 1
    out = np.empty((n, kernel.FIGURES), np.int64)
    kernel.check_spelling(text.data, text.offsets, kernel.words(), out)
    checked, known, typos = out[:, kernel.CHECKED], out[:, kernel.KNOWN], out[:, kernel.TYPOS]
    told = (checked >= max(min_words, 1)) & (known * 10 >= checked * KNOWN_TENTHS)
    share = pl.select(pl.when(pl.Series(told)).then(pl.Series(typos / np.maximum(checked, 1)))).to_series()
    at = np.flatnonzero(told & (typos > 0))
    found = []
    for row in at.tolist():
        begins = [int(text.offsets[row] + place) for place in out[row, kernel.FIRST :] if place >= 0]
        words = [_WORD.match(text.data[k : k + kernel.LONGEST].tobytes()) for k in begins]
        found.append(", ".join(dict.fromkeys(word[0].decode() for word in words if word)))
    return Spelling(
        share,
        pl.Series(checked.astype(np.int32)),
        pl.Series(np.where(told, typos, 0).astype(np.int32)),
        spread(found, at.tolist(), n, pl.String),
    )
