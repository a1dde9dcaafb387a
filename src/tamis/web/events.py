"""Server-sent events: what others decided, and how the run stands. Files are watched by their size and time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
from starlette.responses import Response, StreamingResponse

from . import shapes
from .asked import Asked, Site

#: seconds between two looks, and between two signs of life
LOOK, ALIVE = 0.4, 15.0
#: decisions told one by one at a look; of more, that there were some
MOST = 200


class Ending:
    """Whether the server is about to end: streams must not keep it."""

    now = False


def events(asked: Asked) -> Response:
    """A stream of events until the page is closed or the server ends."""
    return StreamingResponse(
        _stream(asked.site),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(site: Site) -> AsyncIterator[bytes]:
    watch = _Watch(site)
    await anyio.to_thread.run_sync(watch.look)
    yield _told(shapes.Event(kind="hello"))
    quiet_since = time.monotonic()
    while not Ending.now:
        await anyio.sleep(LOOK)
        found = await anyio.to_thread.run_sync(watch.look)
        for event in found:
            yield _told(event)
        if found:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > ALIVE:
            quiet_since = time.monotonic()
            yield b": here\n\n"


def _told(event: shapes.Event) -> bytes:
    return f"data: {event.model_dump_json()}\n\n".encode()


class _Watch:
    """What has changed since the last look, in every recipe's decisions and last run."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.seen: dict[Path, tuple[int, int, int]] = {}
        self.first = True

    def look(self) -> list[shapes.Event]:
        """What is new. The first look tells nothing."""
        found: list[shapes.Event] = []
        folder = self.site.workspace.root / "decisions"
        for path in sorted(folder.glob("*.jsonl")):
            found += self._decided(path)
        runs = self.site.workspace.root / "runs"
        for recipe in sorted(runs.glob("*")):
            numbers = self.site.workspace.run_numbers(recipe.name)
            if numbers:
                found += self._run(recipe / str(numbers[-1]) / "state.json")
        first, self.first = self.first, False
        return [] if first else found

    def _changed(self, path: Path) -> int | None:
        """The size of a file at the last look, where it has changed since; None where it has not."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        now = (status.st_ino, status.st_size, status.st_mtime_ns)
        before = self.seen.get(path)
        if before == now:
            return None
        self.seen[path] = now
        return 0 if before is None or before[0] != now[0] or before[1] > now[1] else before[1]

    def _decided(self, path: Path) -> list[shapes.Event]:
        begin = self._changed(path)
        if begin is None or self.first:
            return []
        with open(path, "rb") as file:
            file.seek(begin)
            data = file.read(4 << 20)
        whole = data[: data.rfind(b"\n") + 1]
        inode, _, changed = self.seen[path]
        self.seen[path] = (inode, begin + len(whole), changed if len(whole) == len(data) else 0)
        found = []
        for line in whole.split(b"\n")[:-1]:
            try:
                told: dict[str, Any] = json.loads(line)
                found.append(
                    shapes.Event(kind="decided", step=told.get("step"), row=told.get("row"), who=told.get("who"))
                )
            except ValueError:
                continue
        if len(found) > MOST:
            return [shapes.Event(kind="decided", step=step) for step in dict.fromkeys(one.step for one in found)]
        return found

    def _run(self, path: Path) -> list[shapes.Event]:
        if self._changed(path) is None or self.first:
            return []
        try:
            status = json.loads(path.read_text(encoding="utf-8")).get("status")
        except (OSError, ValueError):
            return []
        return [shapes.Event(kind="run", status=str(status))]
