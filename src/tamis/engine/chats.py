"""Flat chats, made and put together row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Chat
from tamis.core.row import MESSAGE


def nothing(n: int) -> Chat:
    """No messages in n rows."""
    return Chat(np.zeros(n + 1, np.int64), pl.DataFrame(schema={"role": pl.String, "content": pl.String}))


def one_message(role: str, series: pl.Series) -> Chat:
    """One message a row; none where the text is null."""
    return flat([(role, series)])


def flat(turns: Sequence[tuple[str, pl.Series]]) -> Chat:
    """The turns of each row, in order; a turn whose text is null is left out."""
    k, n = len(turns), len(turns[0][1])
    order = (np.arange(n, dtype=np.uint32)[:, None] + np.arange(k, dtype=np.uint32)[None, :] * n).ravel()
    stacked = pl.concat([series.alias("content") for _, series in turns])
    content = stacked if k == 1 else stacked.gather(pl.Series(order))
    role = pl.Series("role", [role for role, _ in turns], dtype=pl.String).gather(
        pl.Series(np.tile(np.arange(k, dtype=np.uint32), n))
    )
    messages = pl.DataFrame([role, content])
    if not content.null_count():
        return Chat(np.arange(n + 1, dtype=np.int64) * k, messages)
    present = content.is_not_null()
    counts = present.to_numpy().reshape(n, k).sum(axis=1)
    return Chat(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), messages.filter(present))


def only(chat: Chat, rows: NDArray[np.bool_]) -> Chat:
    """The messages of some rows; the others have none."""
    if rows.all():
        return chat
    counts = np.diff(chat.starts)
    messages = chat.messages.filter(pl.Series(np.repeat(rows, counts)))
    return Chat(np.concatenate([[0], np.cumsum(np.where(rows, counts, 0))]).astype(np.int64), messages)


def join_chats(chats: Sequence[Chat]) -> Chat:
    """Row by row, the messages of each chat after those of the one before."""
    chats = [chat for chat in chats if chat.messages.height] or list(chats[:1])
    if len(chats) == 1:
        return chats[0]
    counts = np.stack([np.diff(chat.starts) for chat in chats], axis=1)
    ends = np.cumsum(counts.ravel())
    places = np.concatenate([[0], ends]).astype(np.int64)
    starts = np.concatenate([[0], ends[len(chats) - 1 :: len(chats)]]).astype(np.int64)
    order = np.empty(int(ends[-1]), np.uint32)
    base = 0
    for c, chat in enumerate(chats):
        m = chat.messages.height
        row_of = np.repeat(np.arange(len(chat.starts) - 1), np.diff(chat.starts))
        place = places[:-1].reshape(-1, len(chats))[row_of, c] + np.arange(m) - chat.starts[row_of]
        order[place] = np.arange(base, base + m)
        base += m
    stacked = pl.concat([chat.messages for chat in chats], how="diagonal", rechunk=True)
    places_of = pl.Series(order)
    return Chat(starts, pl.DataFrame([column.gather(places_of) for column in stacked]))


def with_answers(messages: pl.Series, texts: pl.Series) -> pl.Series:
    """Conversations that end on an assistant who says `texts`, in place of the answer there was.

    Conversations stay as they are where the text is null, and where there are none.
    """
    frame = pl.DataFrame([messages.alias("messages"), texts.alias("content")])
    old = pl.col("messages")
    answered = old.list.last().struct.field("role") == "assistant"
    before = pl.when(answered).then(old.list.head(old.list.len() - 1)).otherwise(old)
    fields = [
        pl.lit("assistant").alias("role") if field.name == "role"
        else pl.col("content") if field.name == "content"
        else pl.lit(None, dtype=field.dtype).alias(field.name)
        for field in MESSAGE.fields
    ]  # fmt: skip
    said = pl.concat_list(before, pl.struct(fields))
    whole = pl.col("content").is_not_null() & (old.list.len() > 0)
    return frame.select(pl.when(whole).then(said).otherwise(old).alias("messages")).to_series()
