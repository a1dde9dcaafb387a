"""Rows for the tests of sinks that deliver answers."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import strategies as st

from tamis.core.row import MESSAGES

FIELDS = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]
CALLS = '[{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]'
TOOLS = '[{"type": "function", "function": {"name": "f"}}]'

Turns = list[dict[str, Any]] | None


def user(content: str | None = "Why?", **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(FIELDS), "role": "user", "content": content, **more}


def bot(content: str | None = "Because.", **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(FIELDS), "role": "assistant", "content": content, **more}


def turn(role: str, content: str | None = "x", **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(FIELDS), "role": role, "content": content, **more}


def table(*rows: tuple[Turns, Turns], **columns: list[Any]) -> pl.DataFrame:
    """Rows of (messages, rejected); further columns under their full names, `.` written as `__`."""
    frame = pl.DataFrame(
        [pl.Series(name, [row[k] for row in rows], dtype=MESSAGES) for k, name in enumerate(("messages", "rejected"))]
    )
    return frame.with_columns(
        pl.Series(name.replace("__", "."), values, dtype=pl.String if name == "tools" else None)
        for name, values in columns.items()
    )


SYSTEM = turn("system", "Be brief.")
TOOL_TURNS = [bot(None, tool_calls=CALLS), turn("tool", "3", tool_call_id="c1"), bot("Three.")]

#: pairs that every target takes
GOOD: list[tuple[Turns, Turns]] = [
    ([user(), bot("A")], [bot("B")]),
    ([SYSTEM, user(), bot("a", weight=0), user("And?"), bot("b", weight=1)], [bot("c")]),
    ([user("a", name="Jo"), bot('A\u2028"\\')], [bot("👍")]),
    # the other conversation as a whole
    ([user(), bot("A")], [user(), bot("B")]),
    ([user(), bot("a", weight=0), user("And?"), bot("b")], [user(), bot("a"), user("And?"), bot("c")]),
]

#: (a pair that no target takes, what must be in the reason)
BAD: list[tuple[tuple[Turns, Turns], str]] = [
    (([user(), bot("A")], None), "no_rejected"),
    (([user(), bot("A")], []), "no_rejected"),
    (([user()], [bot("B")]), "no_chosen"),
    ((None, [bot("B")]), "no_"),
    (([], [bot("B")]), "no_"),
    (([user(), bot("A b")], [bot(" A\n b ")]), "same_answers"),
    (([user(), bot("A")], [user(), bot("A")]), "same_answers"),
    (([user(), bot("")], [bot("B")]), "empty_content"),
    (([user(), bot("A")], [bot(" \u3000")]), "empty_content"),
    (([user(), bot("A")], [bot(None)]), ""),
    (([user(), bot("A", weight=0)], [bot("B")]), "weight"),
    (([user(), bot("A"), turn("tool", "3", tool_call_id="c1")], [bot("B")]), ""),
    # they part on the user's words
    (([user(), bot("a"), user("And?"), bot("b")], [user(), bot("a"), user("So?"), bot("c")]), ""),
    (([user("x"), bot("a")], [user("y"), bot("b")]), ""),
    (([user(), bot(tool_calls="{")], [bot("B")]), "no JSON"),
]

some_turns = st.lists(
    st.builds(
        turn,
        st.sampled_from(["user", "user", "assistant", "assistant", "system", "tool", "nobody"]),
        st.sampled_from(["x", "y", " x", "", "\x1c", None, "é"]),
        weight=st.sampled_from([None, None, 1]),
        tool_calls=st.sampled_from([None, None, None, CALLS]),
    ),
    max_size=4,
)
some_pairs = st.tuples(some_turns | st.none(), some_turns | st.none())
