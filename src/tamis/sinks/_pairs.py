"""Conversations cut into what was asked and what was answered, and which rows a target of such parts would refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import UsageError
from tamis.core.row import MESSAGES
from tamis.engine.frame import find_column
from tamis.engine.text import to_chat

from ._chat_rows import as_sent, told
from ._columns import Choice, delivered_names

Parts = Mapping[str, pl.Series]

_FIELDS = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]


def asked_and_answered(messages: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The messages up to the last one of the user, and those after it; null messages give empty lists.

    Without a user message, the last message is the answer.
    """
    chat = to_chat(messages)
    lengths = np.diff(chat.starts)
    cut = np.maximum(lengths - 1, 0)
    users = np.flatnonzero((chat.messages["role"] == "user").fill_null(False).to_numpy())
    row = np.searchsorted(chat.starts, users, side="right") - 1
    rows, last = np.unique(row[::-1], return_index=True)
    cut[rows] = users[::-1][last] - chat.starts[rows] + 1
    return _cut(messages, cut)


def pairs(messages: pl.Series, rejected: pl.Series) -> dict[str, pl.Series]:
    """`prompt`, `chosen` and `rejected` of each row.

    A `rejected` that is a whole conversation of its own (it begins with a system or user message) is compared with
    the chosen one: the prompt is what both begin with.
    """
    prompt, chosen = asked_and_answered(messages)
    worse = rejected.fill_null([])
    first = worse.list.first().struct.field("role")
    whole = first.is_in(["system", "user"]).fill_null(False)
    if not whole.any():
        return {"prompt": prompt, "chosen": chosen, "rejected": worse}
    cut = prompt.list.len().to_numpy().astype(np.int64)
    skip = np.zeros(len(worse), np.int64)
    for k in whole.arg_true().to_list():
        cut[k] = skip[k] = _shared(messages[k], worse[k])
    prompt, chosen = _cut(messages, cut)
    return {"prompt": prompt, "chosen": chosen, "rejected": _cut(worse, skip)[1]}


def _shared(one: pl.Series | None, other: pl.Series) -> int:
    """How many messages both begin with, leaving each at least one."""
    mine, theirs = [] if one is None else one.to_list(), other.to_list()
    count = 0
    while count < min(len(mine), len(theirs)) - 1 and _bare(mine[count]) == _bare(theirs[count]):
        count += 1
    return count


def _bare(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "weight"}


def _cut(messages: pl.Series, cut: NDArray[np.int64]) -> tuple[pl.Series, pl.Series]:
    """The first `cut` messages of each row, and the rest."""
    frame = pl.DataFrame([messages.cast(MESSAGES).fill_null([]).alias("m"), pl.Series("cut", cut)])
    some = frame.select(
        pl.col("m").list.head(pl.col("cut")).alias("head"), pl.col("m").list.slice(pl.col("cut")).alias("rest")
    )
    return some["head"], some["rest"]


def unweighted(messages: pl.Series) -> pl.Series:
    """The same without weights: they say what of a conversation is trained on, which pairs do not leave open."""
    chat = to_chat(messages)
    if chat.messages["weight"].null_count() == chat.messages.height:
        return messages
    bare = pl.element().struct.with_fields(pl.lit(None, pl.Int8).alias("weight"))
    return messages.list.eval(bare).cast(MESSAGES)


def plain(messages: pl.Series, last: str) -> NDArray[np.bool_]:
    """(n,) bool: True only for lists of plain text turns of known roles that end on the role `last`."""
    chat = to_chat(messages)
    found: NDArray[np.bool_] = np.diff(chat.starts) > 0
    if not chat.messages.height:
        return found
    flags = chat.messages.select(
        odd=~pl.col("role").is_in(["system", "user", "assistant"]).fill_null(False)
        | ~pl.col("content").str.contains(r"[^\s\x1c-\x1f]").fill_null(False)
        | pl.any_horizontal(pl.col(name).is_not_null() for name in _FIELDS if name not in ("role", "content", "name")),
        last=(pl.col("role") == last).fill_null(False),
    )
    odd, ends = flags["odd"].to_numpy(), flags["last"].to_numpy()
    filled = np.flatnonzero(found)
    found[filled] = ~np.logical_or.reduceat(odd, chat.starts[:-1][filled])
    found[filled] &= ends[chat.starts[1:][filled] - 1]
    return found


