"""Each rule of each target: a row that breaks it, beside a row that is fine."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import DataError, UsageError
from tamis.sinks.checks import RULES, TARGETS, Problem, check_file, check_row, iter_problems, summarise


def user(content: Any = "Hi", **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


def bot(content: Any = "Hello", **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def call(ident: str = "call12345", name: str = "f", arguments: Any = '{"a": 1}', **more: Any) -> dict[str, Any]:
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def calling(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def reply(ident: Any = "call12345", content: str = "3") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": ident, "content": content}


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), **more}


def pair(**more: Any) -> dict[str, Any]:
    base = {"input": chat(user()), "preferred_output": [bot("A")], "non_preferred_output": [bot("B")]}
    return {**base, **more}


def turns(*values: str, start: int = 0, names: tuple[str, ...] = ("human", "gpt")) -> list[dict[str, str]]:
    return [{"from": names[(i + start) % 2], "value": value} for i, value in enumerate(values)]


def gemini(*roles: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": role, "parts": [{"text": "x"}]} for role in roles], **more}


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
SYSTEM = {"role": "system", "content": "Be kind"}

#: Rows that a target must have nothing to say about.
GOOD: dict[str, list[dict[str, Any]]] = {
    "openai_chat": [
        chat(user(), bot()),
        chat(SYSTEM, user(), bot("a", weight=0), user(name="Jo"), bot("b", weight=1)),
        chat({"role": "developer", "content": "x"}, user([{"type": "text", "text": "Hi"}]), bot()),
        chat(
            user(), calling(call("1"), call("2")), reply("2"), reply("1"), bot(), tools=[TOOL], parallel_tool_calls=True
        ),
        chat(user(), calling(call())),
    ],
    "openai_dpo": [
        pair(),
        pair(input=chat(SYSTEM, user(), bot(), user())),
        pair(input=chat(user(), calling(call()), reply(), user(), tools=[TOOL], parallel_tool_calls=False)),
    ],
    "alpaca": [
        {"instruction": "Say hi", "input": "", "output": "Hi"},
        {"instruction": "Go on", "input": "x", "output": "y", "system": "s", "history": [["a", "b"]]},
        {"instruction": "Say", "chosen": "a", "rejected": "b"},
        {"instruction": "Say", "output": "a", "kto_tag": True},
    ],
    "sharegpt": [
        {"conversations": turns("a", "b"), "system": "s", "id": 1},
        {"conversations": [{"from": "system", "value": "s"}, *turns("a", "b", "c", "d")], "tools": "[]"},
        {
            "conversations": [
                *turns("a", "b", names=("human", "function_call")),
                *turns("c", "d", names=("observation", "gpt")),
            ]
        },
        {
            "conversations": turns("a"),
            "chosen": {"from": "gpt", "value": "b"},
            "rejected": {"from": "gpt", "value": "c"},
        },
    ],
    "trl_sft": [
        chat(user(), bot(), topic="any"),
        {"conversations": turns("a", "b")},
        {"text": "a"},
        {"prompt": [user()], "completion": [bot()]},
    ],
    "trl_dpo": [
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        {"chosen": [user(), bot("b")], "rejected": [user(), bot("c")]},
    ],
    "trl_preference": [
        {"prompt": [SYSTEM, user()], "chosen": [bot("a")], "rejected": [bot("b")], "margin": 0.5, "topic": "any"},
        {"prompt": [user()], "chosen": [calling(call()), reply(), bot()], "rejected": [bot("b")], "tools": "[]"},
    ],
    "trl_kto": [
        {"prompt": "a", "completion": "b", "label": False},
        {"prompt": [user()], "completion": [bot()], "label": True},
    ],
    "prompt_completion": [{"prompt": "a", "completion": "b"}],
    "mistral": [chat(user(), user(), bot()), chat(user(), calling(call()), reply(), bot(), tools=[TOOL])],
    "together": [chat(user(), bot()), chat(SYSTEM, user(), bot(), user(), bot())],
    "fireworks": [chat(SYSTEM, user(), bot("x", weight=1, reasoning_content="hm"))],
    "gemini": [
        gemini("user", "model", systemInstruction={"role": "ignored", "parts": [{"text": "s"}]}),
        {
            "contents": [
                {"role": "user", "parts": [{"fileData": {"mimeType": "image/png", "fileUri": "gs://x"}}]},
                *gemini("model")["contents"],
            ]
        },
    ],
}

_MESSAGES: list[tuple[str, dict[str, Any]]] = [
    ("no_messages", {}),
    ("no_messages", chat()),
    ("no_messages", {"messages": "Hi"}),
    ("message_not_object", chat(user(), "Hello")),
    ("unknown_message_key", chat(user(), bot(mood="good"))),
    ("unknown_role", chat({"role": "human", "content": "Hi"}, bot())),
    ("unknown_role", chat({"role": None, "content": "Hi"}, bot())),
    ("no_content", chat(user(), bot(None))),
    ("no_content", chat({"role": "user"}, bot())),
    ("empty_content", chat(user(), bot(""))),
    ("empty_content", chat(user(" \n\u3000"), bot())),
    ("content_type", chat(user(3), bot())),
    ("content_type", chat(user(["Hi"]), bot())),
]
_LEARNT: list[tuple[str, dict[str, Any]]] = [
    ("bad_weight", chat(user(), bot(weight=0.5))),
    ("bad_weight", chat(user(), bot(weight=True))),
    ("bad_weight", chat(user(), bot(weight="1"))),
    ("weight_elsewhere", chat(user(weight=1), bot())),
    ("nothing_trained", chat(user(), bot(weight=0), user(), bot(weight=0))),
]
_TOOLS: list[tuple[str, dict[str, Any]]] = [
    ("bad_tools", chat(user(), bot(), tools={"name": "f"})),
    ("bad_tools", chat(user(), bot(), tools=[{"name": "f"}])),
    ("bad_tool_calls", chat(user(), {**calling(), "tool_calls": "f()"}, bot())),
    ("bad_tool_calls", chat(user(), calling("f"), bot())),
    ("bad_tool_calls", chat(user(), calling(call(type="code")), bot())),
    ("arguments_not_json", chat(user(), calling(call(arguments={"a": 1})))),
    ("arguments_not_json", chat(user(), calling(call(arguments="{a: 1}")))),
    ("arguments_not_json", chat(user(), calling(call(arguments="[1]")))),
    ("reply_unmatched", chat(user(), calling(call("a12345678")), reply("b12345678"), bot())),
    ("reply_unmatched", chat(user(), reply(), bot())),
    ("reply_unmatched", chat(user(), calling(call()), reply(), reply(), bot())),
    ("call_unanswered", chat(user(), calling(call()), user(), bot())),
    ("call_unanswered", chat(user(), calling(call("a12345678"), call("b12345678")), reply("a12345678"), bot())),
    ("call_unanswered", chat(user(), calling(call("a12345678"), call("b12345678")), reply("a12345678"))),
    ("undeclared_tool", chat(user(), calling(call(name="g")), reply(), bot(), tools=[TOOL])),
]
_LAST = [("last_not_assistant", chat(user())), ("last_not_assistant", chat(user(), bot(), user()))]
_NOBODY = [("no_assistant", chat(user(), user()))]
_CHAT = [("unknown_key", chat(user(), bot(), topic="x")), *_MESSAGES, *_LEARNT, *_TOOLS]
_PAIRS: list[tuple[str, dict[str, Any]]] = [
    ("unknown_key", pair(id=3)),
    ("no_messages", pair(input={"prompt": "Hi"})),
    ("no_messages", pair(input="Hi")),
    ("last_not_user", pair(input=chat(user(), bot()))),
    ("no_chosen", {k: v for k, v in pair().items() if k != "preferred_output"}),
    ("no_chosen", pair(preferred_output=[])),
    ("no_rejected", pair(non_preferred_output=None)),
    ("one_answer", pair(preferred_output=[bot(), bot()])),
    ("one_answer", pair(preferred_output=[user()])),
    ("one_answer", pair(preferred_output="A")),
    ("text_only", pair(preferred_output=[bot([{"type": "image_url"}])])),
    ("same_answers", pair(non_preferred_output=[bot(" A\n")])),
    ("empty_content", pair(preferred_output=[bot(" ")])),
]
_RENDERED: list[tuple[str, dict[str, Any]]] = [
    case for case in _MESSAGES if case[0] not in ("unknown_message_key", "unknown_role") and case[1]
]


def _as(key: str, cases: list[tuple[str, dict[str, Any]]], **other: Any) -> list[tuple[str, dict[str, Any]]]:
    """The same broken messages under another key."""
    return [(rule, {key: row["messages"], **other}) for rule, row in cases if rule != "no_messages"]


def _trl(**more: Any) -> dict[str, Any]:
    return {"prompt": [user()], "chosen": [bot("a")], "rejected": [bot("b")], **more}


#: target → (rule, a row that breaks it)
BAD: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "openai_chat": [*_CHAT, *_LAST, *_NOBODY],
    "openai_dpo": [
        *_PAIRS,
        *((rule, pair(input=row)) for rule, row in (*_MESSAGES, *_TOOLS)),
        ("unknown_key", pair(input=chat(user(), temperature=1))),
    ],
    "alpaca": [
        ("unknown_key", {"instruction": "a", "output": "b", "topic": "c"}),
        ("no_instruction", {"output": "b"}),
        ("no_instruction", {"instruction": " ", "output": "b"}),
        ("no_output", {"instruction": "a", "output": ""}),
        ("not_text", {"instruction": "a", "output": 3}),
        ("not_text", {"instruction": "a", "output": "b", "input": ["x"]}),
        ("bad_history", {"instruction": "a", "output": "b", "history": ["a", "b"]}),
        ("bad_history", {"instruction": "a", "output": "b", "history": [["a"]]}),
        ("no_chosen", {"instruction": "a", "rejected": "b"}),
        ("no_rejected", {"instruction": "a", "chosen": "b"}),
        ("same_answers", {"instruction": "a", "chosen": "b", "rejected": "b "}),
        ("tag_not_boolean", {"instruction": "a", "output": "b", "kto_tag": "true"}),
    ],
    "sharegpt": [
        ("unknown_key", {"conversations": turns("a", "b"), "topic": "x"}),
        ("no_conversations", {"messages": []}),
        ("no_conversations", {"conversations": [{"from": "human"}]}),
        ("unknown_role", {"conversations": [{"from": "user", "value": "a"}, {"from": "gpt", "value": "b"}]}),
        ("wrong_turn", {"conversations": turns("a", "b", start=1)}),
        ("odd_turns", {"conversations": turns("a", "b", "c")}),
        ("odd_turns", {"conversations": turns("a", "b"), "chosen": {"value": "x"}, "rejected": {"value": "y"}}),
        ("empty_content", {"conversations": turns("a", " ")}),
        ("no_chosen", {"conversations": turns("a"), "rejected": {"value": "y"}}),
        ("no_rejected", {"conversations": turns("a"), "chosen": {"value": "y"}, "rejected": "x"}),
        ("same_answers", {"conversations": turns("a"), "chosen": {"value": "y"}, "rejected": {"value": "y"}}),
        ("tools_not_text", {"conversations": turns("a", "b"), "tools": [TOOL]}),
        ("tag_not_boolean", {"conversations": turns("a", "b"), "kto_tag": 1}),
    ],
    "trl_sft": [
        *_RENDERED,
        ("unknown_role", chat({"content": "Hi"}, bot())),
        ("weight_ignored", chat(user(), bot(weight=0), user(), bot())),
        ("last_not_assistant", chat(user())),
        ("last_not_assistant", {"conversations": turns("a")}),
        ("no_training_text", {"instruction": "a", "output": "b"}),
        ("no_prompt", {"prompt": "", "completion": "b"}),
        ("no_completion", {"prompt": "a", "completion": None}),
        ("mixed_types", {"prompt": "a", "completion": [bot()]}),
        ("not_text", {"text": ["a"]}),
        ("empty_content", {"text": ""}),
    ],
    "trl_dpo": [
        *_as("chosen", _RENDERED, rejected=[user(), bot("other")]),
        ("unknown_role", {"chosen": [{"content": "a"}], "rejected": [bot("b")]}),
        ("weight_ignored", {"chosen": [bot(weight=1)], "rejected": [bot("b")]}),
        ("no_chosen", pair()),
        ("no_rejected", {"prompt": "a", "chosen": "b"}),
        ("last_not_assistant", {"chosen": [user()], "rejected": [bot()]}),
        ("mixed_types", {"prompt": "a", "chosen": [bot()], "rejected": [bot("b")]}),
        ("same_answers", {"prompt": "a", "chosen": "b", "rejected": "b"}),
    ],
    "trl_preference": [
        *_as("chosen", _RENDERED, prompt=[user()], rejected=[bot("other")]),
        ("unknown_role", _trl(chosen=[{"content": "a"}])),
        ("weight_ignored", _trl(chosen=[bot("a", weight=1)])),
        ("no_prompt", _trl(prompt=[])),
        ("no_prompt", {"chosen": [user(), bot("a")], "rejected": [user(), bot("b")]}),
        ("no_chosen", pair()),
        ("no_rejected", _trl(rejected=None)),
        ("answer_not_first", _trl(chosen=[user("really?"), bot("a")])),
        ("last_not_assistant", _trl(chosen=[bot("a"), user("thanks")])),
        ("mixed_types", _trl(prompt="Hi")),
        ("same_answers", _trl(rejected=[bot(" a\n")])),
        ("margin_not_number", _trl(margin="big")),
        ("margin_not_number", _trl(margin=True)),
        ("margin_not_number", _trl(margin=None)),
        ("bad_tools", _trl(tools=[{"name": "f"}])),
    ],
    "trl_kto": [
        ("answer_not_first", {"prompt": [user()], "completion": [user(), bot()], "label": True}),
        ("last_not_assistant", {"prompt": [user()], "completion": [bot(), user()], "label": True}),
        *_as("completion", _RENDERED, prompt=[user()], label=True),
        ("unknown_role", {"prompt": [{"content": "a"}], "completion": [bot()], "label": True}),
        ("weight_ignored", {"prompt": [user()], "completion": [bot(weight=0)], "label": True}),
        ("no_prompt", {"completion": "b", "label": True}),
        ("no_completion", {"prompt": "a", "label": True}),
        ("mixed_types", {"prompt": "a", "completion": [bot()], "label": True}),
        ("no_label", {"prompt": "a", "completion": "b"}),
        ("label_not_boolean", {"prompt": "a", "completion": "b", "label": "true"}),
        ("label_not_boolean", {"prompt": "a", "completion": "b", "label": 1}),
    ],
    "prompt_completion": [
        ("unknown_key", {"prompt": "a", "completion": "b", "id": 3}),
        ("no_prompt", {"completion": "b"}),
        ("no_completion", {"prompt": "a", "completion": "\n"}),
        ("not_text", {"prompt": ["a"], "completion": "b"}),
    ],
    "mistral": [
        *_CHAT,
        *_LAST,
        ("content_and_calls", chat(user(), {**calling(call()), "content": "I look"}, reply(), bot())),
        ("bad_call_id", chat(user(), calling(call("call_1")), reply("call_1"), bot())),
    ],
    "together": [
        *(case for case in _CHAT if case[1] and case[0] not in ("unknown_key",)),
        *_NOBODY,
        *_PAIRS,
        ("unknown_key", chat(user(), bot(), topic="x")),
        ("first_role", chat(bot(), user(), bot())),
        ("system_not_first", chat(user(), SYSTEM, bot())),
        ("not_alternating", chat(user(), user(), bot())),
        ("no_training_text", chat(user(), bot(), text="both")),
        ("no_training_text", {"instruction": "a"}),
        ("no_prompt", {"prompt": "", "completion": "b"}),
        ("no_completion", {"prompt": "a"}),
        ("not_text", {"prompt": 3, "completion": "b"}),
        ("empty_content", {"text": " "}),
    ],
    "fireworks": [*_CHAT, *_NOBODY, ("system_not_first", chat(user(), SYSTEM, bot()))],
    "gemini": [
        ("unknown_key", gemini("user", "model", topic="x")),
        ("bad_system", gemini("user", "model", systemInstruction="s")),
        ("bad_system", gemini("user", "model", systemInstruction={"parts": [{"fileData": {}}]})),
        ("no_contents", chat(user(), bot())),
        ("unknown_role", gemini("user", "assistant")),
        ("bad_parts", {"contents": [{"role": "user", "parts": "x"}, *gemini("model")["contents"]]}),
        ("bad_parts", {"contents": [{"role": "user", "content": "x"}, *gemini("model")["contents"]]}),
        ("empty_content", {"contents": [{"role": "user", "parts": [{"text": ""}]}, *gemini("model")["contents"]]}),
        ("last_not_model", gemini("user", "model", "user")),
    ],
}

CASES = [(target, rule, row) for target, cases in BAD.items() for rule, row in cases]
FINE = [(target, row) for target, rows in GOOD.items() for row in rows]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_bytes(
        b"".join((r if isinstance(r, bytes) else json.dumps(r, ensure_ascii=False).encode()) + b"\n" for r in rows)
    )
    return path


@pytest.mark.parametrize(("target", "rule", "row"), CASES, ids=[f"{t}-{r}-{i}" for i, (t, r, _) in enumerate(CASES)])
def test_a_row_that_breaks_a_rule_is_told_of(target: str, rule: str, row: dict[str, Any]) -> None:
    before = copy.deepcopy(row)
    assert rule in [problem.rule for problem in check_row(row, target)]
    assert row == before


@pytest.mark.parametrize(("target", "row"), FINE, ids=[f"{t}-{i}" for i, (t, _) in enumerate(FINE)])
def test_a_good_row_is_left_in_peace(target: str, row: dict[str, Any]) -> None:
    assert check_row(row, target) == []


@pytest.mark.parametrize("target", TARGETS)
def test_every_rule_of_every_target_has_an_example(target: str) -> None:
    assert {rule for rule, _ in BAD[target]} == set(TARGETS[target].rules)
    assert set(TARGETS[target].severities) <= {*TARGETS[target].rules, "too_few_rows"}


def test_rows_of_any_shape_are_survived() -> None:
    odd: list[Any] = [None, 0, 1.5, True, "", "x", [], [None], [[]], [{}], {}, {"role": None}, {"messages": 3}]
    keys = [
        "messages",
        "tools",
        "input",
        "preferred_output",
        "prompt",
        "completion",
        "label",
        "chosen",
        "rejected",
        "text",
        "conversations",
        "contents",
        "systemInstruction",
        "instruction",
        "output",
        "history",
        "kto_tag",
    ]
    for target in TARGETS:
        for key in keys:
            for value in odd:
                check_row({key: value}, target)
                check_row(
                    {key: value, "tools": value, "chosen": value, "rejected": value, "prompt": value, "label": value},
                    target,
                )
        for value in odd:
            check_row(
                {"messages": [value, {"role": value, "content": value, "tool_calls": value, "weight": value}]}, target
            )
            check_row(
                {"messages": [user(), {**calling(), "tool_calls": [value, {"id": value, "function": value}]}]}, target
            )
            check_row({"contents": [{"role": value, "parts": value}]}, target)
            check_row({"conversations": [{"from": value, "value": value}]}, target)


# -- files ------------------------------------------------------------------------------------

#: (what the file holds, the problems: line and rule)
FILES: list[tuple[bytes, list[tuple[int, str]]]] = [
    (b'{"prompt": "a", "completion": "b"}\n', []),
    (b'{"prompt": "a", "completion": "b"}', []),
    (b'{"prompt": "a\xe2\x80\xa8b", "completion": "b"}\r\n', []),
    (b"", [(0, "no_rows")]),
    (b"\n\n", [(1, "blank_line"), (2, "blank_line"), (0, "no_rows")]),
    (
        b'{"prompt": "a", "completion": "b"}\n\n{"prompt": "a", "completion": ""}\n',
        [(2, "blank_line"), (3, "no_completion")],
    ),
    (b'\xef\xbb\xbf{"prompt": "a", "completion": "b"}\n', [(1, "byte_order_mark")]),
    (b'{"prompt": "a\xff", "completion": "b"}\n', [(1, "not_utf8"), (0, "no_rows")]),
    (b'{"prompt": "a", "comp\n', [(1, "not_json"), (0, "no_rows")]),
    (b'{"prompt": "a"} {"completion": "b"}\n', [(1, "not_json"), (0, "no_rows")]),
    (b'["a", "b"]\n3\n', [(1, "not_an_object"), (2, "not_an_object"), (0, "no_rows")]),
    (b'{"prompt": "a", "prompt": "c", "completion": "b"}\n', [(1, "repeated_key"), (0, "no_rows")]),
    (b'{"prompt": "a", "completion": NaN}\n', [(1, "not_a_number"), (0, "no_rows")]),
    (b'{"prompt": "a", "completion": "\\ud800"}\n', [(1, "half_surrogate"), (0, "no_rows")]),
    (b'{"prompt": "a", "completion": "\\ud83d\\ude00"}\n', []),
    (b'{"prompt": ' + b"[" * 100_000 + b"\n", [(1, "not_json"), (0, "no_rows")]),
]


@pytest.mark.parametrize(("data", "expected"), FILES)
def test_lines_that_no_parser_takes(tmp_path: Path, data: bytes, expected: list[tuple[int, str]]) -> None:
    (tmp_path / "x.jsonl").write_bytes(data)
    assert [(p.line, p.rule) for p in check_file(tmp_path / "x.jsonl", "prompt_completion")] == expected


def test_each_problem_says_where_and_shows_what(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [chat(user(), bot()), chat(user(), bot("x" * 999, weight="high" * 99))])
    first, second = check_file(path, "openai_chat")
    message = "messages[1].weight: weight must be 0 or 1"
    assert first == Problem(2, "bad_weight", "error", message, ("high" * 15)[:59] + "…")
    assert (second.line, second.rule, second.severity) == (0, "too_few_rows", "warning")
    assert second.value == "2 rows; OpenAI and Azure fine-tuning asks for 10"


def test_an_array_is_read_as_rows_with_their_lines(tmp_path: Path) -> None:
    good, bad = {"instruction": "a", "output": "b"}, {"instruction": "a"}
    path = tmp_path / "x.json"
    path.write_text(json.dumps([good, bad, 3, bad], indent=1))
    lines = path.read_text().split("\n")
    found = [(p.line, p.rule) for p in check_file(path, "alpaca")]
    starts = [k for k, line in enumerate(lines, 1) if line.strip() in ("{", "3,")]
    assert found == [(starts[1], "no_output"), (starts[2], "not_an_object"), (starts[3], "no_output")]
    path.write_text('[{"instruction": "a", "output": "b"}, {')
    assert [(p.line, p.rule) for p in check_file(path, "alpaca")] == [(1, "not_json")]
    path.write_text("[]x")
    assert [p.rule for p in check_file(path, "alpaca")] == ["not_json", "no_rows"]


@pytest.mark.parametrize(
    ("target", "rows", "expected"),
    [
        ("openai_chat", [chat(user(), bot())] * 9, ["too_few_rows"]),
        ("openai_chat", [chat(user(), bot())] * 10, []),
        ("fireworks", [chat(user(), bot())] * 2, ["too_few_rows"]),
        ("fireworks", [chat(user(), bot())] * 3, []),
        ("together", [chat(user(), bot()), {"text": "x"}, chat(user(), bot())], ["mixed_shapes"]),
        ("trl_sft", [{"text": "x"}, {"prompt": "a", "completion": "b"}], ["mixed_shapes"]),
        ("trl_kto", [{"prompt": "a", "completion": "b", "label": True}] * 2, ["one_sided_labels"]),
        ("trl_kto", GOOD["trl_kto"], []),
    ],
)
def test_what_only_the_whole_file_shows(tmp_path: Path, target: str, rows: list[Any], expected: list[str]) -> None:
    assert [p.rule for p in check_file(write(tmp_path / "x.jsonl", rows), target)] == expected


def test_limits_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "X.JSONL", [chat(user(), bot())] * 4)
    goal = TARGETS["fireworks"]
    monkeypatch.setitem(
        TARGETS,
        "fireworks",
        type(goal)(goal.title, goal.row, goal.rules, max_rows=3, max_bytes=9, lower_case_name=True),
    )
    assert [p.rule for p in check_file(path, "fireworks")] == ["too_many_rows", "too_large", "file_name"]


def test_a_line_beyond_any_use_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tamis.sinks.checks import _files

    monkeypatch.setattr(_files, "MAX_LINE_BYTES", 1000)
    path = write(tmp_path / "x.jsonl", [{"prompt": "a" * 5000, "completion": "b"}, {"prompt": "a", "completion": ""}])
    assert [(p.line, p.rule) for p in check_file(path, "prompt_completion")] == [(1, "not_json"), (2, "no_completion")]


def test_the_summary_counts_everything(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [chat(user(), bot(weight=1), user()), chat(user(), bot("")), chat(topic="x")])
    counts = summarise(iter_problems(path, "trl_sft"))
    assert counts == {
        "error": 1,
        "warning": 2,
        "ignored_by_trainer": 1,
        "rules": {"empty_content": 1, "last_not_assistant": 1, "no_messages": 1, "weight_ignored": 1},
    }


def test_what_cannot_be_checked_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no target 'openai_chta'; did you mean 'openai_chat'\?"):
        check_file(tmp_path / "x", "openai_chta")
    with pytest.raises(DataError, match="No such file"):
        check_file(tmp_path / "x", "alpaca")
    with pytest.raises(DataError, match="Is a directory"):
        check_file(tmp_path, "alpaca")


def test_every_rule_is_used_by_a_target_or_for_files() -> None:
    of_files = {
        "no_rows",
        "too_few_rows",
        "too_many_rows",
        "too_large",
        "file_name",
        "not_utf8",
        "byte_order_mark",
        "not_json",
        "not_an_object",
        "repeated_key",
        "not_a_number",
        "half_surrogate",
        "blank_line",
        "mixed_shapes",
        "one_sided_labels",
    }
    used = {rule for target in TARGETS.values() for rule in target.rules}
    assert set(RULES) == used | of_files


@pytest.mark.parametrize(
    ("name", "target", "errors"),
    [
        ("llama-factory-demo/alpaca_en_demo.json.gz", "alpaca", 0),
        ("llama-factory-demo/glaive_toolcall_en_demo.json.gz", "sharegpt", 0),
        ("llama-factory-demo/identity.json", "alpaca", 0),
        ("llama-factory-demo/v1_sft_demo.jsonl.gz", "sharegpt", 500),
        ("sharegpt-dummy/dummy_conversation.json.gz", "sharegpt", 0),
    ],
)
def test_real_files(data: Path, tmp_path: Path, name: str, target: str, errors: int) -> None:
    raw = (data / name).read_bytes()
    path = tmp_path / Path(name).name.removesuffix(".gz")
    path.write_bytes(gzip.decompress(raw) if name.endswith(".gz") else raw)
    assert summarise(iter_problems(path, target))["error"] == errors
