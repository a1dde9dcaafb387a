"""What a run's models did so far, and whether they are who they were asked to be."""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tamis.core.events import Listener, Warned

#: seconds over which requests per second are measured
_SPAN = 10.0
#: what may stand behind a name without its being another model: a date, a version, `latest`
_EDITION = re.compile(r"(?:[-@:_.](?:latest|v?\d[\d.\-]*|preview|\d+k))+")


@dataclass
class Tally:
    """Counts of one run. requests: calls that were to be bought = ok + failed + stopped (the run was) + those in flight;
    cached: found in the journal; shared: asked while the same was being bought."""

    requests: int = 0
    ok: int = 0
    failed: int = 0
    cached: int = 0
    shared: int = 0
    stopped: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    unknown_usd: int = 0
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=50_000))

    def bought(self, tokens_in: int | None, tokens_out: int | None, usd: float | None) -> None:
        """A call was answered and is paid for."""
        self.tokens_in += tokens_in or 0
        self.tokens_out += tokens_out or 0
        if usd is None:
            self.unknown_usd += 1
        else:
            self.usd += usd
        self.ok += 1
        self._ends.append(time.monotonic())

    def per_second(self) -> float:
        """Replies per second of late."""
        now = time.monotonic()
        while self._ends and now - self._ends[0] > _SPAN:
            self._ends.popleft()
        return len(self._ends) / max(now - self._ends[0], 0.1) if self._ends else 0.0

    def snapshot(self) -> dict[str, Any]:
        """The counts. usd: None where the cost of any call is unknown."""
        return {
            "requests": self.requests,
            "ok": self.ok,
            "failed": self.failed,
            "cached": self.cached,
            "shared": self.shared,
            "stopped": self.stopped,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "usd": None if self.unknown_usd else self.usd,
            "per_second": round(self.per_second(), 1),
        }


@dataclass
class Names:
    """Tells once when another model answers than was asked, or when the edition that answers changes."""

    emit: Listener
    _told: set[tuple[str, str]] = field(default_factory=set)
    _first: dict[str, str] = field(default_factory=dict)

    def heard(self, asked: str, answered: str | None) -> None:
        """An endpoint names who answered."""
        if not answered or self._first.get(asked) == answered or (asked, answered) in self._told:
            return
        first = self._first.setdefault(asked, answered)
        if is_edition(asked, answered) and first == answered:
            return
        self._told.add((asked, answered))
        if is_edition(asked, answered):
            self.emit(Warned(f"asked for the model {asked}, answered first by {first} and then by {answered}"))
        else:
            self.emit(Warned(f"asked for the model {asked}, answered by {answered}"))


def is_edition(asked: str, answered: str) -> bool:
    """Whether a name is the one asked for, or a dated or numbered edition of it.

    >>> is_edition("gpt-5-mini", "gpt-5-mini-2025-08-07"), is_edition("gpt-5", "gpt-5-mini")
    (True, False)
    >>> is_edition("meta-llama/Llama-3.3-70B", "llama-3.3-70b"), is_edition("smollm2", "gpt-4o")
    (True, False)
    """
    said, wanted = (re.split(r"[/\\]", name.lower())[-1].removesuffix(".gguf") for name in (answered, asked))
    return said.startswith(wanted) and (said == wanted or _EDITION.fullmatch(said[len(wanted) :]) is not None)
