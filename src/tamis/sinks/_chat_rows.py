"""Which rows of a chunk a chat target would refuse: cheap marks over all rows, the rules only for the marked ones."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.row import MESSAGES
from tamis.engine.text import to_chat

from .checks import check_row
from .checks._rules import Problem


def refused_rows(rows: pl.DataFrame, target: str) -> list[tuple[int, str]]:
    """(position, what is wrong) of each row that `target` refuses or ignores; the first thing wrong with it."""
    marked = np.flatnonzero(_suspect(rows))
    if not len(marked):
        return []
    found = []
    some = rows.select("messages", *(["tools"] if "tools" in rows.columns else []))[marked]
    for position, row in zip(marked.tolist(), some.iter_rows(named=True), strict=True):
        wrong = _first_error(row, target)
        if wrong is not None:
            found.append((position, wrong))
    return found


def _suspect(rows: pl.DataFrame) -> NDArray[np.bool_]:
    """(n,) bool: False only for rows of plain text turns between known roles that end on a trained answer."""
    series = rows["messages"]
    if series.dtype != MESSAGES:
        return np.ones(rows.height, np.bool_)
    chat = to_chat(series)
    messages = chat.messages
    length = np.diff(chat.starts)
    odd = messages.select(
        (
            ~pl.col("role").is_in(["system", "user", "assistant"]).fill_null(False)
            | pl.col("content").is_null()
            | ~pl.col("content").str.contains(r"[^\s\x1c-\x1f]").fill_null(False)
            | pl.col("tool_calls").is_not_null()
            | pl.col("tool_call_id").is_not_null()
            | pl.col("weight").is_not_null()
        ).alias("odd"),
        (pl.col("role") == "assistant").fill_null(False).alias("answer"),
    )
    suspect: NDArray[np.bool_] = length == 0
    filled = np.flatnonzero(~suspect)
    if messages.height:
        flags, answers = odd["odd"].to_numpy(), odd["answer"].to_numpy()
        suspect[filled] = np.logical_or.reduceat(flags, chat.starts[:-1][filled])
        suspect[filled] |= ~answers[chat.starts[1:][filled] - 1]
    if "tools" in rows.columns:
        suspect |= rows["tools"].is_not_null().to_numpy()
    return suspect


def as_sent(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it will stand in the file. ValueError where its JSON text is no JSON."""
    messages = []
    for message in row["messages"] or []:
        kept = {k: v for k, v in message.items() if v is not None or k in ("role", "content")}
        if "tool_calls" in kept:
            kept["tool_calls"] = json.loads(kept["tool_calls"])
        messages.append(kept)
    sent: dict[str, Any] = {"messages": messages}
    if row.get("tools") is not None:
        sent["tools"] = json.loads(row["tools"])
    return sent


def _first_error(row: dict[str, Any], target: str) -> str | None:
    try:
        sent = as_sent(row)
    except (ValueError, RecursionError) as error:
        return f"tools or tool_calls are no JSON: {error}"
    return told(sent, target)


def told(sent: dict[str, Any], target: str, *, strict: bool = False) -> str | None:
    """The first thing for which `target` would refuse or ignore a row; `strict`: or that is rarely meant."""
    for problem in check_row(sent, target):
        if strict or problem.severity != "warning":
            return _sentence(problem)
    return None


def _sentence(problem: Problem) -> str:
    return (
        f"{problem.rule}: {problem.message} ({problem.value})"
        if problem.value
        else f"{problem.rule}: {problem.message}"
    )
