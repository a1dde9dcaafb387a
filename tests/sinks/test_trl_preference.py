"""trl_preference: pairs for TRL, and none that it would silently learn the wrong thing from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import UsageError
from tamis.runner.convert import convert
from tamis.sinks.checks import check_file
from tamis.sinks.trl_preference import TrlPreference
from tamis.steps.map.preference import Preference
from tamis.testing import run_step

from .turns import BAD, GOOD, TOOL_TURNS, TOOLS, bot, some_pairs, table, user

SINK = TrlPreference(path="out")


def lines(sink: TrlPreference, frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bytes(sink.encode(frame)).decode().split("\n")[:-1]]


def test_a_line_is_what_the_trainer_reads() -> None:
    assert lines(SINK, table(GOOD[1]))[0] == {
        "prompt": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "And?"},
        ],
        "chosen": [{"role": "assistant", "content": "b"}],
        "rejected": [{"role": "assistant", "content": "c"}],
    }


def test_every_kind_of_bad_pair_is_found_and_no_good_one() -> None:
    found = SINK.check(table(*[row for bad, _ in BAD for row in (bad, GOOD[0])], *GOOD))
    assert [position for position, _ in found] == list(range(0, 2 * len(BAD), 2))
    for (_, message), (_, slug) in zip(found, BAD, strict=True):
        assert slug in message


def test_answers_may_use_tools_and_the_tools_are_text() -> None:
    frame = table(([user(), *TOOL_TURNS], [bot("No idea.")]), GOOD[0], tools=[TOOLS, None])
    assert SINK.check(frame) == []
    first, second = lines(SINK, frame)
    assert [m["role"] for m in first["chosen"]] == ["assistant", "tool", "assistant"]
    assert first["tools"] == TOOLS
    assert "tools" not in second


def test_the_margin_is_kept_and_must_be_a_number() -> None:
    sink = TrlPreference(path="out", margin="margin")
    frame = table(GOOD[0], GOOD[0], GOOD[0], GOOD[0], judge__margin=[0.5, None, float("nan"), 2.0])
    assert [(k, why.split(":")[0]) for k, why in sink.check(frame)] == [
        (1, "margin_not_number"),
        (2, "margin_not_number"),
    ]
    assert [row["margin"] for row in lines(sink, frame[[0, 3]])] == [0.5, 2.0]
    texts = table(GOOD[0], source__margin=["wide"])
    assert "margin_not_number" in sink.check(texts)[0][1]
    assert "margin" not in lines(SINK, texts)[0]


def test_further_columns_are_kept_under_their_names() -> None:
    sink = TrlPreference(path="out", columns={"score_chosen": "best", "topic": "topic"})
    frame = table(GOOD[0], judge__best=[4], source__topic=["math"])
    assert sink.columns(frame.columns) == ["messages", "rejected", "judge.best", "source.topic"]
    row = lines(sink, frame)[0]
    assert (row["score_chosen"], row["topic"]) == (4, "math")
    with pytest.raises(UsageError, match="cannot be delivered as 'chosen'"):
        TrlPreference(path="out", columns={"chosen": "topic"}).columns(frame.columns)
    features = json.loads(sink.sidecars(dict(frame.schema))["features.json"])
    assert {c["name"]: c["type"] for c in features["columns"]} == {
        "prompt": "messages",
        "chosen": "messages",
        "rejected": "messages",
        "score_chosen": "integer",
        "topic": "text",
    }


def test_what_is_delivered_is_read_back_as_the_same_pairs(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(SINK.encode(table(*GOOD)))
    rows = [{f"source.{k}": json.dumps(v) for k, v in row.items()} for row in lines(SINK, table(*GOOD))]
    back = run_step(Preference(), rows)
    assert back.outcomes == ["kept"] * len(GOOD)
    for row, (messages, _) in zip(back.rows, GOOD, strict=True):
        assert row["messages"] == [{**m, "weight": None} for m in messages or []]
    assert [row["rejected"] for row in back.rows[:3]] == [rejected for _, rejected in GOOD[:3]]
    told = convert(str(path), "preference", tmp_path / "again.jsonl")
    assert (told["in"], told["written"], told["lost"]) == (len(GOOD), len(GOOD), {})
    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().split("\n")[:-1]]
    assert again == lines(SINK, table(*GOOD))


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(some_pairs, min_size=1, max_size=5))
def test_what_is_let_through_is_what_the_file_checker_accepts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    frame = table(*rows)
    refused = {position for position, _ in SINK.check(frame)}
    path = tmp_path_factory.getbasetemp() / "trl.jsonl"
    path.write_bytes(SINK.encode(frame))
    assert SINK.count(path) == len(rows)
    assert refused == {p.line - 1 for p in check_file(path, "trl_preference") if p.line}
