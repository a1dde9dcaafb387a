"""openai_chat: bytes as `json.dumps` makes them, and nothing that the target would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import DataError, UsageError
from tamis.core.row import MESSAGES
from tamis.sinks.checks import check_file
from tamis.sinks.openai_chat import OpenaiChat

FIELDS = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]
SINK = OpenaiChat(path="out")
TOOLS = '[{"type": "function", "function": {"name": "f"}}]'
CALLS = '[{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]'


def turn(role: str | None, content: str | None = "x", **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(FIELDS), "role": role, "content": content, **more}


def table(*rows: list[dict[str, Any]] | None, tools: list[str | None] | None = None) -> pl.DataFrame:
    frame = pl.DataFrame([pl.Series("messages", list(rows), dtype=MESSAGES)])
    return frame if tools is None else frame.with_columns(pl.Series("tools", tools, dtype=pl.String))


GOOD: list[list[dict[str, Any]]] = [
    [turn("user"), turn("assistant")],
    [turn("system"), turn("user"), turn("assistant", weight=0), turn("user"), turn("assistant", weight=1)],
    [turn("user"), turn("assistant", None, tool_calls=CALLS), turn("tool", "3", tool_call_id="c1"), turn("assistant")],
    [turn("user", "\u200b"), turn("assistant", "👍")],
]

#: (a row that is refused, the rule that says so)
BAD: list[tuple[list[dict[str, Any]] | None, str]] = [
    (None, "no_messages"),
    ([], "no_messages"),
    ([turn("user")], "no_assistant"),
    ([turn("user"), turn("assistant"), turn("user")], "last_not_assistant"),
    ([turn("human"), turn("assistant")], "unknown_role"),
    ([turn(None), turn("assistant")], "unknown_role"),
    ([turn("user"), turn("assistant", "")], "empty_content"),
    ([turn("user", " \n\u3000"), turn("assistant")], "empty_content"),
    ([turn("user", "\x1c"), turn("assistant")], "empty_content"),
    ([turn("user"), turn("assistant", None)], "no_content"),
    ([turn("user"), turn("assistant", weight=2)], "bad_weight"),
    ([turn("user", weight=1), turn("assistant")], "weight_elsewhere"),
    ([turn("user"), turn("assistant", weight=0)], "nothing_trained"),
    ([turn("user"), turn("assistant", None, tool_calls=CALLS), turn("assistant")], "call_unanswered"),
    ([turn("user"), turn("tool", tool_call_id="c1"), turn("assistant")], "reply_unmatched"),
    ([turn("user"), turn("assistant", tool_calls="{")], "no JSON"),
    ([turn("user"), turn("assistant", tool_calls="{}")], "bad_tool_calls"),
]


def test_the_bytes_are_the_ones_python_makes() -> None:
    rows = table(
        [turn("system", 'Sei\n"nett"'), turn("user", "Größe? \u2028 👍"), turn("assistant", '{"category": "A\\B"}')]
    )
    sent = [{"role": m["role"], "content": m["content"]} for m in rows["messages"][0].to_list()]
    assert bytes(SINK.encode(rows)).decode() == json.dumps({"messages": sent}, ensure_ascii=False) + "\n"
    assert bytes(OpenaiChat(path="o", ascii=True).encode(rows)).decode() == json.dumps({"messages": sent}) + "\n"


def test_every_kind_of_bad_row_is_found_and_no_good_one() -> None:
    rows = [good for bad in BAD for good in (bad[0], GOOD[0])] + list(GOOD)
    found = SINK.check(table(*rows))
    assert [position for position, _ in found] == list(range(0, 2 * len(BAD), 2))
    for (_, message), (_, rule) in zip(found, BAD, strict=True):
        assert rule in message


def test_a_finding_says_where_and_what() -> None:
    assert SINK.check(table(GOOD[0], [turn("user"), turn("Assistant", "I")])) == [
        (1, "unknown_role: messages[1].role: no role of this target (Assistant)")
    ]


def test_tools_are_checked_too() -> None:
    frame = table(*GOOD[:3], tools=[TOOLS, "nonsense", TOOLS])
    assert [position for position, _ in SINK.check(frame)] == [1]
    frame = table(GOOD[0], GOOD[0], tools=['[{"name": "f"}]', None])
    assert SINK.check(frame)[0][0] == 0
    assert "bad_tools" in SINK.check(frame)[0][1]


roles = st.sampled_from(["system", "user", "assistant", "tool", "nobody"])
some_messages = st.lists(
    st.builds(
        turn,
        roles,
        st.sampled_from(["x", "", " ", "\x1c", "\u2003", None, "é"]),
        weight=st.sampled_from([None, None, None, 0, 1, 2]),
        tool_calls=st.sampled_from([None, None, None, CALLS, "[]"]),
        tool_call_id=st.sampled_from([None, None, "c1"]),
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(some_messages, min_size=1, max_size=4))
def test_what_is_let_through_is_what_the_file_checker_accepts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    frame = table(*rows)
    refused = {position for position, _ in SINK.check(frame)}
    path = tmp_path_factory.getbasetemp() / "checked.jsonl"
    path.write_bytes(SINK.encode(frame))
    wrong = {p.line - 1 for p in check_file(path, "openai_chat") if p.severity != "warning"}
    assert refused == wrong


def test_only_messages_and_tools_are_asked_for() -> None:
    names = ["source.a", "tools", "messages", "rejected", "split", "id"]
    assert SINK.columns(names) == ["messages", "tools"]
    assert SINK.columns(["messages"]) == ["messages"]
    with pytest.raises(UsageError, match="rows have no `messages`"):
        SINK.columns(["text"])


def test_an_empty_chunk() -> None:
    assert SINK.check(table()) == []
    assert bytes(SINK.encode(table())) == b""


def test_a_row_that_cannot_be_written_is_named() -> None:
    with pytest.raises(DataError, match="row 1: tool_calls"):
        SINK.encode(table(GOOD[0], [turn("assistant", tool_calls="[")]))


def test_rows_are_counted_by_line_ends_only(tmp_path: Path) -> None:
    rows = table(*[[turn("user", "a\u2028b\u0085c\r\nd"), turn("assistant")]] * 3)
    (tmp_path / "x.jsonl").write_bytes(SINK.encode(rows))
    assert SINK.count(tmp_path / "x.jsonl") == 3


def test_file_names() -> None:
    assert [SINK.file_name(split, 0, 1) for split in ("train", None)] == ["train.jsonl", "data.jsonl"]
