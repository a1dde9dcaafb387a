"""The slow reader: says what is wrong with a line of JSON, and looks again where the fast one is in doubt."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple, NoReturn

_LONE = re.compile("[\ud800-\udfff]")


class Problem(NamedTuple):
    cause: str
    message: str


class _Stop(Exception):
    """A line is bad for a reason that `json` itself does not see."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(cause, message)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Stop("duplicate_key", f"the key {key[:80]!r} stands twice in one object")
            seen.add(key)
    return found


def _constant(name: str) -> NoReturn:
    raise _Stop("nan", f"{name} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Stop("nan", f"the number {text[:40]} is too large for a double")
    return value


def problem(raw: bytes, max_depth: int) -> Problem | None:
    """What is wrong with one record as JSON; None where nothing is."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem(
            "invalid_utf8", f"byte {error.start + 1} of the line (0x{raw[error.start]:02x}) is no valid UTF-8"
        )
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=str)
    except _Stop as stop:
        return stop.problem
    except RecursionError:
        return Problem("too_deep", f"nested deeper than {max_depth} levels")
    except json.JSONDecodeError as error:
        if error.msg.startswith("Invalid control character"):
            return Problem(
                "control_character", f"a raw control character at character {error.pos + 1}; in JSON it must be escaped"
            )
        told = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
        return Problem("invalid_json", f"{told} at character {error.pos + 1}")
    return _walk(value, max_depth)


def _walk(value: Any, left: int) -> Problem | None:
    """Whether brackets are nested too deep, or a string is no text. Goes down level by level, without recursion."""
    depth, level = left, [value]
    while level:
        texts = [item for item in level if isinstance(item, str)]
        nested = [item for item in level if isinstance(item, dict | list)]
        texts += [key for item in nested if isinstance(item, dict) for key in item]
        if any(map(_LONE.search, texts)):
            return Problem("lone_surrogate", "an escape \\ud800 … \\udfff without its other half is no text")
        if nested and left == 0:
            return Problem("too_deep", f"nested deeper than {depth} levels")
        left -= 1
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
    return None
