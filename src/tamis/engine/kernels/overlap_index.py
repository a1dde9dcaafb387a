"""The index of test items, as kernels read it, and its table of n-grams."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import njit

_MIX = np.uint64(0x9E3779B97F4A7C15)
BASE = np.uint64(0xD6E8FEB86659FD93)  # of the rolling sums of n-grams


class Seeds(NamedTuple):
    """n-grams that lead to items. filter: bits of the hashes; keys: open table of hashes (0: free); places: where the
    postings of each begin, `bounds` style in `firsts`; items, words: the postings."""

    n: int
    filter: np.ndarray
    keys: np.ndarray
    slots: np.ndarray
    firsts: np.ndarray
    items: np.ndarray
    words: np.ndarray


class Items(NamedTuple):
    """The test items. Of item i the words `bounds[i]:bounds[i + 1]`.

    hashes uint64; weights uint8: whether the word counts (it stands in an n-gram that few items have); content uint8: what
    it says, in halves of a word, once an item; kinds uint8; starts, stops: its bytes in data, in which item i is `offsets[i]:offsets[i + 1]`.
    whole, strict bool: whether only all of the item counts, and only with the same signs.
    answers: of item i the texts `answer_bounds[i]:answer_bounds[i + 1]`, each the hashes `text_bounds[k]:…`; needed: how many
    of them make an answer.
    """

    bounds: np.ndarray
    hashes: np.ndarray
    weights: np.ndarray
    content: np.ndarray
    kinds: np.ndarray
    data: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    whole: np.ndarray
    strict: np.ndarray
    answer_bounds: np.ndarray
    text_bounds: np.ndarray
    text_hashes: np.ndarray
    needed: np.ndarray


@njit(nogil=True, cache=True)
def gram_key(gram: np.uint64) -> np.uint64:
    """The hash of an n-gram from its rolling sum; never 0."""
    h = (gram ^ (gram >> np.uint64(31))) * _MIX
    return (h ^ (h >> np.uint64(30))) | np.uint64(1)


@njit(nogil=True, cache=True)
def gram_keys(hashes: np.ndarray, bounds: np.ndarray, n: int, out: np.ndarray) -> None:
    """The key of the n-gram that begins at each word, within its item; 0 where fewer than n words are left."""
    out[:] = 0
    for i in range(bounds.shape[0] - 1):
        for p in range(bounds[i], bounds[i + 1] - n + 1):
            gram = np.uint64(0)
            for j in range(p, p + n):
                gram = gram * BASE + hashes[j]
            out[p] = gram_key(gram)


@njit(nogil=True, cache=True)
def fill_table(uniques: np.ndarray, filter: np.ndarray, keys: np.ndarray, slots: np.ndarray) -> None:
    """Put the unique keys into the filter and the open table."""
    bits = np.uint64(filter.shape[0] * 64 - 1)
    mask = np.uint64(keys.shape[0] - 1)
    for k in range(uniques.shape[0]):
        key = uniques[k]
        bit = (key >> np.uint64(20)) & bits
        filter[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
        at = (key >> np.uint64(1)) & mask
        while keys[at] != 0:
            at = (at + np.uint64(1)) & mask
        keys[at] = key
        slots[at] = k


@njit(nogil=True, cache=True)
def find_slot(seeds: Seeds, key: np.uint64) -> int:
    """The number of a key, -1 where no item has it."""
    mask = np.uint64(seeds.keys.shape[0] - 1)
    at = (key >> np.uint64(1)) & mask
    while seeds.keys[at] != 0:
        if seeds.keys[at] == key:
            return int(seeds.slots[at])
        at = (at + np.uint64(1)) & mask
    return -1
