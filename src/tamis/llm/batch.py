"""Requests through a Batch API: cheaper, within a day. Used like a `client.Endpoint`, one call a request.

Requests are gathered until no further one comes for a while, or a batch is full, and sent as one file a model. Answers are
joined by id. What was sent is recorded before it is sent: a process that is killed, even while it submits, finds the batch
again and polls it, and submits nothing twice. Requests that failed or expired are sent again, alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tamis.core.calls import CallFailed
from tamis.core.errors import EndpointDown, TamisError, UsageError

from .batches import Batch, Batches, begun
from .client import Endpoint, RawReply, Traffic
from .retry import Transient, judge
from .shapes.batch import CUSTOM_ID, SHAPES, SKEW, Result, named
from .spec import Connection
from .window import Window

#: times a request is sent, if its batches do not answer it
TRIES = 3
_ID = "{key}-{tag}"


@dataclass(frozen=True)
class Pace:
    """Seconds. idle: without a further request, after which a batch is sent; first and longest: between two looks at
    one; settle: before looking whether a batch exists whose submission was cut off."""

    idle: float = 2.0
    first: float = 5.0
    longest: float = 60.0
    settle: float = 5.0


@dataclass
class _Asked:
    """A request somebody waits for."""

    future: asyncio.Future[RawReply]
    path: str
    body: Mapping[str, Any]
    model: str
    began: float
    tries: int = 0


@dataclass
class _Gathering:
    """A batch that is not sent yet. size: its bytes."""

    tag: str
    lines: dict[str, bytes] = field(default_factory=dict)
    size: int = 0
    timer: asyncio.TimerHandle | None = None


class BatchEndpoint:
    """The Batch API of one connection. Open it in the event loop it is used in."""

    def __init__(
        self,
        connection: Connection,
        register: Path,
        *,
        place: str,
        key: str | None = None,
        name: str = "",
        pace: Pace | None = None,
    ) -> None:
        """register: the file that remembers what was sent; place: the name replies of the connection are cached under."""
        if connection.shape not in SHAPES:
            raise UsageError(f"connection {name}: its API, {connection.shape}, has no batches; leave `batch` out")
        self._connection, self._key, self._name, self._place = connection, key, name, place
        self._shape, self._path, self._pace = SHAPES[connection.shape], register, pace or Pace()
        self._api = Endpoint(connection, key=key, name=name)
        self._asked: dict[str, _Asked] = {}
        self._gathering: dict[tuple[str, str], _Gathering] = {}
        self._answers: dict[str, dict[str, Result]] = {}
        self._handed: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.submitted = self.strange = 0

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._register = Batches(self._path)
        await self._api.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for gathering in self._gathering.values():
            if gathering.timer is not None:
                gathering.timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for asked in self._asked.values():
            asked.future.cancel()
        await self._api.__aexit__(*error)
        self._register.close()

    def traffic(self, model: str) -> Traffic:
        """What happened to the requests that carry batches."""
        return self._api.traffic(model)

    def window(self, model: str) -> Window:
        """The window of the requests that carry batches."""
        return self._api.window(model)

    async def post(self, path: str, body: Mapping[str, Any], *, model: str, key: str) -> RawReply:
        """The answer to a request, whenever it comes. key: the same for the same request, in every process.

        CallFailed where this request fails for good; EndpointDown where all will. Of a key that was answered before, in
        another process, the answer is read again; asking again in this one buys a new answer.
        """
        if not CUSTOM_ID.fullmatch(key) or len(key) > 40:
            raise ValueError(f"{key!r} cannot be the id of a request")
        if key in self._asked:
            return await asyncio.shield(self._asked[key].future)
        asked = _Asked(self._loop.create_future(), path, body, model, self._loop.time())
        self._asked[key] = asked
        try:
            held = None if key in self._handed else self._register.holding(key, self._place)
            if held is None:
                self._gather(key, asked)
            elif held.tag in self._answers:
                self._deal(held.tag, key)
            elif held.tag not in self._tasks:
                self._start(held.tag, self._resume(held))
            return await asked.future
        finally:
            if self._asked.get(key) is asked:
                del self._asked[key]

    # -- gathering and sending ------------------------------------------------------------------

    def _gather(self, key: str, asked: _Asked) -> None:
        """Put a request into the next batch of its model."""
        group = (asked.model, asked.path)
        gathering = self._gathering.get(group) or _Gathering(secrets.token_hex(8))
        line = self._shape.line(_ID.format(key=key, tag=gathering.tag), asked.path, asked.body)
        if len(line) + 64 > self._shape.most_bytes:
            raise CallFailed(
                "refused", f"the request has {len(line):,} bytes; a batch may have {self._shape.most_bytes:,}"
            )
        if (
            gathering.size + len(line) + 64 > self._shape.most_bytes
            or len(gathering.lines) >= self._shape.most_requests
        ):
            self._flush(group)
            self._gather(key, asked)
            return
        self._gathering[group] = gathering
        gathering.lines[key] = line
        gathering.size += len(line) + 1
        if gathering.timer is not None:
            gathering.timer.cancel()
        gathering.timer = self._loop.call_later(self._pace.idle, self._flush, group)

    def _flush(self, group: tuple[str, str]) -> None:
        """Send what was gathered."""
        gathering = self._gathering.pop(group)
        if gathering.timer is not None:
            gathering.timer.cancel()
        self._start(gathering.tag, self._submit(gathering, *group))

    def _start(self, tag: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(self._guarded(tag, work))
        self._tasks[tag] = task
        task.add_done_callback(lambda _: self._tasks.pop(tag, None))

    async def _guarded(self, tag: str, work: Coroutine[Any, Any, None]) -> None:
        """An error of a batch is one of all its requests."""
        try:
            await work
        except TamisError as error:
            for key in self._register.keys(tag):
                if (asked := self._asked.get(key)) is not None and not asked.future.done():
                    asked.future.set_exception(error)
        except Exception as error:
            for asked in self._asked.values():
                if not asked.future.done():
                    asked.future.set_exception(error)
            raise

    async def _submit(self, gathering: _Gathering, model: str, path: str) -> None:
        lines = {key: line for key, line in gathering.lines.items() if key in self._asked}
        if not lines:
            return
        batch = begun(gathering.tag, self._place, model, path, len(lines))
        self._register.begin(batch, list(lines))
        remote = await self._sent(batch, list(lines.values()))
        self._register.sent(batch.tag, remote)
        self.submitted += 1
        await self._follow(batch, remote)

    async def _sent(self, batch: Batch, lines: list[bytes]) -> str:
        """Submit; the provider's name for the batch. Never twice: after a failure that leaves it open whether the
        batch exists, it is looked for first."""
        try:
            prepared = await self._shape.prepare(self._api, batch.model, batch.tag, lines)
        except TamisError:
            self._register.void(batch.tag)
            raise
        path, content = self._shape.create(batch.path, prepared, batch.tag, lines)
        once = self._connection.model_copy(update={"retries": 0})
        for tried in range(1, TRIES + 1):
            try:
                async with Endpoint(once, key=self._key, name=self._name) as endpoint:
                    said = await endpoint.send("POST", path, content, model=batch.model)
                    return named(said.data, "id")
            except (CallFailed, EndpointDown) as error:
                if isinstance(error, CallFailed) and error.reason == "refused":
                    self._register.void(batch.tag)
                    raise
                await asyncio.sleep(self._pace.settle)
                found = await self._find(batch)
                if found is not None:
                    return found
                if tried == TRIES:
                    self._register.void(batch.tag)
                    raise
        raise AssertionError("unreachable")

    async def _find(self, batch: Batch) -> str | None:
        """The provider's name of a batch that may exist; None where it does not."""
        known, after = self._register.remotes(), None
        possible: list[str] = []
        while True:
            data = (await self._api.get(self._shape.listing(after), model=batch.model)).data
            listed = [one for one in data.get("data") or [] if isinstance(one, dict)]
            for one in listed:
                ours = self._shape.ours(one, batch.tag, batch.requests)
                if ours:
                    return named(one, "id")
                recent = self._shape.made(one) >= batch.at - SKEW
                if ours is None and recent and one.get("id") not in known:
                    possible.append(named(one, "id"))
            oldest = min((self._shape.made(one) for one in listed), default=0.0)
            if not data.get("has_more") or not listed or oldest < batch.at - SKEW:
                break
            after = named(listed[-1], "id")
        for remote in possible:  # their answers tell whose they are
            told = await self._ended(remote, batch.model)
            async for result in self._shape.results(self._api, told, batch.model):
                if result.custom_id.endswith(f"-{batch.tag}"):
                    return remote
                break
        return None

    # -- polling and reading --------------------------------------------------------------------

    async def _resume(self, batch: Batch) -> None:
        """Go on with a batch that another process, or this one, has sent or was sending."""
        remote = batch.remote
        if remote is None:
            remote = await self._find(batch)
            if remote is None:
                self._register.void(batch.tag)
                self._again(self._register.keys(batch.tag))
                return
            self._register.sent(batch.tag, remote)
        await self._follow(batch, remote)

    async def _ended(self, remote: str, model: str) -> dict[str, Any]:
        """What is told of a batch once nothing more comes."""
        wait = self._pace.first
        while True:
            data = (await self._api.get(self._shape.place(remote), model=model)).data
            if isinstance(data, dict) and self._shape.over(data):
                return data
            await asyncio.sleep(wait)
            wait = min(wait * 1.3, self._pace.longest)

    async def _follow(self, batch: Batch, remote: str) -> None:
        """Wait for the answers, and give everybody theirs."""
        keys = self._register.keys(batch.tag)
        told = await self._ended(remote, batch.model)
        found: dict[str, Result] = {}
        async for result in self._shape.results(self._api, told, batch.model):
            key, _, tag = result.custom_id.rpartition("-")
            if tag != batch.tag or key not in keys:
                self.strange += 1
            elif key not in found or (found[key].fate != "answered" and result.fate == "answered"):
                found[key] = result
        fate, status, words = self._shape.why(told)
        silent = Result("", fate, status, {"error": {"message": words}})
        found = {key: found.get(key, silent) for key in keys}
        self._register.failed(batch.tag, [key for key, result in found.items() if result.fate != "answered"])
        self._answers[batch.tag] = found
        for key in [key for key in found if key in self._asked]:
            self._deal(batch.tag, key)

    def _deal(self, tag: str, key: str) -> None:
        """Give a request its answer, or send it again."""
        result, asked = self._answers[tag].pop(key), self._asked[key]
        if asked.future.done():
            return
        raw = json.dumps(result.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
        problem: Transient | TamisError | None
        if result.fate == "expired":
            problem = Transient("timeout", f"{self._name}: expired within its batch")
        elif result.fate == "canceled":
            problem = CallFailed("server", f"{self._name}: the batch was cancelled at the provider")
        else:
            problem = judge(result.status, {}, raw, result.body, place=self._name)
        asked.tries += 1
        if problem is None:
            self._handed.add(key)
            seconds = self._loop.time() - asked.began
            asked.future.set_result(RawReply(result.status, raw, result.body, seconds, asked.tries))
        elif isinstance(problem, TamisError):
            asked.future.set_exception(problem)
        elif asked.tries >= TRIES:
            tried = f"(in {asked.tries} batches)"
            asked.future.set_exception(CallFailed(problem.reason, f"{problem.message} {tried}"))
        else:
            self._again([key])

    def _again(self, keys: Iterable[str]) -> None:
        """Into the next batch, those that somebody waits for."""
        for key in keys:
            asked = self._asked.get(key)
            if asked is not None and not asked.future.done():
                with contextlib.suppress(CallFailed):  # it fitted before
                    self._gather(key, asked)
