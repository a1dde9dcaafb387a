"""The window settles where the endpoint has its limit, whatever kind of limit that is; time is simulated."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tamis.core.errors import TamisError
from tamis.llm.window import Growth, Window


class Served(NamedTuple):
    """Of the time after `settled`: replies a second, and the share of requests that were refused; the window at the end."""

    rate: float
    refused: float
    size: float


def simulate(
    allows: Callable[[float, int], bool],
    *,
    seconds: float = 120.0,
    settled: float = 20.0,
    latency: float = 0.2,
    refusal: float = 0.001,
    spread: float = 0.1,
    slots: int = 1000,
    pause: float = 0.0,
    faults: float = 0.0,
) -> Served:
    """An endpoint that has always more to do. allows: (time, under way) → whether a request is let in.

    latency, refusal: seconds to a reply and to a refusal; pause: Retry-After, for the whole window; spread: of latencies.
    """
    chance, growth = random.Random(1), Growth(slots)
    events: list[tuple[float, int, str, int, bool]] = []
    under_way = serving = waiting = good = bad = count = 0
    until, now = 0.0, 0.0
    resting: list[float] = []
    while now < seconds:
        while resting and resting[0] <= now:
            heapq.heappop(resting)
            waiting += 1
        while under_way < int(growth.limit) and now >= until:
            retried = waiting > 0
            waiting -= retried
            number, count = growth.sent(), count + 1
            under_way += 1
            if allows(now, serving):
                serving += 1
                took = latency * (1 + spread * chance.uniform(-1, 1))
                kind = "fault" if chance.random() < faults else "good"
            else:
                took, kind = refusal, "refused"
            heapq.heappush(events, (now + took, count, kind, number, retried))
        ahead = [events[0][0]] if events else []
        ahead += [until] if until > now else []
        ahead += [resting[0]] if resting else []
        now = min(ahead)
        while events and events[0][0] <= now:
            _, _, kind, number, retried = heapq.heappop(events)
            if kind == "refused":
                growth.refused(number, under_way)
                heapq.heappush(resting, now + chance.uniform(0.25, 0.5))
                until = max(until, now + pause)
                bad += now > settled
            else:
                serving -= 1
                good += now > settled
                if kind == "fault":
                    growth.faltered()
                elif not retried:
                    growth.succeeded(number, under_way)
            under_way -= 1
    return Served(good / (seconds - settled), bad / max(1, good + bad), growth.limit)


@pytest.mark.parametrize("limit", [1, 3, 10, 50, 200, 700])
@pytest.mark.parametrize("refusal", [0.001, 0.2], ids=["refuses at once", "refuses late"])
@pytest.mark.parametrize("pause", [0.0, 1.0], ids=["", "retry after 1 s"])
def test_a_limit_of_requests_at_once(limit: int, refusal: float, pause: float) -> None:
    told = simulate(lambda now, serving: serving < limit, refusal=refusal, pause=pause, settled=30)
    assert told.rate >= (0.8 if limit > 3 else 0.6) * limit / 0.2
    assert told.refused <= 0.05


@pytest.mark.parametrize("rate", [50, 100, 1000])
def test_a_limit_of_requests_a_second(rate: int) -> None:
    tokens, last = float(rate), 0.0

    def allows(now: float, serving: int) -> bool:
        nonlocal tokens, last
        tokens, last = min(rate, tokens + (now - last) * rate), now
        if tokens >= 1:
            tokens -= 1
            return True
        return False

    told = simulate(allows, settled=40)
    assert told.rate >= 0.8 * rate
    assert told.refused <= 0.05


def test_a_limit_that_is_lifted_is_noticed_and_one_that_falls_too() -> None:
    lifted = simulate(lambda now, serving: serving < (50 if now < 60 else 200), seconds=120, settled=90)
    assert lifted.rate >= 0.8 * 200 / 0.2
    fallen = simulate(lambda now, serving: serving < (200 if now < 60 else 20), seconds=120, settled=70)
    assert fallen.rate >= 0.8 * 20 / 0.2
    assert fallen.refused <= 0.05


def test_faults_of_the_server_do_not_shrink_it() -> None:
    assert simulate(lambda now, serving: True, faults=0.02, slots=250, seconds=60, settled=30).rate >= 0.9 * 250 / 0.2


def test_it_doubles_each_round_trip_up_to_its_slots() -> None:
    growth = Growth(250, start=16)
    for expected in (32, 64, 128, 250, 250):
        for number in [growth.sent() for _ in range(int(growth.limit))]:
            growth.succeeded(number, int(growth.limit))
        assert int(growth.limit) == expected


def test_one_cut_for_all_that_was_under_way() -> None:
    growth = Growth(100, start=100)
    numbers = [growth.sent() for _ in range(100)]
    assert [growth.refused(number, 100) for number in numbers] == [True, *[False] * 99]
    assert growth.limit == 85.0
    assert growth.refused(growth.sent(), 85)
    growth.succeeded(numbers[0], 85)  # what was sent before tells nothing
    assert growth.limit == pytest.approx(0.85 * 85)


def test_what_does_not_fill_the_window_does_not_grow_it() -> None:
    growth = Growth(100, start=16)
    for _ in range(100):
        growth.succeeded(growth.sent(), 3)
    assert growth.limit == 16


def test_faults_pause_growth_for_what_is_under_way() -> None:
    growth = Growth(100, start=16)
    numbers = [growth.sent() for _ in range(16)]
    growth.faltered()
    for number in numbers:
        growth.succeeded(number, 16)
    assert growth.limit == 16
    growth.succeeded(growth.sent(), 16)
    assert growth.limit == 17


def test_the_queue_is_in_order_bounded_and_retries_go_first() -> None:
    async def work() -> list[str]:
        window, order = Window(1, queue=3), list[str]()

        async def call(name: str, again: bool = False) -> None:
            number = await window.acquire(again=again)
            order.append(name)
            await asyncio.sleep(0)
            window.succeeded(number)

        tasks = [asyncio.create_task(call(name)) for name in "abcd"]
        await asyncio.sleep(0)
        with pytest.raises(TamisError, match="wait for a slot"):
            await window.acquire()
        tasks += [asyncio.create_task(call("again", True))]
        await asyncio.gather(*tasks)
        assert (window.in_flight, window.waiting) == (0, 0)
        return order

    assert asyncio.run(work()) == ["a", "b", "again", "c", "d"]


def test_a_pause_is_for_all_and_the_longest_counts() -> None:
    async def work() -> tuple[float, int]:
        loop, window = asyncio.get_running_loop(), Window(10)
        began = loop.time()
        number = await window.acquire()
        window.refused(number, 0.1)
        window.pause(0.05)
        await window.acquire()
        return loop.time() - began, window.in_flight

    waited, under_way = asyncio.run(work())
    assert waited >= 0.099
    assert under_way == 1


def test_a_slot_given_to_somebody_who_left_is_free() -> None:
    async def work() -> int:
        window = Window(1)
        number = await window.acquire()
        waiting = asyncio.create_task(window.acquire())
        await asyncio.sleep(0)
        window.succeeded(number)  # the slot is the waiting one's, who is cancelled before it hears of that
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return window.in_flight

    assert asyncio.run(work()) == 0
