"""map.auto"""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.core.step import RowStep
from tamis.engine.frame import Frame
from tamis.steps.map.alpaca import Alpaca
from tamis.steps.map.auto import Auto
from tamis.steps.map.kto import Kto
from tamis.steps.map.messages import Messages
from tamis.steps.map.preference import Preference
from tamis.steps.map.prompt_completion import PromptCompletion
from tamis.steps.map.sharegpt import Sharegpt
from tamis.steps.map.text import Text
from tamis.testing import rows_frame, run_step

TALK = json.dumps([{"role": "user", "content": "q🙂"}, {"role": "assistant", "content": "a"}])
PARTS = json.dumps([{"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "audio", "audio": {}}]}])
TURNS = json.dumps([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}])
CALLS = json.dumps(
    [{"from": "human", "value": "q"}, {"from": "function_call", "value": '{"name": "f", "arguments": {}}'}]
)
LONG = "‮a\x00\u0301" * 25_000

#: a step, and rows of its shape: plain ones, odd ones, ones that are not
STEPS: list[tuple[RowStep, list[dict[str, Any]]]] = [
    (Messages(), [{"source.messages": value} for value in (TALK, PARTS, None, "[]", "x", "")]),
    (
        Messages(messages="m", tools="t", system="s"),
        [{"m": TALK, "t": t, "s": s} for t, s in (("[]", "S"), ("x", None), (None, ""))],
    ),
    (Sharegpt(), [{"conversations": value} for value in (TURNS, CALLS, None, TALK, "[1]")]),
    (
        Alpaca(input="input", system="s", history="h"),
        [
            {"instruction": "i", "input": LONG, "output": "o", "s": None, "h": None},
            {"instruction": "i", "input": None, "output": "o", "s": "S", "h": '[["a", "b"]]'},
            {"instruction": None, "input": None, "output": "o", "s": "S", "h": "[1]"},
            {"instruction": "i", "input": "", "output": None, "s": "", "h": "[]"},
        ],
    ),
    (
        PromptCompletion(prompt="p", completion="c"),
        [{"p": p, "c": c} for p, c in ((LONG, "a"), (TALK, "b"), (None, "c"), ("", None))],
    ),
    (
        Preference(prompt="p", chosen="c", rejected="r"),
        [
            {"p": "q", "c": "a", "r": LONG},
            {"p": "q🙂", "c": TALK, "r": TALK},
            {"p": "q", "c": TALK, "r": "b"},
            {"p": None, "c": "a", "r": "b"},
            {"p": "\n\nHuman: q\n\nAssistant:", "c": "a", "r": "\n\nHuman: q\n\nAssistant: z"},
            {"p": "q", "c": None, "r": "b"},
        ],
    ),
    (
        Preference(prompt=None, chosen="c", rejected="r"),
        [
            {"c": TALK, "r": TALK},
            {"c": "\n\nHuman: q\n\nAssistant: a", "r": "\n\nHuman: z\n\nAssistant: b"},
            {"c": "a", "r": "b"},
        ],
    ),
    (Kto(prompt="p", completion="c"), [{"p": "q", "c": "a", "label": label} for label in (True, None, False)]),
    (Kto(messages="m"), [{"m": TALK, "label": label} for label in (True, None)]),
    (Text(column="t"), [{"t": "a"}, {"t": None}, {"t": LONG}]),
    (Auto(), [{"instruction": "i", "output": "o"}, {"instruction": None, "output": "o"}]),
]
NAMES = [f"{i} {type(step).__name__}" for i, (step, _) in enumerate(STEPS)]

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"instruction": "i", "output": "o"}, "kept"),
    ({}, {"instruction": "i", "output": None}, "not_this_shape"),
]


def outcome(step: RowStep, table: pl.DataFrame) -> list[tuple[Any, ...]]:
    """What a step says of each row, as plain values."""
    verdict = step.judge(Frame.of(table))
    (clause,) = verdict.clauses
    columns = {**verdict.evidence, **verdict.changes}
    return list(zip(clause.when.to_list(), *(columns[name].to_list() for name in sorted(columns)), strict=True))


