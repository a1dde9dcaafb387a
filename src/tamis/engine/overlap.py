"""Test items against rows: the index of some test sets, and what a step asks of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .benchmarks import Benchmark, load
from .folding import SIGNS, Folds, folds, signed_folds
from .testsets import Item, Named

#: words that say little of what a question is about; at least a few others must be shared
_COMMON = """
a about above after again all also am an and any are as at be because been before being below best between both but by can
cannot could did do does doing done down during each either else ever every few for from further get gets give given go had
has have having he her here hers him his how however i if in into is it its just least less let like make many may me might
more most much must my no nor not of off on once one only or other our out over own per please same shall she should so some
such than that the their them then there these they this those through to too two under until up us use used using very
was we were what when where whether which while who whom whose why will with would yes you your
following question questions answer answers answered sentence sentences statement statements write word words
example examples choose option options correct correctly find describe explain list name number text passage problem
complete create generate provide input output task instruction response context step think people person thing things
def return self import int str none list s t re ve ll d m x y n b c e f g
"""
COMMON = frozenset(_COMMON.split())
HALF = frozenset(("true", "false"))  # of these only both together
MIN_SHORT = 3  # words of the shortest item that is looked for
ALONE = 16  # halves of telling words that make an answer worth finding without its question
FINE = 4  # words of the n-grams by which edited items are found
FINE_WORTH = 2  # halves of telling words that such an n-gram holds
EVERY = 40  # words up to which an item is found by each of them, else by the rarest of each n words
FEW = 2  # choices that stand near a question as good as its answer


class Index(NamedTuple):
    """Test sets, ready to be looked for. items: the kernel's; the rest per item."""

    long: Any
    fine: Any
    short: Any
    items: Any
    lengths: NDArray[np.int64]
    numbers: NDArray[np.int64]
    content: NDArray[np.int64]
    set_of: NDArray[np.int64]
    number_in_set: NDArray[np.int64]
    is_answer: NDArray[np.bool_]
    signs: NDArray[np.int64]
    texts: tuple[str, ...]
    sets: tuple[Benchmark, ...]
    left_out: tuple[int, ...]  # per set: items too short to be looked for
    folds: Folds
    heads: Text  # what evidence in JSON says of each item first
    signed: Any = None  # the index of items that only signs tell apart, their signs being words


class Spec(NamedTuple):
    """What an index is made of: (name shown, file) of each test set, columns, and how it is to be looked for."""

    sets: tuple[tuple[str, Path], ...]
    named: Named
    n: int
    parts: str
    common: int
    whole: bool


_lock = threading.Lock()


def index_of(spec: Spec) -> Index:
    """The index of some test sets; kept while their files stay as they are."""
    stamps = tuple(
        (s.st_mtime_ns, s.st_size) if path.exists() and (s := path.stat()) else (0, 0) for _, path in spec.sets
    )
    with _lock:
        return _index(spec, stamps)


@lru_cache(maxsize=4)
def _index(spec: Spec, stamps: tuple[tuple[int, int], ...]) -> Index:
    sets = tuple(load(name, path, spec.named) for name, path in spec.sets)
    return build(sets, n=spec.n, parts=spec.parts, common=spec.common, whole=spec.whole)


class _Words(NamedTuple):
    """Words of many texts. bounds: (m + 1,)."""

    bounds: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]


def words_of(texts: list[str], table: Folds | None = None) -> _Words:
    """The words of some texts, one after another."""
    from .kernels.folded_words import words_of_all

    raw = [text.encode("utf-8", "replace") for text in texts]
    data = np.frombuffer(b"".join(raw), np.uint8)
    offsets = np.zeros(len(raw) + 1, np.int64)
    np.cumsum([len(r) for r in raw], out=offsets[1:])
    room = len(data) + 8
    counts = np.zeros(len(raw), np.int64)
    hashes, kinds = np.empty(room, np.uint64), np.empty(room, np.uint8)
    starts, stops = np.empty(room, np.int64), np.empty(room, np.int64)
    total = words_of_all(data, offsets, *(table or folds()), counts, hashes, starts, stops, kinds)
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return _Words(
        bounds, hashes[:total].copy(), starts[:total].copy(), stops[:total].copy(), kinds[:total].copy(), data, offsets
    )


