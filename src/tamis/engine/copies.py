"""Near copies among the rows of a table step, and against rows delivered earlier: what is gathered, and what is found.

Exact copies (of the normalised texts) are one row to begin with; the similar pairs of what is left are found once, from the
lowest threshold up that may be asked for, and kept. Groups are made of them anew for each threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Table, Text
from tamis.core.errors import DataError
from tamis.core.fingerprint import fingerprint

from .bands import BINS, choose
from .earlier import Earlier
from .hashing import LOOSE, Rule, keys
from .neardup import Ints, Reader, Sketches, Unit, plain, ranked, similar_pairs, sketch, without_templates
from .pieces import pieces
from .scratch import Scratch
from .store import file_hash
from .text import to_text

#: bytes of keys and of texts that are compared in memory; beyond that they lie in files
KEY_BYTES, TEXT_BYTES = 16 << 20, 32 << 20
#: places of a table of keys, which is filled as often as it takes
_SLOTS = 1 << 20
#: rows normalised and sketched at a time
SLICE = 4096
_WORDS = BINS // 8


#: the rules of normalisation by name
RULES: dict[Literal["none", "case", "loose"], tuple[Rule, ...]] = {"none": (), "case": ("case",), "loose": LOOSE}


def gather(rows: Columns, views: Sequence[str], unit: Unit, rules: Sequence[Rule] = LOOSE) -> dict[str, pl.Series]:
    """What is needed of each row: the key of its normalised texts, and of each view the sketch and the sizes."""
    from .kernels.copies import first_of_key

    whole = [rows.buffers(view) for view in views]
    n = rows.height
    high, low, valid = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.bool_)
    full, lengths = np.empty((len(views), n), np.uint8), np.empty((len(views), n), np.uint32)
    words = np.empty((len(views), _WORDS, n), np.uint64)
    first, order = np.empty(n, np.int32), np.arange(n, dtype=np.int32)
    slots = np.full(1 << (2 * n).bit_length(), -1, np.int32)
    for start in range(0, n, SLICE):
        stop = min(start + SLICE, n)
        texts = [plain(_slice(text, start, stop), rules) for text in whole]
        high[start:stop], low[start:stop], valid[start:stop] = keys(texts, ())
        first_of_key(high, low, valid, order[start:stop], 0, 1, slots, first)
        new = np.flatnonzero(first[start:stop] == order[start:stop])
        for v, text in enumerate(texts):
            bins, full[v, start + new] = sketch(text, unit, new)
            words[v, :, start + new] = bins.view(np.uint64)
            lengths[v, start:stop] = np.diff(text.offsets)
    again = np.flatnonzero((first != order) & valid)
    words[:, :, again], full[:, again] = words[:, :, first[again]], full[:, first[again]]
    gathered = {"high": pl.Series(high), "low": pl.Series(low), "valid": pl.Series(valid)}
    for v in range(len(views)):
        gathered |= {f"{v}.full": pl.Series(full[v]), f"{v}.bytes": pl.Series(lengths[v])}
        gathered |= {f"{v}.{k:02d}": pl.Series(words[v, k]) for k in range(_WORDS)}
    return gathered


def _slice(text: Text, start: int, stop: int) -> Text:
    """Some of the strings."""
    begin, end = text.offsets[start], text.offsets[stop]
    return Text(text.data[begin:end], text.offsets[start : stop + 1] - begin, text.valid[start:stop])


class Part:
    """Rows in row order, gathered: a table, or earlier deliveries."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.height = table.height
        self.starts = np.asarray(table.starts, np.int64)

    def pieces(self, names: Sequence[str]) -> Iterator[tuple[int, pl.DataFrame]]:
        """The gathered columns of each partition, with the place of its first row."""
        return pieces(self.table, names)


@dataclass(frozen=True)
class Wanted:
    """What is looked for. views: names; floors: one for each view; templates: see `without_templates`."""

    views: tuple[str, ...]
    floors: tuple[float, ...]
    recall: float
    unit: Unit
    templates: int
    rules: tuple[Rule, ...] = LOOSE


@dataclass(frozen=True)
class Copies:
    """What was found, in rows of the table; a row delivered earlier counts down from -2.

    best: (n,) int32, the best of the exact copies of each row, itself where it is that, -1 where the row says nothing.
    a, b: (pairs,) int32, similar rows, each the best of its copies, a the better one, grouped by b from the best to the worst.
    similarity: (pairs, views) float64.
    """

    best: NDArray[np.int32]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    similarity: NDArray[np.float64]

    def frames(self) -> dict[str, pl.DataFrame]:
        pairs = {f"{v}": self.similarity[:, v] for v in range(self.similarity.shape[1])}
        return {"rows": pl.DataFrame({"best": self.best}), "pairs": pl.DataFrame({"a": self.a, "b": self.b, **pairs})}

    @classmethod
    def of(cls, frames: dict[str, pl.DataFrame]) -> Copies:
        pairs = frames["pairs"]
        similarity = pairs.drop("a", "b").to_numpy().reshape(pairs.height, pairs.width - 2)
        return cls(frames["rows"]["best"].to_numpy(), pairs["a"].to_numpy(), pairs["b"].to_numpy(), similarity)


