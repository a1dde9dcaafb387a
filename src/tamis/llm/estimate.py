"""What asking would cost, before anything is asked: from what replies to the same prompt took, else from what is stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from tamis.core.calls import Ask

from .canonical import chat_key
from .connect import players
from .fence import Fence
from .journal import NAME, Journal
from .prices import CHARACTERS, UNSTATED_OUTPUT, cost
from .records import Quantiles
from .spec import Connection, Model

#: replies to a prompt from which on its tokens are taken to be measured
ENOUGH = 20


class Estimate(NamedTuple):
    """Of one call that must be bought, on average: tokens, and USD (None where the price is unknown).

    most_usd: what it costs where replies are as long as their 95th percentile, or as `max_tokens` allows;
    asked: the calls it is made from; recorded: those of them that cost nothing, since their replies are in the journal;
    measured: whether it rests on replies to the same prompt.
    """

    asked: int
    recorded: int
    tokens_in: float
    tokens_out: float
    usd: float | None
    most_usd: float | None
    measured: bool

    @property
    def recorded_share(self) -> float:
        """0..1."""
        return self.recorded / self.asked if self.asked else 0.0


def estimate(
    asks: Sequence[tuple[str, Ask]],
    models: Mapping[str, Model],
    connections: Mapping[str, Connection],
    recorded: Path,
    *,
    reply_tokens: int = UNSTATED_OUTPUT,
) -> Estimate:
    """From some (role, request) of a step. recorded: the journal's folder, which may not be there yet; reply_tokens:
    what a reply takes where nothing was measured and neither the step nor the recipe bounds it."""
    cast = players({role: models[role] for role in {role for role, _ in asks}}, connections)
    journal = Journal(recorded / NAME) if (recorded / NAME).exists() else None
    sent: list[float] = []
    said: list[float] = []
    usd: list[float | None] = []
    most: list[float | None] = []
    took: dict[bytes, Quantiles | None] = {}
    known = measured = 0
    try:
        for role, ask in asks:
            player = cast[role]
            request = chat_key(ask, player.spec, player.name, player.connection)
            if journal is not None and journal.find(request.key) is not None:
                known += 1
                continue
            characters = sum(len(str(message.get("content") or "")) for message in ask.messages)
            tokens_in, tokens_out = (
                characters / CHARACTERS,
                float(ask.max_tokens or player.spec.max_tokens or reply_tokens),
            )
            most_out = tokens_out
            if request.prompt not in took:
                took[request.prompt] = None if journal is None else journal.quantiles(request.prompt)
            found = took[request.prompt]
            if found is not None and found.replies >= ENOUGH:
                measured += 1
                tokens_in, tokens_out, most_out = found.in_mean, found.out_mean, found.out_p95
            sent.append(tokens_in)
            said.append(tokens_out)
            usd.append(cost(player.price, round(tokens_in), round(tokens_out)))
            most.append(cost(player.price, round(tokens_in), round(most_out)))
    finally:
        if journal is not None:
            journal.close()
    return Estimate(
        len(asks), known, _mean(sent), _mean(said), _usd(usd), _usd(most), measured=bool(sent) and measured == len(sent)
    )


def fence_of(recorded: Path) -> Fence:
    """The fences that a run would put, so that recorded requests are known again."""
    if not (recorded / NAME).exists():
        return Fence(b"no request is recorded")
    with Journal(recorded / NAME) as journal:
        return Fence(journal.secret)


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0


def _usd(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean(known) if len(known) == len(values) else None
