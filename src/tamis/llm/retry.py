"""What an endpoint's answer means for the call: good, worth another try, or the end. Types, not words, decide.

`judge` reads a whole HTTP reply. `Transient` and its kinds are worth another try; a `CallFailed` ends the call, an
`EndpointDown` ends the run, which can be resumed.
"""

from __future__ import annotations

import email.utils
import json
import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tamis.core.calls import CallFailed
from tamis.core.errors import EndpointDown, TamisError

#: seconds: the longest wait an endpoint can impose by a header
LONGEST_WAIT = 120.0
#: seconds: the first pause between two tries, doubled for each further one, up to the longest
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
#: characters of an endpoint's own words in a message
QUOTED = 300

#: machine-readable codes that say that the account is empty, whatever status they come with
EMPTY_ACCOUNT = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error", "insufficient_credits"}
)
#: … and the words of one API that has no code for it
EMPTY_WORDS = "credit balance is too low"
#: … that the load was refused
OVERLOAD = frozenset({"overloaded_error", "rate_limit_error", "rate_limit_exceeded", "slow_down"})
#: keys that show that a reply is an answer and not an error
ANSWERED = ("choices", "content", "data", "embeddings", "output", "results", "id")

_SECRET = re.compile(r"\b(?:sk|pk|key|rk)[-_][\w*.…-]{6,}|(?i:bearer)\s+[\w.~+/-]{8,}=*")


@dataclass(frozen=True)
class Transient:
    """Worth another try. reason: of `CALL_REASONS`, should it be the last; wait: seconds the endpoint asks for."""

    reason: str
    message: str
    wait: float | None = None


class Overloaded(Transient):
    """The endpoint refuses the load: the window is cut."""


class Faltering(Transient):
    """The endpoint failed, or what came is no answer: the window stops growing."""


class Unreached(Transient):
    """No HTTP reply came at all."""


def judge(
    status: int, headers: Mapping[str, str], raw: bytes, data: Any, *, place: str
) -> Transient | TamisError | None:
    """What a reply means; None for a good one. data: the parsed body, None where it is not JSON."""
    if 200 <= status < 300:
        if not isinstance(data, dict):
            return Faltering("unreadable", f"status {status} with {_kind(headers, raw)} instead of a JSON object")
        error = data.get("error")
        if not error or any(data.get(key) for key in ANSWERED):
            return None
        # some routers send an upstream's failure with status 200
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
    if 300 <= status < 400:
        return CallFailed(
            "refused", f"{place} redirects to {_target(headers)}: redirects are not followed; state that url"
        )
    words, codes = explain(data, raw)
    told = f"{place}: status {status}{': ' if words else ''}{words}"
    if codes & EMPTY_ACCOUNT or status == 402 or (status == 400 and EMPTY_WORDS in words):
        return EndpointDown(
            told, hint="the account is empty or blocked: top it up, then run again; nothing is bought twice"
        )
    if status == 401:
        return EndpointDown(told, hint="check the key: the connection's `key_env` names the variable that holds it")
    if status == 403:
        return EndpointDown(told, hint="the key may not use this model or endpoint")
    wait = told_to_wait(headers)
    if status in (429, 529) or codes & OVERLOAD or (status == 503 and wait is not None):
        return Overloaded("server", told, wait)
    if headers.get("x-should-retry") == "false":
        return CallFailed("refused", told)
    if status in (408, 409, 425) or (status >= 500 and status not in (501, 505)):
        return Faltering("server", told, wait)
    return CallFailed("refused", told)


def told_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds the endpoint asks to wait, capped; None where it asks for nothing sensible."""
    for name, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text.strip().removesuffix("s")) * unit
        except ValueError:
            seconds = _until(text, headers.get("date"))
        if seconds > 0:  # not so for NaN either
            return min(seconds, LONGEST_WAIT)
    return None


def _until(text: str, now: str | None) -> float:
    """Seconds to an HTTP date, by the server's own clock where it tells it; NaN where it is none."""
    import time

    try:
        then = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return math.nan
    try:
        base = time.time() if now is None else email.utils.parsedate_to_datetime(now).timestamp()
    except (ValueError, TypeError, OverflowError):
        base = time.time()
    return then - base


def pause(tries: int, chance: random.Random, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> float:
    """Seconds before the next try, after `tries` of them: doubled each time, and a random half of it taken away."""
    return float(min(longest, first * 2.0 ** min(tries - 1, 30)) * (0.5 + 0.5 * chance.random()))


def explain(data: Any, raw: bytes) -> tuple[str, frozenset[str]]:
    """An error body in words, shortened, and its machine-readable codes."""
    error = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(error, list) and error:
        error = error[0].get("error", error[0]) if isinstance(error[0], dict) else error[0]
    if not isinstance(error, dict):
        text = error if isinstance(error, str) else "" if data is not None else raw[:2000].decode("utf-8", "replace")
        return shorten("" if text.lstrip().startswith("<") else text), frozenset()
    words = next((error[k] for k in ("message", "detail", "msg") if isinstance(error.get(k), str)), None)
    codes = frozenset(str(error[k]) for k in ("code", "type", "status") if isinstance(error.get(k), str))
    return shorten(json.dumps(error, ensure_ascii=False) if words is None else words), codes


def shorten(text: str) -> str:
    """One line of at most `QUOTED` characters, without what looks like a key."""
    line = _SECRET.sub("[key]", " ".join(text.split()))
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"


def _target(headers: Mapping[str, str]) -> str:
    """Where a redirect points, without what may be secret in it."""
    location = headers.get("location", "")
    try:
        parts = urlsplit(location)
        host = parts.netloc.rpartition("@")[2]
        return shorten(urlunsplit((parts.scheme, host, parts.path, "", ""))) or "nowhere"
    except ValueError:
        return "an address that cannot be read"


def _kind(headers: Mapping[str, str], raw: bytes) -> str:
    if not raw.strip():
        return "nothing"
    if raw.lstrip()[:1] == b"<":
        return "an HTML page"
    return "truncated or broken JSON" if raw.lstrip()[:1] in b"{[" else f"{headers.get('content-type', 'bytes')!r}"