def known_copies(
    table: Table,
    wanted: Wanted,
    key: str,
    worth: Callable[[], Ints | None],
    files: Sequence[str],
    gather: Callable[[Columns], dict[str, pl.Series]],
) -> tuple[Copies, Callable[[NDArray[np.int32]], pl.Series]]:
    """What `find` finds, once; and a function that names the earlier rows in an `into`.

    key: what else the result depends on; files: of earlier rows; gather: what the step gathers of rows.
    """
    hashes = [_file_hash(path) for path in files]

    def make() -> dict[str, pl.DataFrame]:
        earlier = Earlier([Path(path) for path in files], gather) if files else None
        found = find(table, wanted, worth(), earlier)
        met = np.unique(np.concatenate([found.a[found.a <= -2], found.best[found.best <= -2]]))
        told = [] if earlier is None else earlier.places((-2 - met).tolist())
        return {**found.frames(), "earlier": pl.DataFrame({"row": met, "place": pl.Series(told, dtype=pl.String)})}

    frames = table.derived(fingerprint(key, asdict(wanted), hashes), make)
    row, place = frames["earlier"]["row"].to_numpy(), frames["earlier"]["place"]

    def places(into: NDArray[np.int32]) -> pl.Series:
        out = pl.Series([None], dtype=pl.String).new_from_index(0, len(into))
        some = np.flatnonzero(into <= -2)
        return out.scatter(some, place.gather(pl.Series(np.searchsorted(row, into[some]), dtype=pl.UInt32)))

    return Copies.of(frames), places


