"""Where calls are paid: nothing is bought that is known or just being bought, nor beyond the budget, and nothing goes on
before it is on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tamis.core.calls import CallFailed

from .budget import Purse
from .canonical import Request, place_of
from .client import RawReply
from .connect import Player
from .endpoints import Endpoints
from .journal import Journal, Record, Stored
from .prices import cost
from .tally import Tally

T = TypeVar("T")


class Till:
    """The journal, the purse and the endpoints of a run, and who is buying what. For one event loop."""

    def __init__(self, journal: Journal, purse: Purse, endpoints: Endpoints, recipe: str) -> None:
        self.journal, self.purse, self.endpoints = journal, purse, endpoints
        self.tally = Tally()
        self.buying: dict[bytes, asyncio.Future[Any]] = {}
        self._recipe = recipe

    async def once(self, key: bytes, found: Callable[[Stored], T], buy: Callable[[], Awaitable[T]]) -> T:
        """From the journal, or from whoever is just buying the same, or bought."""
        while (waiting := self.buying.get(key)) is not None:
            try:
                reply: T = await asyncio.shield(waiting)
            except CallFailed:
                self.tally.shared += 1
                raise
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                continue  # who was buying it was cancelled: look again
            self.tally.shared += 1
            return reply
        stored = self.journal.find(key)
        if stored is not None:
            try:
                reply = found(stored)
                self.tally.cached += 1
                return reply
            except CallFailed as error:
                if error.lasting:
                    self.tally.cached += 1
                    raise
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.buying[key] = future
        try:
            reply = await buy()
        except asyncio.CancelledError:
            future.cancel()
            raise
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # seen, should nobody else wait
            raise
        else:
            future.set_result(reply)
            return reply
        finally:
            del self.buying[key]

    async def pay(
        self,
        kind: str,
        player: Player,
        request: Request,
        path: str,
        body: Any,
        worst: tuple[int, int],
        *,
        keep: bool = True,
    ) -> tuple[RawReply, Record]:
        """Send a request within the budget. Returns when the reply is accounted for and, with `keep`, on the disk."""
        self.journal.check()
        endpoint = await self.endpoints.endpoint(player)
        most = cost(player.price, *worst) or 0.0
        hold = await self.purse.hold(most, sum(worst))
        self.tally.requests += 1
        try:
            raw = await endpoint.post(path, body, model=player.name)
        except BaseException as error:
            self.tally.failed += isinstance(error, Exception)
            self.tally.stopped += not isinstance(error, Exception)
            self.purse.free(hold)
            raise
        data = raw.data if isinstance(raw.data, dict) else {}
        tokens_in, tokens_out, cached_in = self.endpoints.usage(player, data)
        if kind == "embed" and tokens_in is not None:
            tokens_out = tokens_out or 0
        usd = cost(player.price, tokens_in, tokens_out, cached_in)
        answered = data.get("model")
        self.tally.bought(tokens_in, tokens_out, usd)
        self.purse.settle(hold, usd, None if tokens_in is None or tokens_out is None else tokens_in + tokens_out)
        record = Record(
            key=request.key,
            kind=kind,
            place=place_of(player.connection),
            model=player.name,
            prompt=request.prompt,
            recipe=self._recipe,
            request=request.text,
            reply=raw.body,
            status=raw.status,
            seconds=raw.seconds,
            attempts=raw.attempts,
            answered=answered if isinstance(answered, str) else None,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            usd=usd,
            held_usd=hold.usd,
        )
        if keep:
            await self.journal.keep(record)
        return raw, record
