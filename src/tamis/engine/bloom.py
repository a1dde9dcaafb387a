"""Bloom filters over rows: made for a rate or for a memory, filled in row order, kept in files.

`Filter` answers "certainly new" or "seen, but for a small share of errors". That share follows from how full the
filter is: a new key finds all its bits set with probability (bits set / bits) ** hashes, of its block where there
are blocks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray

from tamis.core.errors import CorruptFile, DataError
from tamis.core.row import SEPARATOR

from .hashing import Keys, normalised
from .store import disk_error, writing
from .text import to_text

MAGIC = b"TAMIS BLOOM 1\n"
MOST_HASHES = 40
#: what a full block is worth in `Filter.state`
WORTH = 1 << 36


class Seen(NamedTuple):
    """What a filter says of some rows.

    seen: (n,) bool; distinct, known: (n,) int64, how many keys each row has and how many of them were found.
    """

    seen: NDArray[np.bool_]
    distinct: NDArray[np.int64]
    known: NDArray[np.int64]


@dataclass
class Filter:
    """words: (bits / 64,) uint64; rows: rows added or found; wrong: expected rows wrongly found.

    blocked: whether a key's bits all lie in one block of 512. state: bits set, or, where blocked, the worth of all
    blocks: the sum of (bits set / 512) ** hashes, in units of 1 / WORTH.
    """

    words: NDArray[np.uint64]
    hashes: int
    blocked: bool = False
    state: int = 0
    rows: int = 0
    wrong: float = 0.0

    @property
    def bits(self) -> int:
        """How many bits there are."""
        return 64 * len(self.words)

    @property
    def fill(self) -> float:
        """The share of bits set."""
        return float(np.bitwise_count(self.words).sum() / self.bits)

    @property
    def rate(self) -> float:
        """The probability that a key not yet added is found all the same, as things stand."""
        return float(np.exp(self._log_rates(np.array([self.state]))[0]))

    def _log_rates(self, states: NDArray[np.int64]) -> NDArray[np.float64]:
        """The logarithm of the rate at each of some states."""
        share = np.maximum(states, 1e-300) / (self.bits / 512 * WORTH if self.blocked else self.bits)
        return np.log(share) * (1 if self.blocked else self.hashes)

    def judge_keys(self, found: Keys) -> Seen:
        """Look rows up by one key each, in order; those not found are added."""
        from .kernels.bloom import judge_keys

        n = len(found.high)
        seen, filled = np.empty(n, np.bool_), np.empty(n, np.int64)
        self.state = judge_keys(
            self.words, np.uint64(self.bits), self.hashes, self.state, found.high, found.low, found.valid, seen, filled
        )
        each = found.valid.astype(np.int64)
        told = Seen(seen, each, seen.astype(np.int64))
        self._account(told, each, filled)
        return told

    def judge_grams(self, hashed: NDArray[np.uint64], starts: NDArray[np.int64], millionths: int) -> Seen:
        """Look rows up by their n-grams, in order; rows with a share known below `millionths` are added."""
        from .kernels.bloom import judge_grams

        n = len(starts) - 1
        distinct, known, filled = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
        seen = np.empty(n, np.bool_)
        worth = np.array([round(WORTH * (k / 512) ** self.hashes) for k in range(513)], np.int64)
        self.state = judge_grams(
            self.words, np.uint64(len(self.words) // 8), self.hashes, worth, self.state, hashed, starts, millionths,
            distinct, known, seen, filled,
        )  # fmt: skip
        told = Seen(seen, distinct, known)
        self._account(told, -(-distinct * millionths // 1_000_000), filled)
        return told

    def _account(self, told: Seen, needed: NDArray[np.int64], filled: NDArray[np.int64]) -> None:
        """Add to `wrong` what the rows that stayed tell.

        A row that stays is new for certain. It would have been lost with probability b (below); so each one kept
        stands for b / (1 - b) rows lost. At most: where a row has several keys, b is the union bound over which of
        those not found would be found by error, and keys found count as truly known.
        """
        self.rows += int((told.distinct > 0).sum())
        stayed = ~told.seen & (told.distinct > 0) & (needed <= told.distinct)
        if not stayed.any():
            return
        missing = (told.distinct - told.known)[stayed]
        errors = (needed - told.known)[stayed]
        logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, int(missing.max()) + 1)))])
        choices = logs[missing] - logs[errors] - logs[missing - errors]
        rate = self._log_rates(filled[stayed])
        lost = np.minimum(np.exp(np.minimum(choices + errors * rate, 0.0)), 0.99)
        lost[filled[stayed] == 0] = 0.0
        self.wrong += math.fsum(lost / (1 - lost))


def made_for(keys: int, rate: float | None, memory: int | None, *, blocked: bool = False) -> Filter:
    """An empty filter for `keys` keys: of `memory` bytes, or as large as `rate` asks for."""
    keys, unit = max(keys, 1), 8 if blocked else 1
    rate_of = _blocked_rate if blocked else _plain_rate
    if memory is None:
        assert rate is not None
        words = max(unit, math.ceil(-keys * math.log(rate) / math.log(2) ** 2 / 64))
        while min(rate_of(keys, words, hashes) for hashes in _hashes(keys, words)) > rate:
            words += max(unit, words // 200)
    else:
        words = memory // 8
    words = max(unit, -(-words // unit) * unit)
    hashes = min(_hashes(keys, words), key=lambda hashes: rate_of(keys, words, hashes))
    return Filter(np.zeros(words, np.uint64), hashes, blocked)


def _hashes(keys: int, words: int) -> range:
    """The numbers of hashes that may be best."""
    best = round(64 * words / keys * math.log(2))
    return range(min(MOST_HASHES, max(1, best - 2)), min(MOST_HASHES, max(1, best + 1)) + 1)


def _plain_rate(keys: int, words: int, hashes: int) -> float:
    return float((1 - math.exp(-hashes * keys / (64 * words))) ** hashes)


def _blocked_rate(keys: int, words: int, hashes: int) -> float:
    """Keys fall into blocks like raindrops; full blocks err more than empty ones save."""
    mean = 8 * keys / words
    most = int(mean + 12 * math.sqrt(mean) + 20)
    total, chance = 0.0, math.exp(-mean)
    for held in range(1, most):
        chance *= mean / held
        total += chance * (1 - (511 / 512) ** (hashes * held)) ** hashes
    return min(1.0, total if mean < 700 else 1.0)


def joined_texts(columns: Iterable[pl.Series]) -> pl.Series:
    """Several texts of each row as the messages of one; null where all are null."""
    parts = list(columns)
    if len(parts) == 1:
        return parts[0]
    frame = pl.DataFrame([part.alias(str(k)) for k, part in enumerate(parts)])
    return frame.select(pl.concat_str(pl.all(), separator=SEPARATOR, ignore_nulls=True)).to_series()


def row_grams(
    texts: pl.Series, rules: Iterable[str], size: int, by_words: bool, *, count_only: bool = False
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """(n-gram hashes, where each row's begin) of strings once normalised. `count_only`: no hashes."""
    from .kernels.bloom import grams

    text = normalised(to_text(texts), rules)
    data = np.concatenate([text.data, np.zeros(8, np.uint8)])
    starts = np.empty(len(text.offsets), np.int64)
    nothing = np.empty(0, np.uint64)
    total = grams(data, text.offsets, size, by_words, starts, nothing)
    if count_only or total == 0:
        return nothing, starts
    hashed = np.empty(total, np.uint64)
    grams(data, text.offsets, size, by_words, starts, hashed)
    return hashed, starts


def write_filter(path: Path, one: Filter, about: dict[str, Any]) -> None:
    """Keep a filter. `about`: how its keys are made, compared when it is read."""
    body = one.words.astype("<u8").tobytes()
    facts = {
        "words": len(one.words),
        "blocked": one.blocked,
        "hashes": one.hashes,
        "state": one.state,
        "rows": one.rows,
        "about": about,
    }
    head = json.dumps({**facts, "xxh3": xxhash.xxh3_128_hexdigest(body)}, sort_keys=True).encode() + b"\n"
    with writing(path) as temporary:
        temporary.write_bytes(MAGIC + xxhash.xxh3_128_hexdigest(head).encode() + b"\n" + head + body)


def read_filter(path: Path, about: dict[str, Any]) -> Filter:
    """A filter as it was kept. CorruptFile where bytes changed, DataError where its keys are made otherwise."""
    try:
        with open(path, "rb") as file:
            if file.readline(64) != MAGIC:
                raise DataError(f"{path} is no filter that Tamis wrote")
            check, head = file.readline(64).strip().decode("ascii", "replace"), file.readline(1 << 20)
            if xxhash.xxh3_128_hexdigest(head) != check:
                raise CorruptFile(f"{path}: its first lines are not the ones written")
            facts = json.loads(head)
            words = np.fromfile(file, "<u8")
    except OSError as error:
        raise disk_error(error, path) from error
    if len(words) != facts["words"] or xxhash.xxh3_128_hexdigest(words.data) != facts["xxh3"]:
        raise CorruptFile(f"{path}: the bytes are not the ones written")
    other = {name: facts["about"].get(name) for name in about if facts["about"].get(name) != about[name]}
    if other:
        told = ", ".join(f"{name} is {value!r}, not {about[name]!r}" for name, value in other.items())
        raise DataError(f"{path} was filled under other settings: {told}")
    return Filter(words.astype(np.uint64), facts["hashes"], facts["blocked"], facts["state"], facts["rows"])
