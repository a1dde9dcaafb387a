"""The endpoints behind the roles: opened when first needed, closed together."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Mapping
from typing import Any, Self

from tamis.core.errors import UsageError

from .client import Endpoint
from .connect import Player, key_of

#: APIs whose chats are known
_CHATS = ("openai", "anthropic")


class Endpoints:
    """One endpoint for each connection, whatever number of roles it serves."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._stack = contextlib.AsyncExitStack()
        self._opening = asyncio.Lock()
        self._shapes: dict[str, Any] = {}
        self._open: dict[str, Endpoint] = {}
        self._ready: dict[str, Endpoint] = {}
        self._lanes: dict[tuple[str, str], Endpoint] = {}

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.__aexit__(*error)

    def key(self, player: Player) -> str | None:
        """The key of a role's endpoint. UsageError where it is missing."""
        return key_of(player, self._environ)

    def shape(self, player: Player) -> Any:
        """The module that knows the endpoint's API."""
        shape = player.connection.shape
        if shape not in _CHATS:
            raise UsageError(
                f"the role {player.role!r} chats over {player.via}, which speaks {shape}; it can only embed"
            )
        module = self._shapes.get(shape)
        if module is None:
            module = self._shapes[shape] = importlib.import_module(f"tamis.llm.shapes.{shape}")
        return module

    def usage(self, player: Player, data: Any) -> tuple[int | None, int | None, int | None]:
        """Tokens in, out, and of those in, the cached ones, as a reply tells them; None for what it does not."""
        if player.connection.shape not in _CHATS or not isinstance(data, dict):
            return None, None, None
        found: tuple[int | None, int | None, int | None] = self.shape(player).read_usage(data.get("usage"))
        return found

    async def endpoint(self, player: Player) -> Endpoint:
        """The role's endpoint, open."""
        ready = self._ready.get(player.role)
        if ready is None:
            async with self._opening:
                place = f"{player.via}/{player.name}" if player.served else player.via
                if place not in self._open:
                    self._open[place] = await self._opened(player)
                ready = self._ready[player.role] = self._open[place]
                self._lanes[place, player.name] = ready
        return ready

    async def _opened(self, player: Player) -> Endpoint:
        connection = player.connection
        if player.served:
            from .local import local_connection

            connection = await self._stack.enter_async_context(local_connection(player.name))
        endpoint = Endpoint(connection, key=self.key(player), name=player.via)
        return await self._stack.enter_async_context(endpoint)

    def traffic(self) -> dict[str, int]:
        """The windows of all models together, what is in flight in them, and requests refused for the load."""
        windows = [(endpoint.window(name), endpoint.traffic(name)) for (_, name), endpoint in self._lanes.items()]
        return {
            "window": sum(window.size for window, _ in windows),
            "in_flight": sum(window.in_flight for window, _ in windows),
            "sent": sum(traffic.sent for _, traffic in windows),
            "refused": sum(traffic.refused for _, traffic in windows),
        }