def _file_hash(path: str) -> str:
    try:
        return file_hash(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def find(table: Table, wanted: Wanted, worth: Ints | None = None, earlier: Table | None = None) -> Copies:
    """Every similar pair of a table's rows, and of them with `earlier` ones. worth: (n,) int64, the higher the better."""
    parts = [Part(one) for one in (earlier, table) if one is not None]
    before = 0 if earlier is None else earlier.height
    height = before + table.height
    best, rows = _classes(parts, worth, before)
    place = np.full(height, -1, np.int32)
    place[rows] = np.arange(len(rows))
    read = _reader(parts, rows, wanted)
    fixed = int((rows < before).sum())
    scratch = Scratch(TEXT_BYTES)
    # who is given the sketches lets go of them before texts are read
    pairs = similar_pairs(_sketches(parts, place, rows, wanted), wanted.floors, wanted.unit, read, scratch, fixed)
    pairs = without_templates(pairs, wanted.templates)
    told = np.where(rows < before, -2 - rows, rows - np.int32(before)).astype(np.int32)
    out = np.full(table.height, -1, np.int32)
    mine = best[before:]
    out[mine >= 0] = told[place[mine[mine >= 0]]]
    return Copies(out, told[pairs.a], told[pairs.b], pairs.similarity)


def _classes(parts: Sequence[Part], worth: Ints | None, before: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(n,) int32: the best of the rows with the same key, -1 where there is none; and these rows from the best to the worst.

    The first rows, so many as `before`, are better than all others.
    """
    from .kernels.copies import first_of_key

    height = sum(part.height for part in parts)
    order = (
        np.arange(height - before, dtype=np.int32) if worth is None else ranked(worth, height - before).astype(np.int32)
    )
    if before:
        order = np.concatenate([np.arange(before, dtype=np.int32), order + np.int32(before)])
    high, low, valid = np.empty(height, np.uint64), np.empty(height, np.uint64), np.empty(height, np.bool_)
    base = 0
    for part in parts:
        for start, frame in part.pieces(["high", "low", "valid"]):
            for name, whole in (("high", high), ("low", low), ("valid", valid)):
                whole[base + start : base + start + frame.height] = frame[name].to_numpy()
        base += part.height
    best = np.empty(height, np.int32)
    turns = 1 + 4 * height // _SLOTS
    slots = np.empty(1 << max(4, (2 * height // turns).bit_length() + 1), np.int32)
    for turn in range(turns):
        slots[:] = -1
        first_of_key(high, low, valid, order, turn, turns, slots, best)
    best[~valid] = -1
    return best, order[best[order] == order]


def _sketches(parts: Sequence[Part], place: NDArray[np.int32], rows: NDArray[np.int32], wanted: Wanted) -> Sketches:
    """What is known of the rows that have a place, at their places."""
    from .kernels.neardup import band_keys, low_bits

    count, views = len(rows), len(wanted.views)
    bands = choose(wanted.floors, wanted.recall)
    columns = bands.columns()
    store = Scratch(KEY_BYTES).store(4 * count * bands.number)
    bits = np.empty((count, views * BINS // 32), np.uint64)
    full, lengths = np.empty((count, views), np.uint8), np.empty((count, views), np.uint32)
    names = [f"{v}.{k:02d}" for v in range(views) for k in range(_WORDS)]
    more = [f"{v}.{what}" for v in range(views) for what in ("full", "bytes")]
    base = done = 0
    for part in parts:
        for start, frame in part.pieces([*names, *more]):
            where = place[base + start : base + start + frame.height]
            some = np.flatnonzero(where >= 0)
            where = where[some]
            words = np.stack([frame[name].to_numpy() for name in names])
            keys = np.empty((bands.number, len(some)), np.uint32)
            low_bits(words, some, where, bits)
            band_keys(words, some, columns, keys)
            for band in range(bands.number):
                store.put(4 * (count * band + done), keys[band])
            done += len(some)
            for v in range(views):
                full[where, v] = frame[f"{v}.full"].to_numpy()[some]
                lengths[where, v] = frame[f"{v}.bytes"].to_numpy()[some]
        base += part.height
    return Sketches(bits, full, lengths, rows, store, bands)


def _reader(parts: Sequence[Part], rows: NDArray[np.int32], wanted: Wanted) -> Reader:
    """Reads the normalised texts of classes, partition by partition."""
    from concurrent.futures import ThreadPoolExecutor

    from .executor import default_workers

    names = [f"view:{view}" for view in wanted.views]

    def read(wanted_rows: Ints, put: Callable[[Ints, int, Text], None]) -> None:
        classes = wanted_rows[np.argsort(rows[wanted_rows], kind="stable")]
        where = rows[classes].astype(np.int64)

        def one(task: tuple[Part, int, int, Ints]) -> None:
            part, low, base, mine = task
            frame = part.table.fetch(where[low : low + len(mine)] - base, names)
            for v, name in enumerate(names):
                put(mine, v, plain(to_text(frame[name]), wanted.rules))

        tasks, base = [], 0
        for part in parts:
            bounds = np.searchsorted(where, part.starts + base)
            tasks += [(part, a, base, classes[a:b]) for a, b in pairwise(bounds.tolist()) if b > a]
            base += part.height
        with ThreadPoolExecutor(default_workers()) as pool:
            for _ in pool.map(one, tasks):
                pass

    return read


class Groups(NamedTuple):
    """into: (n,) int32, the row that each goes into, -1 where it stays; a row delivered earlier counts down from -2.
    similarity: (n,) float64, to that row; of rows that stay, to the most similar one that stays too; NaN where there is none.
    """

    into: NDArray[np.int32]
    similarity: NDArray[np.float64]


def groups(copies: Copies, thresholds: Sequence[float]) -> Groups:
    """The rows that go, and into which: each into the most similar row that stays, none over a third one."""
    from .kernels.neardup import star

    n = len(copies.best)
    # earlier rows stand after the table's, so that every number is a place
    earlier = int(max(0, -1 - min(copies.a.min(initial=0), copies.best.min(initial=0))))
    a = np.where(copies.a <= -2, np.int32(n - 2) - copies.a, copies.a)
    enough = np.asarray((copies.similarity >= np.array(thresholds)).all(axis=1), np.bool_)
    least = copies.similarity.min(axis=1) if len(a) else np.empty(0, np.float64)
    into, pair = np.full(n + earlier, -1, np.int32), np.full(n + earlier, -1, np.int32)
    star(a, copies.b, least, enough, into, pair)
    into, pair = into[:n], pair[:n]
    similarity = np.full(n, np.nan)
    some = np.flatnonzero(pair >= 0)
    similarity[some] = least[pair[some]]
    del pair, some
    out = np.flatnonzero(into >= n)
    into[out] = np.int32(n - 2) - into[out]
    rows = np.flatnonzero((copies.best != np.arange(n, dtype=np.int32)) & (copies.best != -1))
    best = copies.best[rows]
    inside = best >= 0
    into[rows], similarity[rows] = best, 1.0
    follow = rows[inside][into[best[inside]] != -1]
    into[follow], similarity[follow] = into[copies.best[follow]], similarity[copies.best[follow]]
    return Groups(into, similarity)