def same_words(one: pl.Series, other: pl.Series) -> NDArray[np.bool_]:
    """(n,) bool: whether two answers may say the same; True for answers of several messages, too."""
    texts = [
        series.list.first().struct.field("content").str.replace_all(r"[\s\x1c-\x1f]+", " ").str.strip_chars(" ")
        for series in (one, other)
    ]
    several = (one.list.len() != 1) | (other.list.len() != 1)
    return (several | texts[0].eq_missing(texts[1])).to_numpy()


def pairs_to_look_at(parts: Parts, tools: pl.Series | None) -> NDArray[np.bool_]:
    """(n,) bool: False only for pairs that no target has anything to say about."""
    fine = plain(parts["prompt"], "user") & ~same_words(parts["chosen"], parts["rejected"])
    for name in ("chosen", "rejected"):
        fine &= plain(parts[name], "assistant")
    return ~fine if tools is None else ~fine | tools.is_not_null().to_numpy()


def refused(
    suspect: NDArray[np.bool_],
    parts: Parts,
    tools: pl.Series | None,
    record: Callable[[dict[str, Any]], dict[str, Any]],
    target: str,
    *,
    learnt: str = "chosen",
    unlearnt: NDArray[np.bool_] | None = None,
) -> list[tuple[int, str]]:
    """(position, what is wrong) of the suspect rows that `target` refuses or ignores.

    record: from a row's parts, messages without weights and what is null, to what will stand in the file;
    learnt: the part that must not have the weight 0, but in rows that are `unlearnt`.
    """
    found = []
    for k in np.flatnonzero(suspect).tolist():
        row: dict[str, Any] = {name: series[k].to_list() for name, series in parts.items()}
        if not (unlearnt is not None and unlearnt[k]) and any(message["weight"] == 0 for message in row[learnt]):
            found.append((k, f"weight: the {learnt} answer has weight 0, which says not to learn it"))
            continue
        try:
            sent = {name: as_sent({"messages": [_bare(m) for m in value]})["messages"] for name, value in row.items()}
            if tools is not None and tools[k] is not None:
                sent["tools"] = json.loads(tools[k])
        except (ValueError, RecursionError) as error:
            found.append((k, f"tools or tool_calls are no JSON: {error}"))
            continue
        wrong = told(record(sent), target, strict=target.startswith("trl_"))
        if wrong is not None:
            found.append((k, wrong))
    return found


KEPT_TEXT = "Further columns to deliver, or delivered name: column. Default: none."


def pair_columns(sink: str, names: Sequence[str], *, rejected: bool = True) -> list[str]:
    """The row's own columns that a target of pairs needs; UsageError where rows cannot have any."""
    for name, hint in (
        ("messages", "make them with `use: map.preference`, `use: map.template` or `use: map.auto`"),
        ("rejected", "make pairs with `use: map.preference`, `use: map.threads` or `use: generate.preferences`"),
    ):
        if name not in names and (rejected or name == "messages"):
            raise UsageError(f"{sink}: rows have no `{name}`", hint=hint)
    return [name for name in ("messages", "rejected", "tools") if name in names]


def further_names(
    sink: str, names: Sequence[str], choice: Choice, margin: str | None, own: Sequence[str]
) -> dict[str, str]:
    """Delivered name → column of what is delivered beside the pair. UsageError where a name is taken."""
    found = {} if margin is None else {"margin": find_column(margin, names)}
    if choice:
        for shown, full in delivered_names(sink, names, choice).items():
            if shown in own:
                raise UsageError(
                    f"{sink}: the column {full!r} cannot be delivered as {shown!r}, which is the target's own"
                )
            found[shown] = full
    return found
