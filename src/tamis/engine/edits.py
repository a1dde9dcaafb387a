"""What people changed between a draft and what they sent."""

from __future__ import annotations

import numpy as np
import polars as pl

from tamis.core.row import MESSAGE, MESSAGES

from .text import to_text


def changed_share(draft: pl.Series, sent: pl.Series) -> pl.Series:
    """Edit distance over the length of the longer text, 0..1; null where one of them is."""
    from .kernels.edits import edit_distances

    a, b = to_text(draft), to_text(sent)
    distance, longer = np.zeros(len(draft), np.int64), np.zeros(len(draft), np.int64)
    edit_distances(a.data, a.offsets, b.data, b.offsets, distance, longer)
    share = distance / np.maximum(longer, 1)
    return pl.Series("change", share).set(~pl.Series(a.valid & b.valid), None)


def as_answer(texts: pl.Series) -> pl.Series:
    """Conversations of one assistant message each; null where the text is."""
    fields = [
        pl.lit("assistant").alias("role") if field.name == "role"
        else pl.col("content") if field.name == "content"
        else pl.lit(None, dtype=field.dtype).alias(field.name)
        for field in MESSAGE.fields
    ]  # fmt: skip
    one = pl.concat_list(pl.struct(fields)).cast(MESSAGES)
    frame = pl.DataFrame([texts.alias("content")])
    return frame.select(pl.when(pl.col("content").is_not_null()).then(one).alias("rejected")).to_series()
