"""The index of test items, as kernels read it, and its table of n-grams."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import inlined, plain

_MIX = np.uint64(0x9E3779B97F4A7C15)
BASE = np.uint64(0xD6E8FEB86659FD93)  # of the rolling sums of n-grams

COUNT = 24  # bits of how many postings an n-gram has
_1, _34, _52, _58, _63 = (np.uint64(k) for k in (1, 34, 52, 58, 63))


class Seeds(NamedTuple):
    """n-grams that lead to items.

    power: what an n-gram's oldest word is multiplied with in its rolling sum; filter: bits of the sums; table (2^k, 2) uint64: an
    open table of (key, first posting << COUNT | how many), key 0: free; postings (p, 2) int32: (item, word in it), item -1 is a hint at
    items of another index.
    """

    n: int
    power: np.uint64
    filter: np.ndarray
    table: np.ndarray
    postings: np.ndarray


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


class Work(NamedTuple):
    """Memory that the search works in, for one thread at a time.

    Per word of a row: hashes, starts, stops, kinds, places (the message it stands in); of the user's words alone: stream,
    stream_kinds, order (the word it is). Per item: stamps (when it was touched last), ends, chains; touched; marks, per word of an
    item. Per piece: pieces, links. counts (3,). letters, others: one folded word. said: the user's messages of a row.
    sums: of the words before each; at, which: where a seed may begin, and of what sizes; seeds (s, 3): those that are some: (word,
    size, postings).
    """

    hashes: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    kinds: np.ndarray
    places: np.ndarray
    stream: np.ndarray
    stream_kinds: np.ndarray
    order: np.ndarray
    stamps: np.ndarray
    ends: np.ndarray
    chains: np.ndarray
    touched: np.ndarray
    marks: np.ndarray
    pieces: np.ndarray
    links: np.ndarray
    counts: np.ndarray
    letters: np.ndarray
    others: np.ndarray
    said: np.ndarray
    sums: np.ndarray
    at: np.ndarray
    which: np.ndarray
    seeds: np.ndarray


@plain
def gram_key(gram: np.uint64) -> np.uint64:
    """The hash of an n-gram from its rolling sum; never 0."""
    h = (gram ^ (gram >> np.uint64(31))) * _MIX
    return (h ^ (h >> np.uint64(30))) | np.uint64(1)


@inlined
def filter_bits(gram: np.uint64, words: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Where an n-gram's rolling sum stands in a filter of so many words less one, a power of two: the word, and two bits of it."""
    mixed = gram * _MIX
    return (mixed >> _34) & words, (_1 << (mixed >> _58)) | (_1 << ((mixed >> _52) & _63))


@plain
def gram_sums(hashes: np.ndarray, at: np.ndarray, n: int, out: np.ndarray) -> None:
    """The rolling sums of the n-grams that begin at the words `at`."""
    for k in range(at.shape[0]):
        gram = np.uint64(0)
        for j in range(at[k], at[k] + n):
            gram = gram * BASE + hashes[j]
        out[k] = gram


@plain
def gram_keys(hashes: np.ndarray, bounds: np.ndarray, n: int, out: np.ndarray) -> None:
    """The key of the n-gram that begins at each word, within its item; 0 where fewer than n words are left."""
    out[:] = 0
    for i in range(bounds.shape[0] - 1):
        for p in range(bounds[i], bounds[i + 1] - n + 1):
            gram = np.uint64(0)
            for j in range(p, p + n):
                gram = gram * BASE + hashes[j]
            out[p] = gram_key(gram)


@plain
def fill_table(
    sums: np.ndarray, uniques: np.ndarray, firsts: np.ndarray, filter: np.ndarray, table: np.ndarray
) -> None:
    """Put the unique keys into the open table, with the postings `firsts[k]:firsts[k + 1]`; the rolling sums they are made
    of into the filter."""
    words = np.uint64(filter.shape[0] - 1)
    mask = np.uint64(table.shape[0] - 1)
    for k in range(uniques.shape[0]):
        key = uniques[k]
        word, bits = filter_bits(sums[k], words)
        filter[word] |= bits
        at = (key >> _1) & mask
        while table[at, 0] != 0:
            at = (at + _1) & mask
        table[at, 0] = key
        table[at, 1] = np.uint64(firsts[k] << COUNT | (firsts[k + 1] - firsts[k]))


@inlined
def find_postings(table: np.ndarray, key: np.uint64) -> int:
    """What stands in the table beside a key, 0 where no item has it."""
    mask = np.uint64(table.shape[0] - 1)
    at = (key >> _1) & mask
    while table[at, 0] != 0:
        if table[at, 0] == key:
            return int(table[at, 1])
        at = (at + _1) & mask
    return 0
