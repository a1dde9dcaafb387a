"""How sketches are cut into bands, so that rows of a given similarity meet with a given chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: bins of a sketch, a byte each
BINS = 128
#: at most so many bands
MOST_BANDS = 64
#: standard deviations that a sketch may lie below the true similarity before a pair is not compared
_DEVIATIONS = 3.5


class Bands(NamedTuple):
    """rows: bins of each view in a band; number: how many bands."""

    rows: tuple[int, ...]
    number: int

    def chance(self, similarities: Sequence[float]) -> float:
        """The chance that two rows of these similarities, one for each view, meet in a band."""
        one = math.prod(s**r for s, r in zip(similarities, self.rows, strict=True))
        return float(1 - (1 - one) ** self.number)

    def columns(self) -> NDArray[np.int64]:
        """(number, r) int64: the columns of each band in the views' sketches, laid side by side."""
        parts = [
            v * BINS + np.arange(self.number * r, dtype=np.int64).reshape(self.number, r)
            for v, r in enumerate(self.rows)
        ]
        return np.concatenate(parts, axis=1)


def choose(floors: Sequence[float], recall: float) -> Bands:
    """The most selective bands in which two rows that are exactly as similar as `floors` meet with the chance `recall`."""
    best: tuple[tuple[int, int, int], Bands] | None = None
    for rows in product(range(1, 17), repeat=len(floors)):
        one = math.prod(s**r for s, r in zip(floors, rows, strict=True))
        count = 1 if one >= recall else math.ceil(math.log1p(-recall) / math.log1p(-one) - 1e-9)
        if count * max(rows) > BINS or count > MOST_BANDS:
            continue
        # the more bins in a band, the fewer rows meet that have nothing to do with each other
        score = (-sum(rows), max(rows) - min(rows), count)
        if best is None or score < best[0]:
            best = score, Bands(tuple(rows), count)
    if best is None:
        raise ValueError(
            f"no sketch of {BINS} bins finds pairs of similarity {min(floors):g} with the chance {recall:g}; "
            "raise the threshold or lower `recall`"
        )
    return best[1]


def least_agreement(floors: Sequence[float]) -> NDArray[np.int32]:
    """(views, BINS + 1) int32: bins in whose two lowest bits the sketches of two texts as similar as `floors` agree, by the bins
    that were full before the empty ones were filled: their mean less some deviations.
    """
    full = np.maximum(np.arange(BINS + 1), 1)
    out = np.empty((len(floors), BINS + 1), np.int32)
    for v, floor in enumerate(floors):
        share = floor + (1 - floor) / 4  # one in four agrees by chance
        deviation = np.sqrt(share * (1 - share) / full)
        out[v] = np.maximum(np.floor(BINS * (share - _DEVIATIONS * deviation)), 0).astype(np.int32)
    return out
