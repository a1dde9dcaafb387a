"""The models of a recipe, open: every call is looked up, paid for once, kept before it is read, and counted."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import Ask, CallFailed, Reply
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.events import Listener, Warned, quiet

from . import figures, structured
from .budget import Purse
from .canonical import Request, chat_key, other_key, place_of
from .connect import Player, players
from .embed import Embedded, Embeddings, Keys
from .endpoints import Endpoints
from .fence import Fence
from .journal import NAME, Journal
from .local_embed import embeds, local_embedder
from .prices import most_tokens
from .records import Stored
from .schema import check_schema
from .spec import Budget, Connection, Model
from .tally import Names
from .till import Till

T = TypeVar("T")


@contextlib.asynccontextmanager
async def open_models(
    models: Mapping[str, Model],
    connections: Mapping[str, Connection],
    budget: Budget | None,
    recorded: Path,
    *,
    emit: Listener = quiet,
    environ: Mapping[str, str] = os.environ,
    recipe: str = "",
) -> AsyncIterator[OpenModels]:
    """The models of a recipe, as `core.calls.Models`.

    recorded: the folder of the journal; recipe: whose budget it is, so that what its earlier runs spent is counted in.
    UsageError where a connection is not known, a key is missing, or a budget in USD meets an unknown price.
    """
    cast = players(models, connections)
    limits = budget or Budget()
    if limits.usd is not None:
        _priced(cast)
    journal = Journal(recorded / NAME)
    try:
        async with Endpoints(environ, recorded) as endpoints:
            for player in cast.values():
                if _keyless(player, environ) and not journal.knows(place_of(player.connection), player.name):
                    endpoints.key(player)  # raises; what is in the journal can be read again without a key
            purse = Purse(limits, spent_usd=journal.spent(recipe).held_usd)
            yield OpenModels(cast, Till(journal, purse, endpoints, recipe), emit, recorded)
    finally:
        journal.close()


class OpenModels:
    """See `open_models`. For one event loop."""

    def __init__(self, cast: Mapping[str, Player], till: Till, emit: Listener, recorded: Path) -> None:
        self._cast, self._till = cast, till
        self._embeddings = Embeddings(till, recorded)
        self._fence, self._names, self._emit = Fence(till.journal.secret), Names(emit), emit
        self._left_out: set[tuple[str, tuple[str, ...]]] = set()
        self._enforced: dict[tuple[str, str], bool] = {}
        self._refused: set[bytes] = set()
        self._checked: dict[int, Any] = {}

    # -- what is asked --------------------------------------------------------------------------

    async def chat(self, role: str, ask: Ask) -> Reply:
        """As `core.calls.Models.chat`. A reply in free text that was cut off says so in `finish`."""
        player = self._player(role)
        if ask.schema is None:
            return await self._chat(ask, player)
        if id(ask.schema) not in self._checked:
            check_schema(ask.schema)
            if len(self._checked) > 1000:  # a schema for each row
                self._checked.clear()
            self._checked[id(ask.schema)] = ask.schema  # held, so that no other comes to have its number
        return await structured.satisfied(partial(self._chat, player=player), ask)

    async def answer_logprobs(self, role: str, messages: Sequence[Mapping[str, Any]], answer: str) -> list[float]:
        """As `core.calls.Models.answer_logprobs`: over the completions API, without a chat template."""
        player = self._player(role)
        request = other_key("logprobs", player.name, player.connection, {"messages": list(messages), "answer": answer})
        path, body = figures.logprobs_request(player.name, messages, answer, served=player.served)
        read = partial(figures.read_logprobs, messages=messages, answer=answer)
        return await self._figure("logprobs", player, request, path, body, read)

    async def reward(self, role: str, messages: Sequence[Mapping[str, Any]]) -> float:
        """As `core.calls.Models.reward`."""
        player = self._player(role)
        request = other_key("reward", player.name, player.connection, {"messages": list(messages)})
        path, body = figures.reward_request(player.name, player.connection.url, messages)
        return await self._figure("reward", player, request, path, body, figures.read_reward)

    async def embed(self, role: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `core.calls.Models.embed`. Equal texts are sent once."""
        found = await self.embed_series(role, pl.Series(list(map(structured.whole, texts)), dtype=pl.String))
        return np.asarray(found.vectors, np.float32)

    async def embed_series(self, role: str, texts: pl.Series, out: Path | None = None) -> Embedded:
        """Vectors of many texts, and what it took. out: a file to map them from."""
        return await self._embeddings.embed(self._embedder(role), texts, out)

    async def embed_keys(self, role: str, texts: pl.Series) -> Keys:
        """See that the vectors of many texts are recorded, and under which keys."""
        return await self._embeddings.keys(self._embedder(role), texts)

    def family(self, role: str) -> str | None:
        """As `core.calls.Models.family`; a distilled model's families are joined by `+`."""
        return self._player(role).family

    def name(self, role: str) -> str:
        """As `core.calls.Models.name`."""
        return self._player(role).spec.model

    def fence(self, text: str, *, salt: str = "") -> str:
        """As `core.calls.Models.fence`."""
        return self._fence(text, salt=salt)

    def stats(self) -> dict[str, Any]:
        """What was asked, bought and spent so far in this run. usd: None where the cost of a call is unknown."""
        return {**self._till.tally.snapshot(), **self._till.endpoints.traffic()}

    # -- chat -----------------------------------------------------------------------------------

    async def _chat(self, ask: Ask, player: Player) -> Reply:
        request = chat_key(ask, player.spec, player.name, player.connection)

        def found(stored: Stored) -> Reply:
            return self._read(ask, player, request.key, json.loads(stored.reply), cached=True)

        return await self._till.once(request.key, found, partial(self._buy_chat, ask, player, request))

    async def _buy_chat(self, ask: Ask, player: Player, request: Request) -> Reply:
        probing = ask == structured.probe()
        if ask.schema is None or probing or (request.prompt not in self._refused and await self._enforces(player)):
            try:
                return await self._send(ask, player, request)
            except CallFailed as error:
                if ask.schema is None or probing or error.reason != "refused" or error.key:
                    raise  # with a key: the model refuses, not the endpoint
            self._refused.add(request.prompt)  # more than this endpoint takes as a schema: told in the prompt then
        return await self._send(structured.instructed(ask), player, request)

    async def _enforces(self, player: Player) -> bool:
        """Whether the endpoint enforces schemas: probed once for each model and place, and recorded."""
        where = (place_of(player.connection), player.name)
        known = self._enforced.get(where)
        if known is None:
            name = "schema\0" + "\0".join(where)
            recalled = self._till.journal.recall(name)
            if recalled is None:
                try:
                    directly = player._replace(spec=player.spec.model_copy(update={"batch": False}))
                    known = structured.enforces(await self._chat(structured.probe(), directly))
                except CallFailed as error:
                    known = False
                    if error.reason not in ("refused", "length"):
                        return known  # it tells nothing: probed again at the next call
                self._till.journal.remember(name, b"enforced" if known else b"ignored")
            else:
                known = recalled == b"enforced"
            self._enforced[where] = known
        return known

    def _read(self, ask: Ask, player: Player, key: bytes, data: Any, *, cached: bool = False) -> Reply:
        """The reply in recorded data. A CallFailed names the record."""
        shape = self._till.endpoints.shape(player)
        try:
            said = shape.read_chat(data, ask)
            if said.finish == "content_filter":
                raise CallFailed("content_filter", "the endpoint's filter withheld the reply", lasting=True)
            if said.finish == "refusal" and ask.schema is not None:
                raise CallFailed("refused", f"the model refuses: {said.text[:200]}", lasting=True)
        except CallFailed as error:
            paid = bool(self._till.endpoints.usage(player, data)[1])  # asking again would buy it twice
            raise CallFailed(error.reason, error.message, key=key.hex(), lasting=error.lasting or paid) from None
        self._names.heard(player.name, said.model)
        text = structured.whole(said.text)
        return Reply(
            text, None, said.model, said.finish, said.tokens_in, said.tokens_out, said.tokens, cached, key.hex()
        )

    # -- figures --------------------------------------------------------------------------------

    async def _figure(
        self, kind: str, player: Player, request: Request, path: str, body: Any, read: Callable[[Any], T]
    ) -> T:
        """A figure from the journal, or bought."""

        def told(data: Any) -> T:
            try:
                return read(data)
            except CallFailed as error:
                raise CallFailed(error.reason, error.message, key=request.key.hex(), lasting=True) from None

        async def buy() -> T:
            raw, _ = await self._till.pay(kind, player, request, path, body, most_tokens(len(request.text), 1, 1))
            return told(raw.data)

        return await self._till.once(request.key, lambda stored: told(json.loads(stored.reply)), buy)

    async def _send(self, ask: Ask, player: Player, request: Request) -> Reply:
        """Send a chat request, keep what comes, and read it."""
        shape = self._till.endpoints.shape(player)
        left_out: tuple[str, ...] = shape.left_out(player.name, ask, player.spec)
        if left_out and (player.name, left_out) not in self._left_out:
            self._left_out.add((player.name, left_out))
            self._emit(Warned(f"{player.spec.model} takes no {', '.join(left_out)}: not sent"))
        path, body = shape.chat_request(player.name, ask, player.spec)
        most = ask.max_tokens or player.spec.max_tokens or body.get("max_tokens")
        worst = most_tokens(len(request.text), len(ask.messages), most)
        raw, _ = await self._till.pay("chat", player, request, path, body, worst)
        return self._read(ask, player, request.key, raw.data)

    def _embedder(self, role: str) -> Player:
        player = self._player(role)
        if player.served and not embeds(player.name):
            local_embedder(player.name)  # says that it does not
        return player

    def _player(self, role: str) -> Player:
        player = self._cast.get(role)
        if player is None:
            raise UsageError(f"no model plays the role {role!r}: {did_you_mean(role, self._cast)}")
        return player


def _keyless(player: Player, environ: Mapping[str, str]) -> bool:
    name = player.connection.key_env
    return name is not None and not environ.get(name, "").strip()


def _priced(cast: Mapping[str, Player]) -> None:
    """UsageError where a budget in USD could not be kept."""
    for player in cast.values():
        if player.price is None:
            raise UsageError(
                f"the budget is in USD, and what {player.spec.model} costs (role {player.role!r}) is not stated",
                hint=f"models:\n  {player.role}: {{model: {player.spec.model}, price: {{input: …, output: …}}}}  "
                "# USD per million tokens; or limit budget.calls or budget.tokens instead",
            )
