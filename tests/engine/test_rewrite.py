"""Rewriting texts in rows: only what changed is new, all else stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tamis.core.errors import UsageError
from tamis.core.row import MESSAGES
from tamis.engine import rewrite as module
from tamis.engine.frame import Frame
from tamis.engine.rewrite import (
    Mask,
    Rewritten,
    fenced,
    nothing,
    outside_code,
    patched,
    rewrite,
    rewritten_one_by_one,
    some_strings,
)
from tamis.engine.text import to_chat
from tamis.testing import rows_frame


def shout(strings: pl.Series, selected: Mask) -> Rewritten:
    """`a` becomes `A`; the figure counts them; `z` is only counted."""
    at = np.flatnonzero(selected & strings.is_not_null().to_numpy())
    return rewritten_one_by_one(strings, at, lambda s: (s.replace("a", "A"), (s.count("a"), s.count("z"))), 2)


def call(role: str, content: str | None, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


ROWS: list[dict[str, Any]] = [
    {
        "messages": [
            call("system", "a", name="s"),
            call("user", "xa"),
            call("assistant", None, tool_calls='[{"a": 1}]', weight=0),
            call("tool", "za", tool_call_id="a1"),
            call("assistant", "aa", weight=1),
        ],
        "rejected": [call("user", "xa"), call("assistant", "b")],
        "text": None,
        "source.note": "na",
    },
    {"messages": None, "rejected": None, "text": "ta", "source.note": None},
    {"messages": [], "rejected": None, "text": "", "source.note": "n"},
    {"messages": [call("user", "plain"), call("assistant", "no")], "rejected": None, "text": None, "source.note": "z"},
]
ROWS[3]["messages"][0]["content"] = "plin"


def frame() -> Frame:
    return Frame.of(rows_frame(ROWS))


def contents(column: pl.Series) -> list[Any]:
    return [row if row is None else [message["content"] for message in row] for row in column.to_list()]


def test_the_default_texts_are_all_messages_the_rejected_conversation_and_text() -> None:
    rows = frame()
    done = rewrite(rows, ("all", "rejected", "text"), shout, 2)
    assert contents(done.changes["messages"]) == [["A", "xA", None, "zA", "AA"], None, [], ["plin", "no"]]
    assert contents(done.changes["rejected"]) == [["xA", "b"], None, None, None]
    assert done.changes["text"].to_list() == [None, "tA", "", None]
    assert "source.note" not in done.changes
    assert done.figures.tolist() == [[6, 1], [1, 0], [0, 0], [0, 0]]
    assert done.changed.tolist() == [True, True, False, False]


def test_all_but_the_contents_of_messages_stays() -> None:
    rows = frame()
    new = rewrite(rows, ("all",), shout, 2).changes["messages"]
    assert new.dtype == MESSAGES
    for before, after in zip(rows["messages"].to_list(), new.to_list(), strict=True):
        for old, message in zip(before or [], after or [], strict=True):
            assert {**message, "content": None} == {**old, "content": None}
    assert rows["messages"].to_list() == rows_frame(ROWS)["messages"].to_list(), "the old column was changed in place"


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        (("system",), ["A", "xa", None, "za", "aa"]),
        (("prompt",), ["a", "xA", None, "zA", "aa"]),
        (("response",), ["a", "xa", None, "za", "AA"]),
        (("response", "system"), ["A", "xa", None, "za", "AA"]),
        (("response", "all"), ["A", "xA", None, "zA", "AA"]),
    ],
)
def test_views_choose_messages(views: tuple[str, ...], expected: list[str]) -> None:
    done = rewrite(frame(), views, shout, 2)
    assert contents(done.changes["messages"])[0] == expected
    assert list(done.changes) == ["messages"]


def test_a_column_of_the_source_keeps_its_name() -> None:
    done = rewrite(frame(), ("column:note",), shout, 2)
    assert done.changes["source.note"].to_list() == ["nA", None, "n", "z"]
    assert done.figures[:, 1].tolist() == [0, 0, 0, 1]
    assert done.changed.tolist() == [True, False, False, False]


def test_a_column_that_is_not_the_sources_is_refused() -> None:
    rows = Frame.of(rows_frame([{"messages": None, "map.x.note": "a"}]))
    with pytest.raises(UsageError, match=r"cannot rewrite column 'map\.x\.note'"):
        rewrite(rows, ("column:map.x.note",), shout, 2)
    with pytest.raises(UsageError, match="no column 'nope'"):
        rewrite(rows, ("column:nope",), shout, 2)


def test_a_column_of_numbers_is_passed_over() -> None:
    rows = Frame.of(pl.DataFrame({"source.price": [1, 2]}))
    assert rewrite(rows, ("column:price", "all", "text"), shout, 2).changes == {}


def test_where_nothing_changed_the_column_is_the_same_object() -> None:
    rows = frame()
    done = rewrite(rows, ("all", "text"), lambda strings, selected: nothing(2), 2)
    assert done.changes["messages"] is rows["messages"]
    assert done.changes["text"] is rows["text"]
    assert not done.changed.any()
    counted = rewrite(
        rows, ("column:note",), lambda s, m: Rewritten(np.array([3]), s.gather([3]), np.array([[0, 5]])), 2
    )
    assert counted.changes["source.note"] is rows["source.note"]
    assert counted.figures.tolist() == [[0, 0], [0, 0], [0, 0], [0, 5]]


@pytest.mark.parametrize("cut", [slice(0, 0), slice(1, 3), slice(2, 4)])
def test_slices_and_frames_without_messages(cut: slice) -> None:
    table = rows_frame(ROWS * 3)[cut.start + 4 : cut.stop + 4]
    whole = rewrite(frame(), ("all", "text"), shout, 2)
    done = rewrite(Frame.of(table), ("all", "text"), shout, 2)
    for name in ("messages", "text"):
        assert done.changes[name].to_list() == whole.changes[name].to_list()[cut]
    assert done.figures.tolist() == whole.figures.tolist()[cut]


def test_many_chunks_give_the_same_rows() -> None:
    table = rows_frame(ROWS)
    chunked = pl.concat([table, table, table], rechunk=False)
    done = rewrite(Frame.of(chunked), ("all",), shout, 2)
    assert done.changes["messages"].to_list() == rewrite(frame(), ("all",), shout, 2).changes["messages"].to_list() * 3


def test_a_null_that_hides_messages_stays_null(monkeypatch: pytest.MonkeyPatch) -> None:
    long_way: list[int] = []
    original = module.to_messages
    monkeypatch.setattr(module, "to_messages", lambda *given: long_way.append(1) or original(*given))
    whole = frame()["messages"]
    masked = original("messages", to_chat(whole), np.array([False, True, True, True])).alias("messages")
    done = rewrite(Frame.of(pl.DataFrame([masked])), ("all",), lambda s, m: shout(s.str.replace("o", "a"), m), 2)
    assert contents(done.changes["messages"]) == [None, [], [], ["plin", "nA"]]
    assert long_way == [1]


def test_patched_replaces_a_few_strings() -> None:
    column = pl.Series("c", ["a", None, "long enough to stand outside", ""])
    done = patched(column, np.array([1, 3]), pl.Series(["é" * 20, "x"]))
    assert done.to_list() == ["a", "é" * 20, "long enough to stand outside", "x"]
    assert column.to_list()[1] is None


def test_some_strings_come_in_the_order_asked() -> None:
    column = pl.Series([str(k) for k in range(2500)])
    at = np.arange(2499, -1, -1)
    assert list(some_strings(column, at)) == [str(k) for k in at]


def test_fenced_lines() -> None:
    lines = [
        "a",
        "```py",
        "b",
        "~~~",
        "``",
        "````",
        "c",
        "   ~~~",
        "`",
        "~~~~ x",
        "    ~~~",
        "~~~  ",
        "d",
        "``` `",
        "e",
        "```",
        "f",
    ]
    assert [line for line, code in zip(lines, fenced(lines), strict=True) if not code] == ["a", "c", "d", "``` `", "e"]


def test_outside_code() -> None:
    assert outside_code("a\n```\na\n```\na\n\na", str.upper) == "A\n```\na\n```\nA\n\nA"
    assert outside_code("```\na", str.upper) == "```\na"
    assert outside_code("", str.upper) == ""
    assert outside_code("a\n", str.upper) == "A\n"
