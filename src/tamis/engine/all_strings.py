"""Every string of some rows, wherever it stands: columns, fields of messages, lists, and strings inside JSON.

What rewrites them sees one flat series of strings with the row that each belongs to; what it changed goes back to its
place. JSON stays JSON: its strings are seen decoded, and what is around them stays byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns
from tamis.core.row import LINEAGE, MESSAGES

from .json_strings import NUMBER, JsonStrings, parse_json
from .rewrite import patched, with_contents
from .text import to_messages, to_text

Positions = NDArray[np.int64]

#: fields of a message that hold somebody's words
FIELDS = ("content", "name", "tool_calls", "tool_call_id")
#: columns that say what a row is for, not what it says
APART = (*LINEAGE, "id", "split", "born.from")


_TELLING = re.compile(
    r"\b(?:phone|telephone|tel|telefon|mobile|cell|fax|ssn|social|iban|card|birth|dob|born|geburtsdatum|passport|tax)\b",
    re.I,
)


class Strings(NamedTuple):
    """Strings of one kind of place. `where`: in words; owner: (n,) the row of each; lead: what the column's name says."""

    where: str
    values: pl.Series
    owner: Positions
    lead: str = ""


class Patch(NamedTuple):
    """New values of a few strings: at (k,) positions, ascending."""

    at: Positions
    values: list[str]


def text_columns(rows: Columns, without: Collection[str] = ()) -> list[str]:
    """The columns that hold strings, in their order."""
    return [
        name for name in rows.names if name not in APART and name not in without and _holds_text(rows[name].dtype, name)
    ]


def _holds_text(dtype: pl.DataType, name: str) -> bool:
    return dtype in (pl.String, MESSAGES, pl.List(pl.String)) or (dtype.is_integer() and name.startswith("source."))


def lead_of(name: str) -> str:
    """What a column's name says of its values, to be read before them; '' where it says nothing of the kind.

    >>> lead_of("source.phone_number"), lead_of("source.order_number"), lead_of("source.DateOfBirth")
    ('phone number: ', '', 'Date Of Birth: ')
    """
    words = re.sub(r"[\W_]+|(?<=[a-z])(?=[A-Z])", " ", name.removeprefix("source.")).strip()
    return f"{words}: " if words.isascii() and _TELLING.search(words) else ""


class Column:
    """One column's strings, flat, and the way back."""

    def __init__(self, rows: Columns, name: str) -> None:
        self.rows, self.name, self.column = rows, name, rows[name]
        self._new: dict[str, pl.Series] = {}
        self.changed = np.zeros(rows.height, np.bool_)

    def places(self) -> Iterator[tuple[str, Strings]]:
        """(field, its strings): the field is '' where the column itself holds them."""
        dtype = self.column.dtype
        if dtype == pl.String:
            yield "", Strings(self.name, self.column, np.arange(len(self.column)), lead_of(self.name))
        elif dtype.is_integer():
            digits = self.column.cast(pl.String)
            digits = pl.select(pl.when(digits.str.len_chars() >= NUMBER).then(digits)).to_series()
            if digits.null_count() < len(digits):
                yield "#", Strings(self.name, digits, np.arange(len(digits)), lead_of(self.name))
        elif dtype == MESSAGES:
            chat = self.rows.chat(self.name)
            owner = np.repeat(np.arange(self.rows.height), np.diff(chat.starts))
            for field in FIELDS:
                values = chat.messages[field]
                if values.null_count() < len(values):
                    yield field, Strings(f"{self.name}.{field}", values, owner)
        else:
            lengths = self.column.list.len().fill_null(0).to_numpy()
            flat = self.column.filter(self.column.list.len() > 0).explode()
            yield "[]", Strings(self.name, flat, np.repeat(np.arange(self.rows.height), lengths))

    def put(self, field: str, strings: Strings, patch: Patch) -> None:
        """Put changed strings back."""
        if len(patch.at):
            self._new[field] = patched(strings.values, patch.at, pl.Series(patch.values, dtype=pl.String))
            self.changed[strings.owner[patch.at]] = True

    def series(self) -> pl.Series:
        """The column with what was put; itself where nothing was."""
        if not self._new:
            return self.column
        if "" in self._new:
            return self._new[""].alias(self.name)
        if "#" in self._new:  # a column of numbers has no room for words: null, unless the replacement is a number
            changed = pl.Series(self.changed)
            numbers = self._new["#"].cast(self.column.dtype, strict=False)
            return pl.select(pl.when(changed).then(numbers).otherwise(self.column)).to_series().alias(self.name)
        if "[]" in self._new:
            lengths = self.column.list.len().fill_null(0).to_numpy()
            frame = pl.DataFrame(
                [pl.Series("row", np.repeat(np.arange(len(lengths)), lengths)), self._new["[]"].alias("v")]
            )
            lists = frame.group_by("row", maintain_order=True).agg("v")
            filled = pl.DataFrame({"row": pl.Series(range(len(lengths)), dtype=pl.Int64)}).join(
                lists, on="row", how="left"
            )["v"]
            return (
                pl.select(pl.when(pl.lit(pl.Series(lengths > 0))).then(filled).otherwise(self.column))
                .to_series()
                .alias(self.name)
            )
        chat = self.rows.chat(self.name)
        if list(self._new) == ["content"]:
            return with_contents(self.column, chat, self._new["content"])
        messages = chat.messages.with_columns(new.alias(field) for field, new in self._new.items())
        return to_messages(self.name, chat._replace(messages=messages), self.column.is_not_null().to_numpy())


