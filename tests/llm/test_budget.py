"""No number of calls at once spends more than the budget, and all that fits is spent."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import BudgetReached
from tamis.llm.budget import Purse
from tamis.llm.prices import cost, most_tokens, told
from tamis.llm.spec import Budget, Price


async def spend(purse: Purse, worst: float, real: float | None, *, tokens: int = 10, wait: float = 0.0) -> None:
    hold = await purse.hold(worst, tokens)
    try:
        await asyncio.sleep(wait)
    except BaseException:
        purse.free(hold)
        raise
    purse.settle(hold, real, tokens)


def run(purse: Purse, calls: list[tuple[float, float | None]], wait: float = 0.0) -> list[BaseException | None]:
    """All calls at once; never more spent and held than there is, looked at all the while."""

    async def watch() -> None:
        while True:
            most = purse.limits.usd
            assert most is None or purse.spent_usd + purse.held_usd <= most + 1e-6
            await asyncio.sleep(0)

    async def go() -> list[BaseException | None]:
        watching = asyncio.create_task(watch())
        ends = await asyncio.gather(
            *(spend(purse, worst, real, wait=wait) for worst, real in calls), return_exceptions=True
        )
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        return ends

    return asyncio.run(go())


def test_a_thousand_calls_at_once_do_not_overshoot() -> None:
    chance = random.Random(1)
    purse = Purse(Budget(usd=1.0))
    ends = run(purse, [(0.01, chance.uniform(0.001, 0.01)) for _ in range(1000)], wait=0.001)
    stopped = [end for end in ends if end is not None]
    assert all(isinstance(end, BudgetReached) for end in stopped)
    assert 0.98 < purse.spent_usd <= 1.0  # what is left is less than one call's worst case
    assert purse.held_usd == 0
    assert purse.spent_calls == 1000 - len(stopped) > 100


def test_calls_in_flight_make_room() -> None:
    """Ten calls that might cost everything each, and cost a hundredth: all are made, one after the other."""
    purse = Purse(Budget(usd=1.0))
    assert run(purse, [(0.9, 0.01)] * 10) == [None] * 10
    assert purse.spent_usd == pytest.approx(0.1)


def test_calls_and_tokens_are_limits_too() -> None:
    purse = Purse(Budget(calls=7))
    assert sum(end is None for end in run(purse, [(0.0, 0.0)] * 20)) == 7
    purse = Purse(Budget(tokens=95))
    assert sum(end is None for end in run(purse, [(0.0, 0.0)] * 20)) == 9
    assert purse.spent_tokens == 90


def test_what_earlier_runs_spent_counts_for_usd() -> None:
    purse = Purse(Budget(usd=1.0), spent_usd=0.95)
    assert sum(end is None for end in run(purse, [(0.02, 0.02)] * 5)) == 2


def test_an_unknown_cost_counts_at_its_worst() -> None:
    purse = Purse(Budget(usd=1.0))
    assert sum(end is None for end in run(purse, [(0.3, None)] * 5)) == 3


def test_a_call_that_failed_gives_back() -> None:
    async def go() -> Purse:
        purse = Purse(Budget(usd=1.0))
        tasks = [asyncio.create_task(spend(purse, 1.0, 1.0, wait=60)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # in flight
        tasks[1].cancel()  # waiting, or just told to go
        await asyncio.gather(*tasks[:2], return_exceptions=True)
        await asyncio.sleep(0)
        assert (purse.held_calls, purse.held_usd) == (1, 1.0)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return purse

    purse = asyncio.run(go())
    assert (purse.held_calls, purse.held_usd, purse.spent_usd) == (0, 0.0, 0.0)


def test_the_stop_says_what_was_spent_and_how_to_go_on() -> None:
    purse = Purse(Budget(usd=0.5), spent_usd=0.495)
    (stop,) = run(purse, [(0.02, 0.02)])
    assert isinstance(stop, BudgetReached)
    assert stop.exit_code == 5
    assert stop.message == "the budget of $0.50: $0.4950 spent; the next call may cost $0.02"
    assert stop.hint is not None
    assert "budget.usd" in stop.hint
    assert "nothing is bought twice" in stop.hint
    (stop,) = run(Purse(Budget(calls=0)), [(0.0, 0.0)])
    assert "0 calls in a run" in str(stop)
    (stop,) = run(Purse(Budget(tokens=5)), [(0.0, 0.0)])
    assert "of 5 tokens in a run: 0 used; the next call may take 10" in str(stop)


def test_without_limits_nothing_stops() -> None:
    assert run(Purse(Budget()), [(1e9, 1e9)] * 3) == [None] * 3


@given(
    usd=st.floats(0, 2),
    calls=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=40),
)
def test_never_more_than_there_is(usd: float, calls: list[tuple[float, float]]) -> None:
    purse = Purse(Budget(usd=usd))
    ends = run(purse, [(max(one), min(one)) for one in calls])
    assert purse.spent_usd <= usd + 1e-6
    assert (purse.held_calls, purse.held_usd) == (0, 0.0)
    # what was refused did not fit into what was left then, so it does not now
    for (worst, real), end in zip(calls, ends, strict=True):
        if end is not None:
            assert purse.spent_usd + max(worst, real) > usd


# -- prices -----------------------------------------------------------------------------------


def test_costs() -> None:
    price = Price(input=1.0, output=4.0, cached_input=0.1)
    assert cost(price, 1_000_000, 1_000_000) == 5.0
    assert cost(price, 1_000_000, 0, cached_in=500_000) == pytest.approx(0.55)
    assert cost(price, 10, 0, cached_in=99) == pytest.approx(1e-6)
    assert cost(Price(input=1.0, output=4.0), 1_000_000, 0, cached_in=1_000_000) == 1.0


def test_output_is_priced_as_output() -> None:
    """A peer's own prices set the output's price to the input's."""
    assert cost(Price(input=1.0, output=4.0), 0, 1_000_000) == 4.0


def test_unknown_is_never_nothing() -> None:
    assert cost(None, 10, 10) is None
    assert cost(Price(input=1.0), None, 10) is None
    assert cost(Price(input=1.0), 10, None) is None
    assert cost(Price(input=0.0, output=0.0), None, None) == 0.0
    assert told(None) == "unknown"


@given(st.text())
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    bpe = pytest.importorskip("bpe_openai")
    request = text.encode("utf-8", "replace")
    assert len(bpe.get_encoding("o200k_base").encode(request.decode())) <= most_tokens(len(request), 1, 5)[0]
    assert most_tokens(len(request), 1, 5)[1] == 5
    assert most_tokens(len(request), 1, None)[1] > 1000
