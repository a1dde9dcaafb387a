"""Lengths of a view, as series."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from tamis.core.columns import Text

Unit = Literal["words", "characters", "tokens"]


def count(text: Text, unit: Unit, *, tokenizer: str = "o200k") -> pl.Series:
    """The length of each string in `unit`s; null where the string is null.

    tokens need the extra [tokens]; `tokenizer` is 'o200k', 'cl100k' or the path of a `tokenizer.json`.
    """
    n = len(text.offsets) - 1
    if unit == "tokens":
        from .tokens import count_tokens

        lengths = count_tokens(text, tokenizer)
    else:
        from .kernels.counts import count_characters, count_words

        lengths = np.empty(n, np.int64)
        (count_words if unit == "words" else count_characters)(text.data, text.offsets, lengths)
    series = pl.Series(unit, lengths)
    if text.valid.all():
        return series
    return pl.select(pl.when(pl.Series(text.valid)).then(series)).to_series().alias(unit)