@pytest.mark.parametrize(("step", "rows"), STEPS, ids=NAMES)
def test_each_row_is_judged_alone(step: RowStep, rows: list[dict[str, Any]]) -> None:
    table = rows_frame(rows)
    whole = outcome(step, table)
    assert any(left for left, *_ in whole)
    assert not all(left for left, *_ in whole)
    alone = [value for i in range(len(rows)) for value in outcome(step, table[i : i + 1])]
    assert [row[0] for row in alone] == [row[0] for row in whole]
    verdicts = [step.judge(Frame.of(table[i : i + 1])) for i in range(len(rows))]
    together = step.judge(Frame.of(table))
    for name, column in {**together.changes, **together.evidence}.items():
        apart = [one.changes[name] if name in one.changes else one.evidence.get(name) for one in verdicts]
        assert [None if series is None else series.to_list()[0] for series in apart] == column.to_list(), name


@pytest.mark.parametrize(("step", "rows"), STEPS, ids=NAMES)
def test_no_rows(step: RowStep, rows: list[dict[str, Any]]) -> None:
    assert run_step(step, rows_frame(rows).clear()).line == "0 in = 0 kept"


@pytest.mark.parametrize(("step", "rows"), STEPS, ids=NAMES)
def test_dropped_rows_say_why_and_kept_rows_do_not(step: RowStep, rows: list[dict[str, Any]]) -> None:
    result = run_step(step, rows)
    assert [evidence["problem"] is not None for evidence in result.evidence] == [
        kind == "dropped" for kind in result.kinds
    ]
    assert {o for o in result.outcomes if o != "kept"} == {"not_this_shape"}


def test_the_shapes_own_step_says_the_same() -> None:
    rows = [{"instruction": "i", "input": "x", "output": "o"}, {"instruction": "i", "input": "", "output": None}]
    assert run_step(Auto(), rows).rows == run_step(Alpaca(input="input"), rows).rows
    rows = [{"source.prompt": "q", "chosen": "a", "source.rejected": "b"}]
    assert run_step(Auto(), rows).rows == run_step(Preference(), rows).rows


def test_columns_of_other_names() -> None:
    step = Auto(shape="openai", columns={"messages": "dialog_json"})
    result = run_step(step, [{"dialog_json": TALK}])
    assert [m["content"] for m in result.kept[0]["messages"]] == ["q🙂", "a"]


def test_a_shape_without_columns_finds_its_own() -> None:
    rows = [{"instruction": "i", "source.response": "r", "source.prompt": "p", "completion": "c"}]
    assert run_step(Auto(shape="prompt_completion"), rows).kept[0]["messages"][1]["content"] == "c"
    assert [m["content"] for m in run_step(Auto(), rows).kept[0]["messages"]] == ["i", "r"]


def test_rows_with_messages_are_left_alone() -> None:
    result = run_step(Auto(), [{"prompt": "q", "response": "a"}])
    assert (result.line, result.changed) == ("1 in = 1 kept", [False])


def test_what_is_lost_is_named() -> None:
    result = run_step(Auto(), [{"source.messages": PARTS}, {"source.messages": TALK}])
    assert [evidence["lost"] for evidence in result.evidence] == ["audio", None]


def test_errors() -> None:
    with pytest.raises(UsageError, match=r"use map\.template"):
        run_step(Auto(), [{"inquiry": "x"}])
    with pytest.raises(UsageError, match=r"use map\.threads"):
        run_step(Auto(), [{"message_tree_id": "x", "source.prompt": "{}"}])
    with pytest.raises(UsageError, match=r"no column 'dialogs'"):
        run_step(Auto(shape="openai", columns={"messages": "dialogs"}), [{"dialog": "x"}])
    with pytest.raises(ValidationError, match=r"has no field 'mesages'; did you mean 'messages'"):
        Auto(columns={"mesages": "x"})
    with pytest.raises(UsageError, match=r"holds messages already"):
        run_step(Messages(), [{"prompt": "q"}])


READS: list[tuple[RowStep, tuple[str, ...]]] = [
    (Messages(), ("messages",)),
    (Messages(tools="t", system="s"), ("messages", "t", "s")),
    (Sharegpt(tools="t"), ("conversations", "t")),
    (Alpaca(input="x"), ("instruction", "output", "x")),
    (PromptCompletion(completion=None), ("prompt",)),
    (Preference(prompt=None), ("chosen", "rejected")),
    (Kto(), ("prompt", "completion", "label")),
    (Kto(messages="m"), ("m", "label")),
    (Text(), ("text",)),
]


@pytest.mark.parametrize(("step", "columns"), READS, ids=[type(step).__name__ for step, _ in READS])
def test_steps_read_only_their_columns(step: RowStep, columns: tuple[str, ...]) -> None:
    assert step.reads() == columns