class Flat(NamedTuple):
    """Strings as they are looked into: plain ones as they are, of JSON ones each string inside.

    values: what is looked at; owner: rows; source: the position, in the column's strings, that each comes from;
    trees: position → its JSON.
    """

    values: pl.Series
    owner: Positions
    source: Positions
    trees: dict[int, JsonStrings]


class Wanted(NamedTuple):
    """What is looked for: kinds, and the region, as `pii.find` has them."""

    kinds: tuple[str, ...]
    region: str | None


def silent(values: pl.Series, wanted: Wanted) -> NDArray[np.bool_]:
    """(n,) bool: JSON texts in which the finder would look at no place, so that decoding them is of no use."""
    from .kernels.pii_escapes import open_escapes
    from .pii import places

    text = to_text(values)
    opened, unsure = np.empty(len(text.data), np.uint8), np.empty(len(values), np.bool_)
    open_escapes(text.data, text.offsets, opened, unsure)
    unsure[places(opened, text.offsets, wanted.kinds, wanted.region).row] = True
    return ~unsure


def flat(strings: Strings, wanted: Wanted | None = None) -> Flat:
    """Look into JSON; with `wanted`, only where the finder has places to look at."""
    values = strings.values
    braces = values.str.contains(r"^\s*[\[{]").fill_null(False)
    if wanted is not None and not strings.lead and braces.any():
        quiet = np.zeros(len(values), np.bool_)
        quiet[braces.arg_true().to_numpy()] = silent(values.filter(braces), wanted)
        values = values.zip_with(pl.Series(~quiet), pl.Series(values.name, [None], dtype=pl.String))
        braces &= pl.Series(~quiet)
    trees: dict[int, JsonStrings] = {}
    if braces.any():
        at = braces.arg_true().to_list()
        for position, text in zip(at, values.filter(braces).to_list(), strict=True):
            tree = parse_json(text)
            if tree is not None:
                trees[position] = tree
    if not trees:
        return Flat(values, strings.owner, np.arange(len(values)), {})
    plain = np.setdiff1d(np.arange(len(values)), np.fromiter(trees, np.int64))
    counts = np.fromiter((len(tree.strings()) for tree in trees.values()), np.int64, len(trees))
    source = np.concatenate([plain, np.repeat(np.fromiter(trees, np.int64, len(trees)), counts)])
    inner = [text for tree in trees.values() for text in tree.strings()]
    some = pl.concat([values.gather(pl.Series(plain, dtype=pl.UInt32)), pl.Series(values.name, inner, dtype=pl.String)])
    return Flat(some, strings.owner[source], source, trees)


def unflat(strings: Strings, seen: Flat, patch: Patch) -> Patch:
    """What was changed in the flat strings, as changes of the strings themselves."""
    if not seen.trees:
        return patch
    first = len(strings.values) - len(seen.trees)
    found: dict[int, str] = {}
    fresh: dict[int, dict[int, str]] = {}  # by the position of the JSON, then of the string in it
    starts = {}
    for at, text in zip(patch.at.tolist(), patch.values, strict=True):
        position = int(seen.source[at])
        if at < first:
            found[position] = text
        else:
            if position not in starts:
                starts[position] = first + int(np.searchsorted(seen.source[first:], position))
            fresh.setdefault(position, {})[at - starts[position]] = text
    for position, new in fresh.items():
        tree = seen.trees[position]
        found[position] = tree.render(iter([new.get(k, old) for k, old in enumerate(tree.strings())]))
    order = sorted(found)
    return Patch(np.array(order, np.int64), [found[k] for k in order])