def worth_of(words: _Words) -> NDArray[np.uint8]:
    """Per word, in halves of a word: 0 where it says little, 1 for a character, else 2."""
    common = np.unique(words_of([" ".join(sorted(COMMON))]).hashes)
    worth = np.where(words.kinds == 3, 1, 2).astype(np.uint8)
    worth[np.isin(words.hashes, common)] = 0
    worth[np.isin(words.hashes, words_of(sorted(HALF)).hashes)] = 1
    worth[(words.stops - words.starts == 1) & (words.kinds == 1)] = 0
    return worth


def content_of(words: _Words, worth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same, but 0 where a word stood before in its text."""
    text = np.repeat(np.arange(len(words.bounds) - 1), np.diff(words.bounds))
    order = np.lexsort((np.arange(len(text)), words.hashes, text))
    again = np.zeros(len(text), np.bool_)
    again[order[1:]] = (text[order[1:]] == text[order[:-1]]) & (words.hashes[order[1:]] == words.hashes[order[:-1]])
    return np.where(again, np.uint8(0), worth)


def build(
    sets: tuple[Benchmark, ...], *, n: int, parts: str, common: int, whole: bool,
    only: frozenset[tuple[int, int]] | None = None,
) -> Index:  # fmt: skip
    """The index: words, what they say, and the n-grams that lead to them. only: the (set, item)s that are told apart by signs
    alone, of which an index is made whose words are signs, too."""
    from .kernels.overlap_index import Items

    texts: list[str] = []
    set_of: list[int] = []
    numbers_in: list[int] = []
    answer: list[bool] = []
    told: list[tuple[str, ...]] = []  # what may stand near instead of more words
    needed: list[int] = []
    sizes = [np.diff(words_of([item.question for item in one.items]).bounds) for one in sets]
    repeated = [Counter(bare(item.question) for item in one.items) for one in sets]
    for k, one in enumerate(sets):
        for j, item in enumerate(one.items):
            if only is not None and (k, j) not in only:
                continue
            if parts != "answers":
                texts.append(_asked(item, parts, int(sizes[k][j]), repeated[k][bare(item.question)] > common))
                set_of.append(k)
                numbers_in.append(j)
                answer.append(False)
                told.append(item.answers or item.choices)
                needed.append(1 if item.answers else FEW)
            if parts != "questions" and only is None:
                for text in item.answers:
                    texts.append(text)
                    set_of.append(k)
                    numbers_in.append(j)
                    answer.append(True)
                    told.append((item.question,))
                    needed.append(1)
    table = folds() if only is None else signed_folds()
    words = words_of(texts, table)
    lengths = np.diff(words.bounds)
    worth = worth_of(words)
    content = content_of(words, worth)
    said = _sums(content, words.bounds)
    is_answer, of_set = np.array(answer, np.bool_), np.array(set_of, np.int64)
    usable = (lengths >= MIN_SHORT) & (~is_answer | ((said >= ALONE) & (lengths >= n)))
    strict = _ambiguous(words, texts, usable)
    firsts, counted = _grams(words, n)
    place = np.repeat(np.arange(len(lengths)), lengths)
    rare = (counted > 0) & (counted <= common)
    weights = np.zeros(len(place), np.uint8)
    for step in range(min(n, len(rare))):
        weights[step:] |= rare[: len(rare) - step]
    plain = _sums(rare, words.bounds) == 0  # nothing in the item is its own
    weights[plain[place]] = 1
    alike = strict & plain & ~is_answer & (lengths >= n) & (not whole) & (only is None)
    usable &= ~alike  # they have an index of their own
    only_whole = plain | (lengths < n)
    seeded = rare & usable[place]
    if whole:
        seeded &= False
    fine_keys, fine_counted = _grams(words, FINE)
    fine_seed = (fine_counted > 0) & (fine_counted <= common) & (_ahead(worth, FINE) >= FINE_WORTH)
    fine_seed &= (usable & ~only_whole & ~strict & (lengths > n))[place] & (not whole)
    seeded, fine_seed = _thinned(seeded, fine_seed, fine_counted, lengths[place] <= EVERY, n)
    hint = alike[place] & (_ahead(worth, FINE) >= FINE_WORTH) & _first_of(fine_keys)
    fine = _seeds(words, fine_keys, fine_seed | hint, place, FINE, hint)
    best = _rarest(words, counted, firsts, usable & (lengths >= n) & (plain | whole))
    seeded[best] = True
    long = _seeds(words, firsts, seeded, place, n)
    short_firsts, short_counted = _grams(words, MIN_SHORT)
    short_seed = np.zeros(len(place), np.bool_)
    short_seed[_rarest(words, short_counted, short_firsts, usable & (lengths < n))] = True
    short = _seeds(words, short_firsts, short_seed, place, MIN_SHORT)
    answers = words_of([text for group in told for text in group])
    answer_bounds = np.concatenate([[0], np.cumsum([len(group) for group in told])]).astype(np.int64)
    items = Items(
        words.bounds, words.hashes, weights, content, words.kinds, words.data, words.offsets, words.starts, words.stops,
        only_whole | whole, strict, answer_bounds, answers.bounds, answers.hashes, np.array(needed, np.int64),
    )  # fmt: skip
    signs = np.array([sum(text.count(sign) for sign in SIGNS) for text in texts], np.int64)
    left_out = tuple(int((~usable & ~alike & ~is_answer & (of_set == k)).sum()) for k in range(len(sets)))
    index = Index(
        long, fine, short, items, lengths, _sums(words.kinds == 2, words.bounds), said, of_set, np.array(numbers_in, np.int64),
        is_answer, signs, tuple(texts), sets, left_out, table, heads_of(sets, set_of, numbers_in, answer),
    )  # fmt: skip
    if not alike.any():
        return index
    chosen = frozenset(zip(of_set[alike].tolist(), np.array(numbers_in)[alike].tolist(), strict=True))
    return index._replace(signed=build(sets, n=n, parts="questions", common=common, whole=False, only=chosen))


def _asked(item: Item, parts: str, size: int, again: bool) -> str:
    """A question as it is looked for: with its choices where many others of the set ask the same (`again`), with its answer where it is
    too short by itself."""
    if item.choices and again:
        return "\n".join([item.question, *item.choices])
    if size < MIN_SHORT and item.answers and parts == "both":
        return f"{item.question}\n{item.answers[0]}"
    return item.question


def _sums(values: NDArray[Any], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over the words of each text."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.asarray(total[bounds[1:]] - total[bounds[:-1]], np.int64)


def heads_of(sets: tuple[Benchmark, ...], set_of: list[int], number: list[int], answer: list[bool]) -> Text:
    """What evidence says of each item first, as JSON up to its coverage."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    fronts = [f'{{"benchmark": {encode(one.name)}, "items": {len(one.items)}, "item": ' for one in sets]
    backs = [f', "part": "{part}", "coverage": ' for part in ("question", "answer")]
    heads = [
        (fronts[k] + encode(sets[k].items[j].id) + backs[told]).encode("utf-8", "replace")
        for k, j, told in zip(set_of, number, answer, strict=True)
    ]
    offsets = np.cumsum([0, *map(len, heads)], dtype=np.int64)
    return Text(np.frombuffer(b"".join(heads), np.uint8), offsets, np.ones(len(heads), np.bool_))


def bare(text: str) -> str:
    """A text without case and white space: what two items with the same words must differ in."""
    return "".join(text.casefold().split())


def _ambiguous(words: _Words, texts: list[str], usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Items whose words are those of another item with another text: signs decide between them."""
    groups: dict[bytes, set[str]] = {}
    keys = []
    for i in range(len(texts)):
        key = words.hashes[words.bounds[i] : words.bounds[i + 1]].tobytes() if usable[i] else b""
        keys.append(key)
        if key:
            groups.setdefault(key, set()).add(bare(texts[i]))
    return np.array([bool(key) and len(groups[key]) > 1 for key in keys], np.bool_)


def _grams(words: _Words, n: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Per word: the key of the n-gram that begins there (0: none), and in how many items it stands."""
    from .kernels.overlap_index import gram_keys

    keys = np.zeros(len(words.hashes), np.uint64)
    gram_keys(words.hashes, words.bounds, n, keys)
    place = np.repeat(np.arange(len(words.bounds) - 1), np.diff(words.bounds))
    there = np.flatnonzero(keys)
    order = there[np.lexsort((place[there], keys[there]))]
    counts = np.zeros(len(keys), np.int64)
    if len(order):
        new_key = np.concatenate([[True], keys[order[1:]] != keys[order[:-1]]])
        new_item = new_key | np.concatenate([[True], place[order[1:]] != place[order[:-1]]])
        group = np.cumsum(new_key) - 1
        counts[order] = np.bincount(group, weights=new_item).astype(np.int64)[group]
    return keys, counts


def _rarest(
    words: _Words, counted: NDArray[np.int64], keys: NDArray[np.uint64], chosen: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Per chosen item, the word at which its rarest n-gram begins (the first of them)."""
    found = []
    for i in np.flatnonzero(chosen).tolist():
        first, last = int(words.bounds[i]), int(words.bounds[i + 1])
        there = np.where(keys[first:last] != 0, counted[first:last], np.iinfo(np.int64).max)
        found.append(first + int(np.argmin(there)))
    return np.array(found, np.int64)


def _ahead(values: NDArray[Any], n: int) -> NDArray[np.int64]:
    """The sum of each value and the n - 1 after it."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.asarray(total[np.minimum(np.arange(len(values)) + n, len(values))] - total[:-1], np.int64)


def _first_of(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which keys stand there for the first time."""
    found = np.zeros(len(keys), np.bool_)
    found[np.unique(keys, return_index=True)[1]] = True
    return found


def _thinned(
    seeded: NDArray[np.bool_], fine: NDArray[np.bool_], counted: NDArray[np.int64], every: NDArray[np.bool_], n: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of the n-grams those without a finer one within them; of the finer ones, but for items that keep `every`, the rarest
    (the first of them) of each n words."""
    size = len(fine)
    cost = np.where(fine, counted, np.iinfo(np.int64).max)
    kept = fine & every
    best, at = cost.copy(), np.arange(size)
    for step in range(1, min(n - FINE, size - 1) + 1):
        smaller = np.flatnonzero(cost[step:] < best[:-step])
        best[smaller] = cost[smaller + step]
        at[smaller] = smaller + step
    led = seeded & (best < np.iinfo(np.int64).max)
    kept[at[led]] = True
    return seeded & ~led, kept


def _seeds(
    words: _Words, keys: NDArray[np.uint64], seeded: NDArray[np.bool_], place: NDArray[np.int64], n: int,
    hints: NDArray[np.bool_] | None = None,
) -> Any:  # fmt: skip
    """The table of n-grams at the words `seeded`; hints: at which they hint at another index."""
    from .kernels.overlap_index import BASE, Seeds, fill_table, gram_sums

    at = np.flatnonzero(seeded & (keys != 0))
    at = at[np.argsort(keys[at], kind="stable")]
    uniques, firsts = np.unique(keys[at], return_index=True)
    bounds = np.concatenate([firsts, [len(at)]]).astype(np.int64)
    room = 1 << max(4, int(2 * len(uniques)).bit_length())
    bits = min(max(1 << 14, 16 * room), 1 << 26)
    table, filter = np.zeros((room, 2), np.uint64), np.zeros(bits // 64, np.uint64)
    sums = np.zeros(len(uniques), np.uint64)
    gram_sums(words.hashes, at[firsts], n, sums)
    fill_table(sums, uniques, bounds, filter, table)
    items = place[at]
    stands = at - words.bounds[items]
    postings = np.stack([items if hints is None else np.where(hints[at], -1, items), stands], axis=1).astype(np.int32)
    return Seeds(n, np.uint64(pow(int(BASE), n, 1 << 64)), filter, table, postings)
