"""openai_dpo: pairs in OpenAI's keys, and nothing that the services would refuse."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import UsageError
from tamis.engine.frame import Frame
from tamis.sinks.checks import check_file, check_row
from tamis.sinks.openai_dpo import OpenaiDpo
from tamis.steps.map.auto import Auto
from tamis.testing import run_step

from .turns import BAD, CALLS, GOOD, TOOL_TURNS, TOOLS, bot, some_pairs, table, turn, user

SINK = OpenaiDpo(path="out")


def lines(sink: OpenaiDpo, frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bytes(sink.encode(frame)).decode().split("\n")[:-1]]


def test_the_bytes_are_the_ones_python_makes() -> None:
    frame = table(GOOD[2], ([user(), bot("é")], [bot("è")]), tools=[None, TOOLS])
    sent = [
        {
            "input": {"messages": [{"role": "user", "content": "a", "name": "Jo"}]},
            "preferred_output": [{"role": "assistant", "content": 'A\u2028"\\'}],
            "non_preferred_output": [{"role": "assistant", "content": "👍"}],
        },
        {
            "input": {
                "messages": [{"role": "user", "content": "Why?"}],
                "tools": json.loads(TOOLS),
                "parallel_tool_calls": False,
            },
            "preferred_output": [{"role": "assistant", "content": "é"}],
            "non_preferred_output": [{"role": "assistant", "content": "è"}],
        },
    ]
    for ascii in (False, True):
        sink = OpenaiDpo(path="out", parallel_tool_calls=False, ascii=ascii)
        expected = "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in sent)
        assert bytes(sink.encode(frame)).decode() == expected


def test_the_prompt_is_everything_up_to_the_last_user_message() -> None:
    first, second, _, fourth, fifth = lines(SINK, table(*GOOD))
    assert first["input"]["messages"] == [{"role": "user", "content": "Why?"}]
    assert [m["role"] for m in second["input"]["messages"]] == ["system", "user", "assistant", "user"]
    assert second["preferred_output"] == [{"role": "assistant", "content": "b"}]  # without its weight
    assert fourth["non_preferred_output"] == [{"role": "assistant", "content": "B"}]
    assert [m["content"] for m in fifth["input"]["messages"]] == ["Why?", "a", "And?"]
    assert fifth["non_preferred_output"] == [{"role": "assistant", "content": "c"}]


def test_every_kind_of_bad_pair_is_found_and_no_good_one() -> None:
    found = SINK.check(table(*[row for bad, _ in BAD for row in (bad, GOOD[0])], *GOOD))
    assert [position for position, _ in found] == list(range(0, 2 * len(BAD), 2))
    for (_, message), (_, slug) in zip(found, BAD, strict=True):
        assert slug in message.replace("no_messages", "no_")


@pytest.mark.parametrize(
    ("pair", "rule"),
    [
        (([user(), *TOOL_TURNS], [bot("B")]), "one_answer"),
        (([user(), bot("A")], TOOL_TURNS), "one_answer"),
        (([user(), bot("A"), bot("C")], [bot("B")]), "one_answer"),
        (([user(), bot(None, tool_calls=CALLS)], [bot("B")]), "text_only"),
        (([turn("system"), bot("A")], [bot("B")]), "last_not_user"),
    ],
)
def test_pairs_that_only_other_targets_take(pair: Any, rule: str) -> None:
    [(position, why)] = SINK.check(table(GOOD[0], pair))
    assert position == 1
    assert rule in why


def test_tools_are_checked_too() -> None:
    frame = table(GOOD[0], GOOD[0], GOOD[0], tools=[TOOLS, "nonsense", '[{"name": "f"}]'])
    assert [(k, why.split(":")[0]) for k, why in SINK.check(frame)] == [
        (1, "tools or tool_calls are no JSON"),
        (2, "bad_tools"),
    ]


def test_what_is_delivered_is_read_back_as_the_same_pairs() -> None:
    frame = table(*GOOD[:3])
    back = run_step(Auto(), [{f"source.{k}": json.dumps(v) for k, v in row.items()} for row in lines(SINK, frame)])
    assert back.outcomes == ["kept"] * 3
    for row, (messages, rejected) in zip(back.rows, GOOD[:3], strict=True):
        assert row["messages"] == [{**m, "weight": None} for m in messages or []]
        assert row["rejected"] == rejected


def test_rows_without_pairs_are_refused_at_once() -> None:
    assert SINK.columns(["source.a", "tools", "messages", "rejected"]) == ["messages", "rejected", "tools"]
    with pytest.raises(UsageError, match="rows have no `rejected`"):
        SINK.columns(["messages"])
    with pytest.raises(UsageError, match="rows have no `messages`"):
        SINK.columns(["text"])


def test_an_empty_chunk() -> None:
    assert SINK.check(table()) == []
    assert bytes(SINK.encode(table())) == b""
    assert Frame.of(table()).height == 0


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(some_pairs, min_size=1, max_size=5))
def test_what_is_let_through_is_what_the_file_checker_accepts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    frame = table(*rows, tools=[TOOLS if k % 3 == 0 else None for k in range(len(rows))])
    refused = {position for position, _ in SINK.check(frame)}
    path = tmp_path_factory.getbasetemp() / "pairs.jsonl"
    path.write_bytes(SINK.encode(frame))
    assert SINK.count(path) == len(rows)
    assert refused == {p.line - 1 for p in check_file(path, "openai_dpo") if p.severity != "warning" and p.line}


def test_no_cheap_mark_hides_a_bad_row() -> None:
    frame = table(*GOOD, *[bad for bad, _ in BAD[:9]])
    for k, row in enumerate(lines(SINK, frame)):
        assert bool(check_row(row, "openai_dpo")) == (k >= len(GOOD))
