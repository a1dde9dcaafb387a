"""A linear classifier over hashed words and pairs of words: trained in row order, judged in whole numbers.

A word is a run of ASCII letters, digits and bytes from 0x80 on, in small letters; each word and each pair of neighbours is
hashed to one of 2**n weights. What a text scores is the bias plus the weights of what it holds, in 1/1024 of a nat.
"""

from __future__ import annotations

import numpy as np

from .jit import njit

ONE = 1024  # units of a nat
_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)
_PAIR = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True)
def _features(data: np.ndarray, start: int, end: int, mask: np.uint64, out: np.ndarray) -> int:
    """The slots of a string's words and pairs into `out`, as far as it has room; how many."""
    n = 0
    before = np.uint64(0)
    k = start
    while k < end and n + 2 <= out.shape[0]:
        h = _BASIS
        a = k
        while k < end:
            b = data[k]
            if 0x41 <= b <= 0x5A:
                b += 0x20
            if not (0x61 <= b <= 0x7A or 0x30 <= b <= 0x39 or b >= 0x80):
                break
            h = (h ^ np.uint64(b)) * _PRIME
            k += 1
        if k == a:
            k += 1
            continue
        h ^= h >> np.uint64(29)
        out[n] = np.int64(h & mask)
        pair = (before * _PAIR) ^ h
        out[n + 1] = np.int64((pair ^ (pair >> np.uint64(31))) & mask)
        n += 2
        before = h
    return n


@njit(nogil=True, cache=True)
def score_linear(data: np.ndarray, offsets: np.ndarray, weights: np.ndarray, bias: int, out: np.ndarray) -> None:
    """out (n,) int64: the score of each string, in 1/ONE of a nat; weights (2**n,) int16."""
    slots = np.empty(4096, np.int64)
    mask = np.uint64(weights.shape[0] - 1)
    for i in range(offsets.shape[0] - 1):
        n = _features(data, offsets[i], offsets[i + 1], mask, slots)
        total = bias
        for j in range(n):
            total += np.int64(weights[slots[j]])
        out[i] = total


@njit(nogil=True, cache=True)
def train_linear(
    data: np.ndarray, offsets: np.ndarray, labels: np.ndarray, order: np.ndarray, rate: float, weights: np.ndarray
) -> None:  # fmt: skip
    """One pass of logistic regression by gradient descent, row by row in `order`; the last weight is the bias."""
    slots = np.empty(4096, np.int64)
    mask = np.uint64(weights.shape[0] - 2)
    for i in order:
        n = _features(data, offsets[i], offsets[i + 1], mask, slots)
        total = weights[-1]
        for j in range(n):
            total += weights[slots[j]]
        step = rate * (labels[i] - 1.0 / (1.0 + np.exp(-total)))
        weights[-1] += step
        for j in range(n):
            weights[slots[j]] += step
