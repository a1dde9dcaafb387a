"""Texts from before a privacy step, told without personal data: tags in their place, without a key.

What steps remember of a row (evidence) may be a piece of its text, cut anywhere. So beside what the finder finds in it,
every stretch that it shares with something found in the row is masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from tamis.core.columns import Columns
from tamis.core.errors import UsageError

from .all_strings import Column, text_columns
from .anonymize import Replacer, Rules
from .frame import Frame
from .pii import KINDS, LEAST
from .pseudonyms import MASK

#: characters in a row that a piece of text and something found must share to be masked
SHARED = 5

_ID = re.compile(r"[0-9a-f]{32}")
_ERROR = re.compile(r"\A([A-Za-z_.]+)(?::.*)?( \([^()\s]+:\d+\))\Z", re.DOTALL)


class Veil:
    """Hides what the privacy steps of a recipe look for. covers: of `Step.covers`, one each."""

    def __init__(self, covers: Sequence[Mapping[str, Any]]) -> None:
        self.covers = [dict(one) for one in covers]
        kinds = [kind for one in covers for kind in one["kinds"] if kind in KINDS]
        replaced = {kind for one in covers for kind, mode in one.get("modes", {}).items() if mode != "keep"}
        self.kept = tuple(kind for kind in dict.fromkeys(kinds) if kind not in replaced)
        self.names = tuple(dict.fromkeys(name for one in covers for name in one.get("names", ())))
        self.addresses = tuple(dict.fromkeys(name for one in covers for name in one.get("addresses", ())))
        self.region = next((one["region"] for one in covers if one.get("region")), None)
        self.ner = next((one["ner"] for one in covers if one.get("ner")), None)
        self.least = min((int(one.get("least", LEAST)) for one in covers), default=LEAST)
        self.kinds = tuple(dict.fromkeys(kinds))

    def _replacer(self, names: Iterable[str] = (), addresses: Iterable[str] = ()) -> Replacer:
        return Replacer(
            Rules(
                self.kinds, "tag", names=tuple(names), addresses=tuple(addresses), region=self.region, least=self.least
            ),
            None,
        )

    def finder(self) -> Replacer:
        """What finds, in texts of which it is not known whose they are."""
        return self._replacer()

    def rows(self, rows: Columns) -> pl.DataFrame:
        """The rows with tags in the places of what was found."""
        done = self._replacer(_present(rows, self.names), _present(rows, self.addresses)).rows(rows)
        return pl.DataFrame(
            [done.columns[name] if name in done.columns else rows[name].alias(name) for name in rows.names]
        )

    def texts(self, texts: Sequence[str]) -> list[str]:
        """Texts of which it is not known whose they are."""
        if not texts:
            return []
        frame = pl.DataFrame({"source.text": pl.Series(texts, dtype=pl.String)})
        return self._replacer().rows(Frame.of(frame)).columns["source.text"].to_list()

    def text(self, text: str) -> str:
        """One text."""
        return self.texts([text])[0]

    def found(self, rows: Columns) -> list[set[str]]:
        """What is found in each row, as it is written there; names and their words too."""
        replacer = self._replacer()
        found: list[set[str]] = [set() for _ in range(rows.height)]
        names = _present(rows, (*self.names, *self.addresses))
        for name in names:
            for row, value in enumerate(rows[name].cast(pl.String).to_list()):
                if value:
                    found[row] |= {value, *value.split()}
        for name in text_columns(rows):
            for _, strings in Column(rows, name).places():
                seen, text, hits = replacer.look(strings)
                for hit in hits:
                    begin = int(text.offsets[hit.at])
                    value = text.data[begin + hit.start : begin + hit.end].tobytes().decode("utf-8", "replace")
                    found[int(seen.owner[hit.at])].add(value)
        return found

    def evidence(self, name: str, values: Sequence[Any], secrets: Sequence[Iterable[str]]) -> list[Any]:
        """Evidence of some rows, each told of a row in which `secrets` were found. Values are of JSON."""
        words: dict[str, str] = {}
        for value in values:
            inside(value, lambda text: words.setdefault(text, text))
        chosen = [text for text in words if not _ID.fullmatch(text)]
        told = [bare_error(text) for text in chosen] if name == "error" else self.texts(chosen)
        words.update(zip(chosen, told, strict=True))

        def tell(text: str, mine: Iterable[str]) -> str:
            return words[text] if name == "error" or _ID.fullmatch(text) else overlapping(words[text], mine)

        return [inside(value, partial(tell, mine=mine)) for value, mine in zip(values, secrets, strict=True)]


def inside(value: Any, tell: Callable[[str], str]) -> Any:
    """A value of JSON with every string in it as `tell` has it."""
    if isinstance(value, str):
        return tell(value)
    if isinstance(value, Mapping):
        return {key: inside(one, tell) for key, one in value.items()}
    return [inside(one, tell) for one in value] if isinstance(value, list) else value


def bare_error(text: str) -> str:
    """What kind of error it was, and where: what it said may quote the row.

    >>> bare_error("ValueError: bad address bob@post.org (steps.py:12)"), bare_error("bob@post.org")
    ('ValueError (steps.py:12)', '(not shown)')
    """
    match = _ERROR.match(text)
    return match[1] + match[2] if match else "(not shown)"


def overlapping(text: str, secrets: Iterable[str]) -> str:
    """The text with every stretch masked that it shares with a secret.

    >>> overlapping("write to bob.smi", ["bob.smith@post.org"]), overlapping("Bob was here", ["Bob"])
    ('write to •••', 'Bob was here')
    """
    low = text.lower()
    if len(low) != len(text):
        low = text
    hidden = bytearray(len(text))
    for secret in secrets:
        part = secret.lower()
        width = min(SHARED, len(part))
        if width < 4:
            continue
        for k in range(len(part) - width + 1):
            at = low.find(part[k : k + width])
            while at >= 0:
                hidden[at : at + width] = b"\1" * width
                at = low.find(part[k : k + width], at + 1)
    if not any(hidden):
        return text
    out, at = [], 0
    for match in re.finditer(b"\1+", bytes(hidden)):
        out += [text[at : match.start()], MASK]
        at = match.end()
    return "".join([*out, text[at:]])


def _present(rows: Columns, names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        try:
            found.append(rows.find(name))
        except UsageError:
            continue
    return [name for name in dict.fromkeys(found) if name in rows.names]
