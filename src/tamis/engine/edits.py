"""What people changed between a draft and what they sent."""

from __future__ import annotations

import numpy as np
import polars as pl

from tamis.core.row import MESSAGES

from .chats import flat, join_chats, only
from .frame import Frame
from .shapes import pack
from .text import to_text


def changed_share(draft: pl.Series, sent: pl.Series) -> pl.Series:
    """Edit distance over the length of the longer text, 0..1; null where one of them is."""
    from .kernels.edits import edit_distances

    a, b = to_text(draft), to_text(sent)
    distance, longer = np.zeros(len(draft), np.int64), np.zeros(len(draft), np.int64)
    edit_distances(a.data, a.offsets, b.data, b.offsets, distance, longer)
    share = distance / np.maximum(longer, 1)
    return pl.Series("change", share).set(~pl.Series(a.valid & b.valid), None)
