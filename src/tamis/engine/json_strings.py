"""The strings inside JSON text, and the same JSON with other strings; every other byte stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*', re.DOTALL)
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
#: numbers of fewer digits name nobody
NUMBER = 7
#: JSON in a string in a string …, as deep as is looked into
DEEPEST = 6


class JsonStrings:
    """JSON text with its strings (keys and long numbers too), decoded; strings that hold JSON are looked into.

    >>> told = parse_json('{"to": "bob@x.org", "args": "{\\\\"n\\\\": 12345678}"}')
    >>> told.strings()
    ['to', 'bob@x.org', 'args', 'n', '12345678']
    >>> told.render(iter(["to", "[EMAIL]", "args", "n", "•••"]))
    '{"to": "[EMAIL]", "args": "{\\\\"n\\\\": \\\\"•••\\\\"}"}'
    """

    def __init__(self, text: str, parts: list[tuple[int, int, str | JsonStrings]], strings: list[str]) -> None:
        self.text, self.parts, self._strings = text, parts, strings

    def strings(self) -> list[str]:
        """Every string, in order."""
        return self._strings

    def render(self, new: Iterator[str]) -> str:
        """The text with `new` strings in the places of the old ones."""
        out, at = [], 0
        for start, end, inner in self.parts:
            if isinstance(inner, JsonStrings):
                changed = inner.render(new)
                same = changed == inner.text
                literal = "" if same else json.dumps(changed, ensure_ascii=False)
            else:
                changed = next(new)
                same = changed == inner
                bare = self.text[start] != '"' and changed.isdecimal() and changed.isascii() and changed[0] != "0"
                literal = "" if same else changed if bare else json.dumps(changed, ensure_ascii=False)
            if not same:
                out += [self.text[at:start], literal]
                at = end
        return "".join([*out, self.text[at:]])


def parse_json(text: str, depth: int = 0) -> JsonStrings | None:
    """The strings of a JSON object or list; None where the text is neither."""
    if not text.lstrip()[:1].startswith(("{", "[")) or depth >= DEEPEST:
        return None
    try:
        value: Any = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict | list):
        return None
    parts: list[tuple[int, int, str | JsonStrings]] = []
    strings: list[str] = []
    for match in _TOKEN.finditer(text):
        raw, (start, end) = match[0], match.span()
        if raw[0] != '"':
            if sum(c.isdigit() for c in raw) >= NUMBER:
                parts.append((start, end, raw))
                strings.append(raw)
            continue
        inner = raw[1:-1] if "\\" not in raw else _DECODER.raw_decode(text, start)[0]
        nested = None if inner[:1].isalnum() else parse_json(inner, depth + 1)
        parts.append((start, end, nested or inner))
        if nested is None:
            strings.append(inner)
        else:
            strings += nested.strings()
    return JsonStrings(text, parts, strings)
