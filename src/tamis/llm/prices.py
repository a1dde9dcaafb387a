"""What calls cost. A price is what the recipe states; where it states none the cost is unknown, which is not nothing."""

from __future__ import annotations

from .spec import Price

#: tokens a reply is taken to need where neither the step nor the recipe says how long it may be
UNSTATED_OUTPUT = 4096
#: tokens an endpoint may add around each message and around the whole
PER_MESSAGE, PER_CALL = 8, 64
#: characters to a token where nothing was measured yet
CHARACTERS = 4
#: what a model on a machine of yours costs for each call
FREE = Price(input=0.0, output=0.0)
_MILLION = 1_000_000


def cost(
    price: Price | None, tokens_in: int | None, tokens_out: int | None, cached_in: int | None = None
) -> float | None:
    """USD of a call; None where the price or the tokens are unknown. cached_in: those of tokens_in that the endpoint
    had cached.

    >>> cost(Price(input=0.25, output=2.0), 1_000_000, 500_000)
    1.25
    >>> cost(None, 10, 10) is None
    True
    """
    if price is None:
        return None
    if price.input == price.output == 0.0:
        return 0.0
    if tokens_in is None or tokens_out is None:
        return None
    known = min(cached_in or 0, tokens_in)
    again = price.input if price.cached_input is None else price.cached_input
    return ((tokens_in - known) * price.input + known * again + tokens_out * price.output) / _MILLION


def most_tokens(size: int, messages: int, max_tokens: int | None) -> tuple[int, int]:
    """No call of a request of this size in bytes takes more tokens in, nor out where `max_tokens` is stated: a token of
    a byte-level vocabulary is at least one byte."""
    return size + PER_MESSAGE * messages + PER_CALL, max_tokens or UNSTATED_OUTPUT


def told(usd: float | None) -> str:
    """
    >>> told(None), told(0.0), told(0.004), told(12.5)
    ('unknown', '$0.00', '$0.0040', '$12.50')
    """
    if usd is None:
        return "unknown"
    return f"${usd:.4f}" if abs(usd - round(usd, 2)) > 1e-9 and usd < 10 else f"${usd:,.2f}"
