"""Displays of a run: rich bars on a terminal, plain lines elsewhere, JSON lines on request. All on stderr."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, TextIO

from tamis.core.events import CallsProgress, Event, PartitionDone, RunStarted, StageDone, StageStarted, StepDone, Warned


def account_text(counts: dict[str, int], reasons: dict[str, int]) -> str:
    """'702 in = 690 kept + 12 dropped (empty 12)'."""
    born = f" + {counts['born']:,} born" if counts.get("born") else ""
    parts = [f"{counts.get('kept', 0):,} kept"]
    parts += [f"{counts[k]:,} {k}" for k in ("dropped", "merged", "held", "quarantined") if counts.get(k)]
    told = f" ({', '.join(f'{slug} {n:,}' for slug, n in reasons.items())})" if reasons else ""
    return f"{counts.get('in', 0):,} in{born} = {' + '.join(parts)}{told}"


def amount(count: float, unit: str) -> str:
    """'12,000 rows', or bytes as '3.2 MB'."""
    return f"{count / 1e6:,.1f} MB" if unit == "bytes" else f"{count:,.0f} {unit}"


def calls_text(event: CallsProgress) -> str:
    """'120 ok, 2 failed (timeout 2), 30 known; 12.5 requests/s, 41k tokens in, 9k out; $0.12 so far, $1.10 to come'."""
    parts = [f"{event.ok:,} ok"]
    if event.failed:
        parts.append(f"{event.failed:,} failed ({', '.join(f'{slug} {n:,}' for slug, n in event.reasons.items())})")
    if event.known:
        parts.append(f"{event.known:,} known")
    done = ", ".join(parts)
    rate = event.requests / max(event.seconds, 1e-9)
    work = f"{rate:,.1f} requests/s"
    if event.cached:
        work += f", {event.cached:,} bought before"
    work += f", {_thousands(event.tokens_in)} tokens in, {_thousands(event.tokens_out)} out"
    if event.window:
        work += f", {event.in_flight:,} of {event.window:,} at once"
    if event.usd is None:
        money = "price unknown"
    else:
        money = f"${event.usd:,.2f} so far"
        if event.usd_to_come:
            money += f", about ${event.usd_to_come:,.2f} to come"
    return f"{done}; {work}; {money}"


def _thousands(count: int) -> str:
    return f"{count:,}" if count < 10_000 else f"{count / 1000:,.0f}k" if count < 10_000_000 else f"{count / 1e6:,.1f}M"


class Plain:
    """One line per step; on long stages one line every few seconds."""

    def __init__(self, stream: TextIO | None = None, *, every: float = 5.0) -> None:
        self.stream, self.every = stream or sys.stderr, every
        self.rows = self.total = 0
        self.unit = "rows"
        self.started = self.last = time.monotonic()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._say(f"{event.recipe}: run {event.run}{' (resumed)' if event.resumed else ''}")
        elif isinstance(event, StageStarted):
            self.rows, self.total, self.unit = 0, event.rows, event.unit
            self.started = self.last = time.monotonic()
        elif isinstance(event, PartitionDone):
            self.rows += event.rows
            now = time.monotonic()
            if now - self.last > self.every:
                self.last = now
                rate = self.rows / max(now - self.started, 1e-9)
                left = f", {max(0, self.total - self.rows) / rate:,.0f} s left" if self.total else ""
                done, whole = amount(self.rows, self.unit), amount(self.total, self.unit)
                self._say(f"  {done} of {whole}, {amount(rate, self.unit)}/s{left}")
        elif isinstance(event, CallsProgress):
            now = time.monotonic()
            if event.last or now - self.last > self.every:
                self.last = now
                through = event.known + event.ok + event.failed
                fresh = through - event.known  # before the first row nobody knows how long it takes
                known = fresh and not event.last
                left = f", {(event.rows - through) * event.seconds / fresh:,.0f} s left" if known else ""
                self._say(f"  {event.step}: {through:,} of {event.rows:,} rows{left}: {calls_text(event)}")
        elif isinstance(event, StepDone):
            told = "cached" if event.cached_rows and event.cached_rows >= event.counts.get("in", 0) else ""
            self._say(f"  {event.step}: {account_text(event.counts, event.reasons)}{f'  [{told}]' if told else ''}")
        elif isinstance(event, Warned):
            self._say(f"  warning: {event.message}")

    def _say(self, line: str) -> None:
        print(line, file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing is open."""


class Lines(Plain):
    """Every event as one JSON line."""

    def __call__(self, event: Event) -> None:
        self._say(json.dumps(event.record(), ensure_ascii=False))


class Bars:
    """A bar per stage with rows/s and the time left, and a line per step, by rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[done]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.progress.start()
        self.task: Any = None
        self.started = 0.0
        self.rows = 0
        self.unit = "rows"

    def __call__(self, event: Event) -> None:
        from rich.markup import escape

        if isinstance(event, RunStarted):
            self.console.print(
                f"[bold]{escape(event.recipe)}[/]: run {event.run}{' (resumed)' if event.resumed else ''}",
                highlight=False,
            )
        elif isinstance(event, StageStarted):
            name = event.name if len(event.name) < 48 else f"{event.name[:45]}…"
            self.task = self.progress.add_task(escape(name), total=event.rows or None, rate="", done="")
            self.started, self.rows, self.unit = time.monotonic(), 0, event.unit
        elif isinstance(event, PartitionDone) and self.task is not None:
            self.rows += event.rows
            rate = self.rows / max(time.monotonic() - self.started, 1e-9)
            self.progress.update(
                self.task, completed=self.rows, done=amount(self.rows, self.unit), rate=f"{amount(rate, self.unit)}/s"
            )
        elif isinstance(event, CallsProgress):
            if event.last:
                self.console.print(
                    f"  [dim]{escape(event.step)} asked: {escape(calls_text(event))}[/]", highlight=False
                )
            elif self.task is not None:
                through = event.known + event.ok + event.failed
                self.progress.update(
                    self.task, total=event.rows, completed=through, done=f"{through:,} rows", rate=calls_text(event)
                )
        elif isinstance(event, StageDone) and self.task is not None:
            self.progress.remove_task(self.task)
            self.task = None
        elif isinstance(event, StepDone):
            cached = event.cached_rows and event.cached_rows >= event.counts.get("in", 0)
            text = account_text(event.counts, event.reasons)
            self.console.print(
                f"  [cyan]{escape(event.step)}[/] {escape(text)}{' [dim]cached[/]' if cached else ''}",
                highlight=False,
                soft_wrap=True,
            )
        elif isinstance(event, Warned):
            self.console.print(f"  [yellow]warning[/] {escape(event.message)}", highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        self.progress.stop()


def choose(kind: str) -> Plain | Bars:
    """The display asked for; `auto` is bars on a terminal and plain lines elsewhere."""
    if kind == "json":
        return Lines()
    if kind == "bars" or (kind == "auto" and sys.stderr.isatty()):
        return Bars()
    return Plain()
