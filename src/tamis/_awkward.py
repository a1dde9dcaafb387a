"""Rows that steps must survive: empty, null, emoji, bidi, NUL, lone marks, 100,000 characters."""

from __future__ import annotations

from typing import Any

import polars as pl

from tamis.core.calls import ANSWERS
from tamis.core.row import LINEAGE, MESSAGE, MESSAGES

HOSTILE = (
    "",
    " \t\n",
    "a",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽",
    "\u202eright to left\u202c \u2066x",
    "nul \x00 inside",
    "\u0301\u0301 lone marks",
    "line\u2028sep\r\nend\r",
    "日本語のテキスト。",
    "שלום عليكم",
    '{"json": [1, "two"',
    "<p>Hi &amp; <b>bye",
    "ﷺ½ﬁ",
    "\U000e0041\ufffd\ufeff",
    "{curly} {{braces}} %s",
    "x" * 100_000,
    "é " * 50_000,
)


def hostile(like: pl.DataFrame) -> pl.DataFrame:
    """Awkward rows with the columns of `like`: in every message, in every text column, and nulls everywhere."""
    schema = dict(like.schema)
    chats = [name for name, kind in schema.items() if kind == MESSAGES]
    names = [field.name for field in MESSAGE.fields]
    nulls: dict[str, Any] = dict.fromkeys(schema)
    records = [nulls, nulls | {name: [] for name in chats}]
    odd = [dict.fromkeys(names) | {"role": role} for role in ("tool", "assistant", "system")]
    records.append(nulls | dict.fromkeys(chats, odd))
    for text in HOSTILE:
        turns = [dict.fromkeys(names) | {"role": role, "content": text} for role in ("user", "assistant")]
        told = [name for name in schema if name.startswith(ANSWERS)]  # rows nobody was asked about
        texts = nulls | {name: text for name, kind in schema.items() if kind == pl.String and name not in told}
        records += [
            texts | dict.fromkeys(chats, messages)
            for messages in ((turns, turns[:1], turns[1:]) if chats else (turns,))
        ]
    frame = pl.DataFrame(
        [pl.Series(name, [record[name] for record in records], dtype=kind) for name, kind in schema.items()]
    )
    for name, kind in LINEAGE.items():
        if name in frame.columns:
            frame = frame.with_columns(pl.Series(name, range(frame.height), dtype=kind))
    return frame
