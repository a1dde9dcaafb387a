"""How sure a model is: by the probabilities of the tokens it said, or by how often it says the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from tamis.core.calls import Reply
from tamis.core.fingerprint import canonical

#: digits of a confidence
DIGITS = 6


class Voted(NamedTuple):
    """What most samples say, and the share of samples that say it."""

    value: Any
    share: float


def value_probability(reply: Reply, name: str | None) -> float | None:
    """Probability of the value that stands under `name` in a JSON reply (None: of the whole reply), as the product over
    its tokens. None where the endpoint gives no log-probabilities, or not of this text.

    The quotation mark that ends a text counts in: `bill` must not borrow the probability of `billing`.
    """
    if not reply.tokens:
        return None
    said = "".join(token.text for token in reply.tokens)
    span = (0, len(said)) if name is None else _value_span(said, name)
    if span is None:
        return None
    total, at = 0.0, 0
    for token in reply.tokens:
        end = at + len(token.text)
        if at < span[1] and end > span[0]:
            total += token.logprob
        at = end
    return rounded(math.exp(min(total, 0.0)))


def mean_probability(reply: Reply) -> float | None:
    """Geometric mean of the probabilities of a reply's tokens; None where there are none."""
    if not reply.tokens:
        return None
    return rounded(math.exp(math.fsum(token.logprob for token in reply.tokens) / len(reply.tokens)))


def _value_span(text: str, name: str) -> tuple[int, int] | None:
    """Where the value of the last `"name":` stands."""
    places = list(re.finditer(rf"{re.escape(json.dumps(name, ensure_ascii=False))}\s*:\s*", text))
    for place in reversed(places):
        try:
            _, end = json.JSONDecoder().raw_decode(text, place.end())
        except ValueError:
            continue
        return (place.end() + (text[place.end()] == '"'), end)
    return None


def vote(values: Sequence[Any], asked: int) -> Voted:
    """The value most samples give, ties to the one given first; `asked`: samples, those that failed included."""
    counts: dict[str, int] = {}
    for value in values:
        counts[canonical(value)] = counts.get(canonical(value), 0) + 1
    most = max(counts.values())
    first = next(value for value in values if counts[canonical(value)] == most)
    return Voted(first, rounded(float(Fraction(most, asked))))


def vote_each(sets: Sequence[Sequence[str]], order: Sequence[str], asked: int) -> Voted:
    """Of several labels each: those that more than half of the samples give; the share of the least sure decision."""
    counts = {name: sum(name in given for given in sets) for name in order}
    chosen = [name for name in order if 2 * counts[name] > asked]
    failed = asked - len(sets)
    shares = [Fraction(count if name in chosen else asked - failed - count, asked) for name, count in counts.items()]
    return Voted(chosen, rounded(float(min(shares))))


def rounded(value: float) -> float:
    """A probability as it is kept."""
    return round(value, DIGITS)
