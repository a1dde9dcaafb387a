"""The budget: what a call may cost at worst is set aside before it is sent, so that no number of calls at once
overshoots. Where what is left does not suffice, a call waits for those in flight; where none is, spending stops."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from tamis.core.errors import BudgetReached

from .prices import told
from .spec import Budget

#: sums of many prices are compared with a little room: a hundredth of a millionth of a dollar
_ROUNDING_USD = 1e-8


class Hold(NamedTuple):
    """What is set aside for one call."""

    usd: float
    tokens: int


@dataclass
class Purse:
    """The budget of a run, with what is spent and what is set aside. For one event loop.

    spent_usd: at the beginning, what earlier runs spent. A call whose cost nobody tells counts at its worst case.
    """

    limits: Budget
    spent_usd: float = 0.0
    spent_calls: int = 0
    spent_tokens: int = 0
    held_usd: float = 0.0
    held_calls: int = 0
    held_tokens: int = 0
    _queue: deque[tuple[Hold, asyncio.Future[None]]] = field(default_factory=deque)

    async def hold(self, usd: float, tokens: int) -> Hold:
        """Set aside what a call costs at worst. BudgetReached where nothing in flight can make room for it."""
        wanted = Hold(usd, tokens)
        if not self._queue and self._fits(wanted):
            self._take(wanted)
            return wanted
        if not self._queue and not self.held_calls:
            raise self._reached(wanted)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((wanted, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.free(wanted)  # it was given what it does not use any more
            self._next()
            raise
        return wanted

    def settle(self, hold: Hold, usd: float | None, tokens: int | None) -> None:
        """A held call was answered. None: unknown, so it counts at its worst case."""
        self.spent_usd += hold.usd if usd is None else usd
        self.spent_calls += 1
        self.spent_tokens += hold.tokens if tokens is None else tokens
        self.free(hold)

    def free(self, hold: Hold) -> None:
        """A held call will cost nothing more."""
        self.held_calls -= 1
        self.held_usd = self.held_usd - hold.usd if self.held_calls else 0.0
        self.held_tokens -= hold.tokens
        self._next()

    def _take(self, hold: Hold) -> None:
        self.held_usd += hold.usd
        self.held_calls += 1
        self.held_tokens += hold.tokens

    def _next(self) -> None:
        """Give those who wait, first come first served, what they wait for, or the news that there is no more."""
        while self._queue:
            wanted, place = self._queue[0]
            if not place.done():
                if self._fits(wanted):
                    self._take(wanted)
                    place.set_result(None)
                elif not self.held_calls:
                    place.set_exception(self._reached(wanted))
                else:
                    return
            self._queue.popleft()

    def _fits(self, hold: Hold) -> bool:
        usd, calls, tokens = self.limits.usd, self.limits.calls, self.limits.tokens
        return (
            (usd is None or self.spent_usd + self.held_usd + hold.usd <= usd + _ROUNDING_USD)
            and (calls is None or self.spent_calls + self.held_calls + 1 <= calls)
            and (tokens is None or self.spent_tokens + self.held_tokens + hold.tokens <= tokens)
        )

    def _reached(self, wanted: Hold) -> BudgetReached:
        usd, calls, tokens = self.limits.usd, self.limits.calls, self.limits.tokens
        if usd is not None and self.spent_usd + wanted.usd > usd + _ROUNDING_USD:
            told_so = f"of {told(usd)}: {told(self.spent_usd)} spent; the next call may cost {told(wanted.usd)}"
            more = "budget.usd"
        elif calls is not None and self.spent_calls + 1 > calls:
            told_so, more = f"of {calls:,} calls in a run: {self.spent_calls:,} made", "budget.calls"
        else:
            told_so = f"of {tokens or 0:,} tokens in a run: {self.spent_tokens:,} used; the next call may take {wanted.tokens:,}"
            more = "budget.tokens"
        return BudgetReached(
            f"the budget {told_so}",
            hint=f"raise {more} in the recipe, or lower max_tokens of the model or the step, and run again: "
            "all replies so far are kept, and nothing is bought twice",
        )
