"""Lists of messages written as JSON text: `[{"role": …, "content": …}]` and `[{"from": …, "value": …}]`.

Plain lists go through a kernel; whatever it does not take is read by `parse_list`, slowly and exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Chat, Text
from tamis.core.row import MESSAGE

from .chats import join_chats
from .text import to_series, to_text

#: role words of the formats and the roles they mean; the first seven have a format of their own
ROLE_WORDS: dict[str, str] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "human": "user",
    "gpt": "assistant",
    "observation": "tool",
    "developer": "system",
    "prompter": "user",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function": "tool",
    "function_response": "tool",
    "ipython": "tool",
}
_WORDS = tuple(ROLE_WORDS)
_USUAL = 7
#: JSON nested deeper is refused, at the same depth whatever the interpreter's own limit
MAX_DEPTH = 400
_MARKS = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.)*"', re.DOTALL)
_KEYS = ("role", "from", "content", "value", "weight", "loss_weight")


class Misfit(ValueError):
    """A value that is not of the shape; the message says where and what."""


@dataclass
class Piece:
    """Some messages of each row.

    problem: why a row is not of the shape; lost: what could not be held, comma-separated; tools: JSON found
    among the messages. Each is (n,) String, or None where every value would be null.
    """

    chat: Chat
    problem: pl.Series | None = None
    lost: pl.Series | None = None
    tools: pl.Series | None = None


class Parsed(NamedTuple):
    """One list of messages: dicts with the fields of a message, what was lost, tools found on the way."""

    messages: list[dict[str, Any]]
    lost: list[str]
    tools: str | None


def read_lists(series: pl.Series, label: str, *, single: bool = False) -> Piece:
    """The messages in a column of JSON lists. `label` is how problems name the column; `single`: one object will do."""
    text = to_text(series)
    chat, slow = _plain(text, single)
    lost = _unusual(chat) if chat.messages.height else None
    unread = slow | ~text.valid
    if not unread.any():
        return Piece(chat, lost=lost)
    n = len(series)
    rows = np.flatnonzero(unread)
    problems: dict[int, str] = {}
    losses: dict[int, str] = {}
    tools: dict[int, str] = {}
    lists: list[list[dict[str, Any]]] = []
    for row, value in zip(rows.tolist(), series.gather(pl.Series(rows, dtype=pl.UInt32)).to_list(), strict=True):
        found: list[dict[str, Any]] = []
        try:
            parsed = parse_list(value, label, single=single)
            found = parsed.messages
            if parsed.lost:
                losses[row] = ",".join(parsed.lost)
            if parsed.tools is not None:
                tools[row] = parsed.tools
        except Misfit as misfit:
            problems[row] = str(misfit)
        lists.append(found)
    exact = _from_lists(lists, rows, n)
    slow_lost = sparse(losses, n)
    return Piece(
        join_chats([chat, exact]),
        sparse(problems, n),
        slow_lost if lost is None else lost if slow_lost is None else first_of(lost, slow_lost),
        sparse(tools, n),
    )


def _plain(text: Text, single: bool) -> tuple[Chat, NDArray[np.bool_]]:
    """What the kernel reads, and the rows it leaves."""
    from .kernels.json_messages import SLOW, parse_plain

    n = len(text.offsets) - 1
    room = len(text.data) // 20 + n + 1
    out = np.empty(len(text.data), np.uint8)
    offsets, codes, weights = np.empty(room + 1, np.int64), np.empty(room, np.uint8), np.empty(room, np.int8)
    starts, status = np.empty(n + 1, np.int64), np.empty(n, np.uint8)
    words = (*_packed(_KEYS), *_packed(_WORDS))
    m = parse_plain(text.data, text.offsets, text.valid, single, *words, out, offsets, codes, weights, starts, status)
    contents = Text(out[: offsets[m]], offsets[: m + 1], np.ones(m, np.bool_))
    columns = {"role": roles_of(codes[:m]), "content": to_series("content", contents), "word": pl.Series(codes[:m])}
    weight = pl.Series("weight", weights[:m])
    if m and int(weights[:m].max()) >= 0:
        columns["weight"] = weight.replace(-1, None)
    return Chat(starts, pl.DataFrame(columns)), status == SLOW


@cache
def _packed(words: tuple[str, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Words end to end, and their bounds."""
    data = np.frombuffer("".join(words).encode(), np.uint8)
    return data, np.concatenate([[0], np.cumsum([len(word) for word in words])]).astype(np.int64)


def roles_of(codes: NDArray[np.uint8]) -> pl.Series:
    """The roles that role words (positions in ROLE_WORDS) mean."""
    return pl.Series("role", list(ROLE_WORDS.values())).gather(pl.Series(codes).cast(pl.UInt32))


def _unusual(chat: Chat) -> pl.Series | None:
    """`role:WORD` for rows with role words that cannot be written back; takes the `word` column off the chat."""
    codes = chat.messages.drop_in_place("word").to_numpy()
    odd = np.flatnonzero(codes >= _USUAL)
    if not len(odd):
        return None
    row_of = np.searchsorted(chat.starts, odd, side="right") - 1
    words: dict[int, list[str]] = {}
    for row, code in zip(row_of.tolist(), codes[odd].tolist(), strict=True):
        word = f"role:{_WORDS[code]}"
        if word not in words.setdefault(row, []):
            words[row].append(word)
    return sparse({row: ",".join(found) for row, found in words.items()}, len(chat.starts) - 1)


def _from_lists(lists: Sequence[list[dict[str, Any]]], rows: NDArray[np.int64], n: int) -> Chat:
    """Messages of some rows as a chat over all n."""
    counts = np.zeros(n, np.int64)
    counts[rows] = [len(messages) for messages in lists]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Chat(starts, pl.DataFrame([message for messages in lists for message in messages], schema=dict(MESSAGE)))


def sparse(values: dict[int, str], n: int) -> pl.Series | None:
    """A string series of n values, null but for a few; None where there are none."""
    if not values:
        return None
    filled: list[str | None] = [None] * n
    for row, value in values.items():
        filled[row] = value
    return pl.Series(filled, dtype=pl.String)


def first_of(*series: pl.Series | None) -> pl.Series | None:
    """Row by row, the first value that is not null."""
    given = [one for one in series if one is not None]
    return pl.select(pl.coalesce(*given)).to_series() if given else None


# -- one list, exactly ----------------------------------------------------------------------------


def load_json(text: str, where: str) -> Any:
    """The value of a JSON text. Misfit where it is none, too deep, or has NaN, a key twice, half a surrogate."""
    if _depth(text) > MAX_DEPTH:
        raise Misfit(f"{where} is nested more than {MAX_DEPTH} deep")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        raise Misfit(f"{where} holds half of a surrogate pair") from None
    except ValueError as error:
        raise Misfit(f"{where} is no JSON: {error}") from None


def _depth(text: str) -> int:
    """How deep lists and objects are nested; a lower bound of 0 where it cannot be more than MAX_DEPTH."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for mark in _MARKS.finditer(text):
        if mark[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def parse_list(text: str | None, label: str, *, single: bool = False) -> Parsed:
    """A JSON list of messages. Misfit says why it is none."""
    if text is None:
        raise Misfit(f"{label} is null")
    value = load_json(text, label)
    if single and isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise Misfit(f"{label} is {kind_of(value)}, not a list of messages")
    if not value:
        raise Misfit(f"{label} has no messages")
    from .shape_message import Reader

    reader = Reader(label)
    messages = [message for i, item in enumerate(value) for message in reader.read(i, item)]
    return Parsed(messages, list(dict.fromkeys(reader.lost)), reader.tools)


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")
