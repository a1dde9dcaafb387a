"""Texts to vectors: equal texts once, known ones from the store, the others bought in calls of texts of similar length."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import CallFailed
from tamis.engine.vectors import KEY_BYTES, VectorStore

from . import figures
from .canonical import Request, place_of, text_keys
from .connect import Player
from .local_embed import local_embedder
from .prices import most_tokens
from .shapes import cohere
from .till import Till

#: the folder of vectors among what is recorded
NAME = "embeddings"
#: texts, and bytes, sent in one call
MOST_TEXTS, MOST_BYTES = 64, 200_000
#: texts embedded at once on this machine
LOCAL_TEXTS = 50_000
#: characters below which a text that is refused is not taken to be too long
SHORTEST = 1000
#: texts refused by a model that never gave a vector, after which the request is taken to be wrong and not the texts
ALL_REFUSED = 64


class Stats(NamedTuple):
    """What was done. known: distinct texts that were in the store; truncated: texts of which the model saw the beginning
    only; tokens, usd: of what was bought now, None where that is unknown; normalised: every vector has length 1."""

    texts: int
    distinct: int
    known: int
    truncated: int
    dimensions: int
    normalised: bool
    tokens: int | None
    usd: float | None


class Embedded(NamedTuple):
    """vectors: (n, dimensions), a row a text, zeros for a null."""

    vectors: NDArray[Any]
    stats: Stats


class Keys(NamedTuple):
    """keys: (n,) String, the keys of the texts' recorded vectors, 32 hexadecimal digits; null for a null text, and for one
    that the model did not take. reasons, errors: (n,) String, of those why: a slug of `CALL_REASONS`, and what was said."""

    keys: pl.Series
    reasons: pl.Series
    errors: pl.Series
    bought: int
    truncated: int
    dimensions: int


class _Bill:
    """What a request for vectors cost so far."""

    def __init__(self) -> None:
        self.tokens: int | None = 0
        self.usd: float | None = 0.0

    def add(self, tokens: int | None, usd: float | None) -> None:
        self.tokens = None if tokens is None or self.tokens is None else self.tokens + tokens
        self.usd = None if usd is None or self.usd is None else self.usd + usd


class _Keeper:
    """A model's store, and who waits for what to be written: one write at a time, whatever gathered meanwhile in it."""

    def __init__(self, store: VectorStore) -> None:
        self.store, self.refused = store, 0
        self._lock, self._waiting = asyncio.Lock(), list[tuple[bytes, NDArray[Any], NDArray[np.bool_]]]()

    async def keep(self, keys: bytes, vectors: NDArray[Any], truncated: NDArray[np.bool_]) -> None:
        """Returns when they are on the disk."""
        self._waiting.append((keys, vectors, truncated))
        await asyncio.shield(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        async with self._lock:
            some, self._waiting = self._waiting, []
            if some:
                wide = {len(one[1][0]) for one in some}
                if len(wide) > 1:
                    raise CallFailed("unreadable", f"{self.store.about} gave vectors of different lengths")
                keys, vectors, truncated = zip(*some, strict=True)
                whole = np.concatenate(vectors), np.concatenate(truncated)
                await asyncio.to_thread(self.store.append, b"".join(keys), *whole)


class Embeddings:
    """The vectors of a workspace. For one event loop."""

    def __init__(self, till: Till, recorded: Path) -> None:
        self._till, self._folder = till, recorded / NAME
        self._keepers: dict[tuple[str, str, str], _Keeper] = {}

    async def embed(self, player: Player, texts: pl.Series, out: Path | None = None) -> Embedded:
        """The vectors of texts, in their order. out: a file to map them from, in the store's precision; else float32."""
        bill = _Bill()
        distinct, _, store, rows, bought, failed = await self._known(player, texts, bill)
        for error in failed.values():
            raise error
        return await asyncio.to_thread(_spread, store, texts, distinct, rows, bought, bill, out)

    async def keys(self, player: Player, texts: pl.Series) -> Keys:
        """See that the vectors of texts are recorded. Texts that the model does not take have an error each.

        CallFailed where it takes none: then the request is wrong, not the texts.
        """
        distinct, keys, store, rows, bought, failed = await self._known(player, texts, _Bill())
        if failed and len(failed) == len(keys):
            raise next(iter(failed.values()))
        told = {
            "t": distinct,
            "k": [None if key in failed else key.hex() for key in keys],
            "r": [failed[key].reason if key in failed else None for key in keys],
            "e": [failed[key].message if key in failed else None for key in keys],
        }
        place = pl.DataFrame(told, schema={"t": pl.String, "k": pl.String, "r": pl.String, "e": pl.String})
        joined = texts.alias("t").to_frame().join(place, on="t", how="left", maintain_order="left")
        truncated = store.truncated(rows[rows >= 0])
        return Keys(joined["k"], joined["r"], joined["e"], bought - len(failed), truncated, store.dimensions)

    async def _known(
        self, player: Player, texts: pl.Series, bill: _Bill
    ) -> tuple[pl.Series, list[bytes], VectorStore, NDArray[np.int64], int, dict[bytes, CallFailed]]:
        """The distinct texts, their keys, where their vectors are, how many were not there before, and the errors of those
        the model did not take."""
        keeper = self._keeper(player)
        distinct = texts.drop_nulls().unique(maintain_order=True)
        keys = text_keys(player.name, player.connection, distinct.to_list())
        joined = b"".join(keys)
        rows = keeper.store.find(joined)
        missing = np.flatnonzero(rows < 0)
        self._till.tally.cached += len(keys) - len(missing)
        failed: dict[bytes, CallFailed] = {}
        if len(missing):
            wanted = distinct.gather(missing)
            if player.served:
                await self._here(player, keeper, [keys[k] for k in missing], wanted, bill)
            else:
                lacking = {keys[k]: text for k, text in zip(missing, wanted, strict=True)}
                failed = await self._bought(player, keeper, lacking, bill)
            rows = keeper.store.find(joined)
        return distinct, keys, keeper.store, rows, len(missing), failed

    def _keeper(self, player: Player) -> _Keeper:
        where = (place_of(player.connection), player.connection.shape, player.name)
        keeper = self._keepers.get(where)
        if keeper is None:
            about = f"{where[2]} at {where[0]}" + (f" ({where[1]})" if where[1] != "openai" else "")
            slug = re.sub(r"[^a-zA-Z0-9.-]+", "-", player.name)[-40:].strip("-.") or "model"
            digest = hashlib.blake2b("\0".join(where).encode(), digest_size=8).hexdigest()
            # what can be computed again is kept at half the precision, what was bought as it came
            store = VectorStore(self._folder / f"{slug}-{digest}", about, dtype="<f2" if player.served else "<f4")
            keeper = self._keepers[where] = _Keeper(store)
        return keeper

    async def _here(
        self, player: Player, keeper: _Keeper, keys: Sequence[bytes], texts: pl.Series, bill: _Bill
    ) -> None:
        """By a model on this machine."""
        model = await asyncio.to_thread(local_embedder, player.name)
        bill.usd = 0.0
        for at in range(0, len(keys), LOCAL_TEXTS):
            found = await asyncio.to_thread(model.embed, texts.slice(at, LOCAL_TEXTS))
            bill.add(int(found.tokens.sum()), 0.0)
            await keeper.keep(b"".join(keys[at : at + LOCAL_TEXTS]), found.values, found.truncated)

    async def _bought(
        self, player: Player, keeper: _Keeper, wanted: Mapping[bytes, str], bill: _Bill
    ) -> dict[bytes, CallFailed]:
        """By an endpoint; what somebody else is just buying is waited for. Returns the errors of the texts it does not
        take, in the order of `wanted`."""
        buying = self._till.buying
        shared = {key: buying[key] for key in wanted if key in buying}
        loop = asyncio.get_running_loop()
        mine = {
            key: loop.create_future() for key in sorted(wanted, key=lambda k: (len(wanted[k]), k)) if key not in shared
        }
        buying |= mine
        try:
            await asyncio.gather(
                *(self._call(player, keeper, wanted, part, mine, bill) for part in _parts(list(mine), wanted))
            )
        finally:
            for key, future in mine.items():
                future.cancel()  # those that were bought have their result
                _error(future)  # asked for, or asyncio complains
                del buying[key]
        failed = {key: error for key, future in mine.items() if (error := _error(future)) is not None}
        again: dict[bytes, str] = {}
        for key, waiting in shared.items():
            try:
                await asyncio.shield(waiting)
            except (asyncio.CancelledError, CallFailed):
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                again[key] = wanted[key]
        if again:
            failed |= await self._bought(player, keeper, again, bill)
        return {key: failed[key] for key in wanted if key in failed}

    async def _call(
        self,
        player: Player,
        keeper: _Keeper,
        texts: Mapping[bytes, str],
        keys: Sequence[bytes],
        waiting: Mapping[bytes, asyncio.Future[None]],
        bill: _Bill,
        *,
        cut: bool = False,
    ) -> None:
        """One call. One that is refused is made again in halves, to find what is refused; that is cut then, if it is
        long: endpoints say in many ways that a text is too long. A text that is refused for good, and all texts of a call
        that fails for another reason, get the error as their result."""
        sent = [texts[key] for key in keys]
        is_cohere = player.connection.shape == "cohere"
        path, body = (
            cohere.embed_request(player.name, sent, cut=cut) if is_cohere else figures.embed_request(player.name, sent)
        )
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in sent)
        request = Request(hashlib.blake2b(b"".join(keys), digest_size=KEY_BYTES).digest(), b"", b"embed")
        try:
            raw, record = await self._till.pay(
                "embed", player, request, path, body, most_tokens(size, len(keys), 1), keep=False
            )
        except CallFailed as error:
            if error.reason == "refused" and len(keys) > 1:
                half = len(keys) // 2
                for part in (keys[:half], keys[half:]):
                    await self._call(player, keeper, texts, part, waiting, bill)
                return
            shorter = sent[0] if is_cohere else sent[0][: len(sent[0]) * 3 // 4]
            if error.reason != "refused" or len(shorter) < SHORTEST or (is_cohere and cut):
                keeper.refused += len(keys)
                if not len(keeper.store) and keeper.refused >= ALL_REFUSED:
                    raise
                for key in keys:
                    waiting[key].set_exception(error)
                return
            await self._call(player, keeper, {keys[0]: shorter}, keys, waiting, bill, cut=True)
            return
        try:
            vectors = (cohere if is_cohere else figures).read_vectors(raw.data, len(keys))
        except CallFailed:
            await self._till.journal.keep(record)
            raise
        await keeper.keep(b"".join(keys), vectors, np.full(len(keys), cut))
        await self._till.journal.keep(record._replace(reply=b""))
        bill.add(record.tokens_in, record.usd)
        for key in keys:
            waiting[key].set_result(None)


def _error(future: asyncio.Future[None]) -> CallFailed | None:
    """What a text was refused with."""
    error = None if future.cancelled() else future.exception()
    return error if isinstance(error, CallFailed) else None


def _parts(keys: Sequence[bytes], texts: Mapping[bytes, str]) -> list[list[bytes]]:
    """Calls that are small enough."""
    parts: list[list[bytes]] = []
    size = MOST_BYTES
    for key in keys:
        own = 4 * len(texts[key])
        if size + own > MOST_BYTES or len(parts[-1]) >= MOST_TEXTS:
            parts.append([])
            size = 0
        parts[-1].append(key)
        size += own
    return parts


def _spread(
    store: VectorStore,
    texts: pl.Series,
    distinct: pl.Series,
    rows: NDArray[np.int64],
    bought: int,
    bill: _Bill,
    out: Path | None,
) -> Embedded:
    """Vectors of distinct texts to all rows."""
    n, dimensions = len(texts), store.dimensions
    if len(distinct) == n:  # no null, no text twice
        at = rows
    else:
        place = pl.DataFrame({"t": distinct, "r": rows}, schema={"t": pl.String, "r": pl.Int64})
        joined = texts.alias("t").to_frame().join(place, on="t", how="left", maintain_order="left")
        at = joined["r"].fill_null(-1).to_numpy()
    if out is None or not n or not dimensions:
        vectors: NDArray[Any] = np.zeros((n, dimensions), np.float32)
    else:
        vectors = np.memmap(out, store.dtype, "w+", shape=(n, dimensions))
    known = at >= 0
    if known.all():
        store.take(at, vectors)
    else:
        vectors[known] = store.take(at[known], np.empty((int(known.sum()), dimensions), store.dtype))
    stats = Stats(
        n, len(distinct), len(distinct) - bought, store.truncated(rows), dimensions,
        _unit(vectors[known] if not known.all() else vectors), bill.tokens, bill.usd,
    )  # fmt: skip
    return Embedded(vectors, stats)


def _unit(vectors: NDArray[Any]) -> bool:
    """Whether every vector has length 1, those of empty texts apart."""
    for at in range(0, len(vectors), 8192):
        some = vectors[at : at + 8192].astype(np.float32)
        length = np.sqrt((some * some).sum(1))
        if not bool(((np.abs(length - 1) < 2e-3) | (length == 0)).all()):
            return False
    return True
