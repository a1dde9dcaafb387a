"""Small things that the scoring steps share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tamis.core.calls import Answer, AskedRow, CallFailed, Models, Reply
from tamis.core.columns import Columns
from tamis.core.errors import UsageError
from tamis.core.row import RESERVED
from tamis.llm.judges import kinship


def refuse_own(models: Models, role: str, producer: Any) -> None:
    """CallFailed where the role's model is of the family of who wrote the row."""
    if kinship(models.family(role), producer) == "own":
        raise CallFailed(
            "own_family",
            f"{models.name(role)} would judge its own family (the row is by {producer}); let another family judge, or say "
            "why it may: same_family: …",
        )


def part(answers: Sequence[Answer], name: str, kind: pl.DataType) -> pl.Series:
    """One part of every answer; null where there is none."""
    values = [answer.value.get(name) if isinstance(answer.value, dict) else None for answer in answers]
    return pl.Series(name, values, dtype=kind)


def column(row: AskedRow, name: str) -> Any:
    """A column's value; None where there is no such column."""
    try:
        return row[name]
    except UsageError:
        return None


def people(rows: Columns, name: str | None) -> pl.Series:
    """(n,) what people gave, as written; null without a column."""
    if name is None:
        return pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
    return rows[rows.find(name) if name not in RESERVED else name].cast(pl.String, strict=False)


def unparsed(reply: Reply, wanted: str) -> CallFailed:
    """The reply was read, and holds no verdict."""
    return CallFailed(
        "unparsed", f"no verdict ({wanted}) in the reply: {reply.text[-120:]!r}", key=reply.key, lasting=True
    )
