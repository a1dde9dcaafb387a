"""How hard a view is to read, as series."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Text

Scale = Literal["ease", "grade", "lix"]


class Readability(NamedTuple):
    """Per row: the figure (Float64, whole hundredths; null where there are too few words), words and sentences."""

    figure: pl.Series
    words: pl.Series
    sentences: pl.Series


def readability(text: Text, scale: Scale, *, min_words: int) -> Readability:
    """The figure of each string, in whole numbers until the last division: the same everywhere.

    ease = 206.835 - 1.015 w/s - 84.6 y/w (Flesch 1948); grade = 0.39 w/s + 11.8 y/w - 15.59 (Kincaid 1975);
    lix = w/s + 100 l/w (Björnsson 1968), with w words, s sentences, y syllables, l words of more than six letters.
    """
    from .kernels import readability as kernel

    out = np.empty((len(text.offsets) - 1, kernel.FIGURES), np.int64)
    kernel.measure_prose(text.data, text.offsets, out)
    words, sentences = out[:, kernel.WORDS], out[:, kernel.SENTENCES]
    enough = (words >= min_words) & (words > 0)
    w, s = np.where(enough, words, 1), np.where(enough, sentences, 1)
    y, long = np.where(enough, out[:, kernel.SYLLABLES], 0), np.where(enough, out[:, kernel.LONG], 0)
    if scale == "ease":
        hundredths = (206_835 * s * w - 1_015 * w * w - 84_600 * y * s) // (10 * s * w)
    elif scale == "grade":
        hundredths = (390 * w * w + 11_800 * y * s - 15_590 * s * w) // (10 * s * w)
    else:
        hundredths = 100 * (w * w + 100 * long * s) // (s * w)
    figure = pl.select(pl.when(pl.Series(enough)).then(pl.Series(hundredths / 100))).to_series()
    return Readability(figure, pl.Series(words.astype(np.int32)), pl.Series(sentences.astype(np.int32)))
