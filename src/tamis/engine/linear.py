"""Linear text classifiers from a file of one's own: hashed words, whole-number weights, no library needed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text
from tamis.core.errors import DataError


class Linear(NamedTuple):
    """weights (2**n,) int16 and the bias, in 1/1024 of a nat."""

    weights: NDArray[np.int16]
    bias: int


def read_linear(path: Path) -> Linear:
    """The classifier in a file that `scripts/train_linear.py` wrote; DataError where it is none."""
    stamp = path.stat() if path.is_file() else None
    if stamp is None:
        raise DataError(f"no classifier {str(path)!r}", hint="the path is relative to the recipe's folder")
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int, size: int) -> Linear:
    try:
        with np.load(path, allow_pickle=False) as file:
            weights, bias = file["weights"], int(file["bias"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{str(path)!r} is no linear classifier: {error}", hint="scripts/train_linear.py makes one"
        ) from None
    if weights.dtype != np.int16 or weights.ndim != 1 or len(weights) < 2 or len(weights) & (len(weights) - 1):
        raise DataError(f"{str(path)!r} is no linear classifier: weights must be 2**n int16")
    return Linear(weights, bias)


def units(text: Text, model: Linear) -> NDArray[np.int64]:
    """(n,) the score of each string in 1/1024 of a nat: above 0 the classifier says yes."""
    from .kernels.linear import score_linear

    out = np.empty(len(text.offsets) - 1, np.int64)
    score_linear(text.data, text.offsets, model.weights, model.bias, out)
    return out


def probability(score: NDArray[np.int64]) -> pl.Series:
    """The probability of each score, 0..1, rounded to hundredths: to be read, not to be decided by."""
    from .kernels.linear import ONE

    return pl.Series(np.round(1 / (1 + np.exp(-np.clip(score / ONE, -30, 30))), 2).astype(np.float32))


def train(text: Text, labels: NDArray[np.bool_], *, bits: int = 18, passes: int = 5, seed: int = 1) -> Linear:
    """A classifier that tells strings with a label from those without. The same input gives the same weights."""
    from .kernels.linear import ONE, train_linear

    weights = np.zeros((1 << bits) + 1, np.float64)
    random = np.random.default_rng(seed)
    for k in range(passes):
        order = random.permutation(len(labels))
        train_linear(text.data, text.offsets, labels.astype(np.float64), order, 0.1 / (1 + k), weights)
    whole = np.clip(np.rint(weights * ONE), -32768, 32767)
    return Linear(whole[:-1].astype(np.int16), int(whole[-1]))


def least_units(share: float) -> int:
    """The least score whose probability is at least `share`, 0..1."""
    from .kernels.linear import ONE

    return int(np.ceil(np.log(share / (1 - share)) * ONE))
