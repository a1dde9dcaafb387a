"""How many requests an endpoint is asked at once: grown while it answers, cut when it refuses.

`Growth` is the arithmetic, free of clocks: its round trips are counted in replies. `Window` is the queue before it.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

from tamis.core.errors import TamisError

#: requests at once to begin with
START = 32
#: what is left of the window after a refusal
CUT = 0.85
#: round trips at the highest level that was not refused, before the next is tried; doubled each time it is refused again
PATIENCE, MOST_PATIENCE = 4.0, 64.0
#: most calls that wait for a slot; more are a mistake of the caller
QUEUE = 100_000


class Growth:
    """The size of a window.

    It doubles each round trip until the first refusal, then grows by a sixteenth (at least one) a round trip; a
    refusal cuts it, once for all requests that were under way. Just below the level that was refused last it stays for
    some round trips, longer each time the refusal is met again, then goes on in steps that begin small: so a fixed limit
    is met rarely, and a lifted one is noticed.
    """

    def __init__(self, slots: int, *, start: int = START) -> None:
        self.slots = slots
        self.limit = float(min(start, slots))
        self._threshold = math.inf  # below it: slow start
        self._ceiling = math.inf  # the lowest level that is thought to be refused
        self._met = -math.inf  # the level at which it was refused last
        self._patience = PATIENCE
        self._credit = 0.0  # round trips since the last change
        self._step = 0.0  # of exploring at and above the ceiling; 0: it does not explore
        self._back = 1.0
        self._next = 0
        self._counts_from = 0  # successes of older requests tell nothing
        self._cuts_from = 0  # nor do refusals of older ones: they were answered by the last cut

    def sent(self) -> int:
        """A request leaves: its number."""
        self._next += 1
        return self._next - 1

    def succeeded(self, number: int, level: int) -> None:
        """A request was answered at the first try, `level` being under way. Not to be told of retries or cache hits."""
        limit = self.limit
        if number < self._counts_from or level < 0.8 * int(limit) or limit >= self.slots:
            return
        if limit < self._threshold:
            self.limit = min(limit + 1.0, float(self.slots))
            return
        self._credit += 1.0 / limit
        at_ceiling = not self._step and int(limit) + 1 >= self._ceiling
        if self._credit < (self._patience if at_ceiling else 1.0):
            return
        self._credit = 0.0
        fast, top = max(1.0, limit / 16), float(self.slots)
        if at_ceiling or self._step:
            self._step = min(fast, max(1.0, self._step * 2))
            step = self._step
        else:
            step, top = fast, min(top, max(limit, self._ceiling - 1))
        self.limit = min(limit + step, top)

    def faltered(self) -> None:
        """A fault of the server, not of the load: what is under way does not count towards growth."""
        self._counts_from = self._next
        self._credit = 0.0

    def refused(self, number: int, level: int) -> bool:
        """A request was refused for the load, `level` being under way. Whether the window was cut."""
        if number < self._cuts_from:
            return False
        level = min(level, math.ceil(self.limit))
        near = abs(level - self._met) <= max(1.0, level / 8)
        self._patience = min(MOST_PATIENCE, self._patience * 2) if near else PATIENCE
        if self._step:  # what it was before the last step was allowed
            self._back, self._ceiling = 1.0, level - self._step + 1
        else:  # not by exploring: what was refused last was more than one too many; how many, is found by doubling
            self._back = min(self._back * 2, max(1.0, level / 16)) if near else 1.0
            self._ceiling = level - self._back + 1
        self._met, self._ceiling = float(level), max(1.0, self._ceiling)
        self.limit = self._threshold = max(1.0, CUT * level)
        self._cuts_from = self._counts_from = self._next
        self._credit = self._step = 0.0
        return True


class Window:
    """Slots for one model of one endpoint, and the queue for them. Belongs to one event loop."""

    def __init__(self, slots: int, *, start: int = START, queue: int = QUEUE) -> None:
        self.growth = Growth(slots, start=start)
        self.in_flight = 0
        self._queue = queue
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def size(self) -> int:
        """Most requests at once, now."""
        return int(self.growth.limit)

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot."""
        return sum(not future.done() for future in self._waiting)

    async def acquire(self, *, again: bool = False) -> int:
        """Wait for a slot; the request's number. `again`: a retry, which goes before the others."""
        if self.in_flight < int(self.growth.limit) and not self._waiting and not self._until:
            self.in_flight += 1
            return self.growth.sent()
        if len(self._waiting) >= self._queue and not again:
            raise TamisError(f"{self._queue:,} calls wait for a slot", hint="ask fewer at once")
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if again:
            self._waiting.appendleft(future)
        else:
            self._waiting.append(future)
        self._wake()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.release()  # the slot came in the same moment
            raise

    def release(self) -> None:
        """A slot is free again."""
        self.in_flight -= 1
        if self._waiting:
            self._wake()

    def succeeded(self, number: int, *, counts: bool = True) -> None:
        """A good reply. `counts`: it came at the first try, so it tells of room."""
        if counts:
            self.growth.succeeded(number, self.in_flight)
        self.release()

    def faltered(self, *, growth: bool = False) -> None:
        """The call failed, not for the load. `growth`: for a reason of its own, so that the window may go on growing."""
        if not growth:
            self.growth.faltered()
        self.release()

    def refused(self, number: int, wait: float | None) -> None:
        """The endpoint has had enough. `wait`: seconds in which it wants to hear nothing, from anybody."""
        self.growth.refused(number, self.in_flight)
        if wait:
            self.pause(wait)
        self.release()

    def pause(self, seconds: float) -> None:
        """Send nothing for some seconds; what is under way goes on."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if until > self._until:
            self._until = until
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(until, self._resume)

    def fail(self, error: Exception) -> None:
        """Nobody will get a slot any more."""
        waiting, self._waiting = self._waiting, deque()
        for future in waiting:
            if not future.done():
                future.set_exception(error)

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _resume(self) -> None:
        self._until, self._timer = 0.0, None
        self._wake()

    def _wake(self) -> None:
        if self._until:
            return
        waiting, growth = self._waiting, self.growth
        while waiting and self.in_flight < int(growth.limit):
            future = waiting.popleft()
            if not future.done():
                self.in_flight += 1
                future.set_result(growth.sent())
