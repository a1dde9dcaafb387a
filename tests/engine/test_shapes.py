"""Shapes: recognised by their columns, read into rows, and written back without loss."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import UsageError
from tamis.engine import shape_chat, shapes
from tamis.engine.frame import Frame
from tamis.engine.shape_chat import ROLE_WORDS, Misfit, parse_list, read_lists
from tamis.engine.shape_pairs import parse_transcript, write_transcript
from tamis.engine.shape_read import Mapped
from tamis.engine.shape_write import Shaped, to_shape
from tamis.engine.text import to_messages

DATA = Path(os.environ.get("TAMIS_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def source_frame(records: list[dict[str, Any]]) -> pl.DataFrame:
    """Records as a source gives them: objects and lists as JSON text."""

    def cell(value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value

    names = list(dict.fromkeys(name for record in records for name in record))
    return pl.DataFrame(
        {f"source.{name}": [cell(record.get(name)) for record in records] for name in names}, strict=False
    )


def read(records: list[dict[str, Any]], shape: str = "auto", **columns: str) -> tuple[str, Mapped]:
    frame = Frame.of(source_frame(records))
    chosen = shapes.choose(frame, shape, columns)
    assert chosen is not None
    return chosen[0], shapes.read(chosen[0], frame, {f: shapes.source_column(frame, c) for f, c in chosen[1].items()})


def back(records: list[dict[str, Any]], shape: str, **options: Any) -> tuple[Mapped, Shaped]:
    _, mapped = read(records)
    source = source_frame(records).rename(lambda name: name.removeprefix("source."))
    label = source["label"] if "label" in source.columns else None
    assert mapped.messages is not None
    written = to_shape(
        mapped.messages, shape, rejected=mapped.rejected, tools=mapped.tools, label=label, source=source, **options
    )
    return mapped, written


def turns(series: pl.Series | None, row: int = 0) -> list[tuple[str, str | None]]:
    assert series is not None
    return [(message["role"], message["content"]) for message in series[row]]


# -- recognised by name and kind ------------------------------------------------------------------

CASES: list[tuple[dict[str, str], str | None, dict[str, str]]] = [
    ({"messages": "json"}, "openai", {"messages": "messages"}),
    ({"messages": "json", "tools": "text"}, "openai", {"messages": "messages", "tools": "tools"}),
    ({"id": "text", "conversations": "json"}, "sharegpt", {"messages": "conversations"}),
    (
        {"instruction": "text", "input": "text", "output": "text"},
        "alpaca",
        {"instruction": "instruction", "input": "input", "output": "output"},
    ),
    ({"instruction": "text", "response": "text"}, "alpaca", {"instruction": "instruction", "output": "response"}),
    ({"prompt": "text", "completion": "text"}, "prompt_completion", {"prompt": "prompt", "completion": "completion"}),
    ({"question": "text", "answer": "text"}, "prompt_completion", {"prompt": "question", "completion": "answer"}),
    (
        {"prompt": "json", "chosen": "json", "rejected": "json"},
        "preference",
        {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
    ),
    ({"chosen": "text", "rejected": "text"}, "preference", {"chosen": "chosen", "rejected": "rejected"}),
    (
        {"prompt": "text", "prompt_id": "text", "chosen": "json", "rejected": "json", "messages": "json"},
        "preference",
        {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
    ),
    (
        {"input": "json", "preferred_output": "json", "non_preferred_output": "json"},
        "preference",
        {"input": "input", "chosen": "preferred_output", "rejected": "non_preferred_output"},
    ),
    (
        {"prompt": "text", "completion": "text", "label": "boolean"},
        "kto",
        {"prompt": "prompt", "completion": "completion", "label": "label"},
    ),
    (
        {"prompt": "text", "completion": "text", "label": "text"},
        "prompt_completion",
        {"prompt": "prompt", "completion": "completion"},
    ),
    ({"messages": "json", "label": "boolean"}, "kto", {"messages": "messages", "label": "label"}),
    ({"text": "text", "url": "text"}, "text", {"text": "text"}),
    ({"prompt": "text"}, "prompt_completion", {"prompt": "prompt"}),
    ({"message_tree_id": "text", "tree_state": "text", "prompt": "json"}, "tree", {}),
    ({"text": "text", "role": "text", "replies": "json"}, "tree", {}),
    ({"message_id": "text", "parent_id": "text", "text": "text", "role": "text"}, "message_table", {}),
    ({"inquiry": "text", "category": "text"}, None, {}),
    ({}, None, {}),
]


@pytest.mark.parametrize(
    ("columns", "shape", "mapping"), CASES, ids=lambda value: ",".join(value) if isinstance(value, dict) else str(value)
)
def test_detects(columns: dict[str, str], shape: str | None, mapping: dict[str, str]) -> None:
    found = shapes.detect(columns)
    assert (found.shape, found.mapping) == (shape, mapping)
    assert (found.confidence > 0) == (shape is not None)


def test_a_sample_lowers_the_confidence_but_not_the_shape() -> None:
    sample = pl.DataFrame({"messages": ['[{"role": "user", "content": "Hi"}]', "nonsense", None, "[]"]})
    found = shapes.detect({"messages": "json"}, sample)
    assert (found.shape, found.confidence) == ("openai", 0.25)
    assert "75% of the rows looked at do not fit" in found.notes[-1]


def test_trees_and_strangers_are_told_what_to_do() -> None:
    assert "map.threads" in shapes.detect({"message_tree_id": "text", "prompt": "json"}).notes[0]
    assert "map.template" in shapes.detect({"a": "text"}).notes[0]
    assert "Kept as they are: url." in shapes.detect({"text": "text", "url": "text"}).notes


def test_errors_say_what_is_missing() -> None:
    with pytest.raises(UsageError, match=r"no known shape in the columns a; use map\.template"):
        shapes.choose(Frame.of(pl.DataFrame({"source.a": ["x"]})), "auto", {})
    with pytest.raises(UsageError, match=r"shape 'sharegpt' needs messages \(conversations or .*there are a"):
        shapes.choose(Frame.of(pl.DataFrame({"source.a": ["x"]})), "sharegpt", {})
    with pytest.raises(UsageError, match=r"conversation trees .*use map\.threads"):
        shapes.choose(Frame.of(pl.DataFrame({"source.message_tree_id": ["x"], "source.prompt": ["{}"]})), "auto", {})
    with pytest.raises(ValueError, match=r"shape 'alpaca' has no field 'instrucion'; did you mean 'instruction'"):
        shapes.check_fields("alpaca", {"instrucion": "x"})


# -- lists of messages: the kernel against the slow road ------------------------------------------

JSON_SPACE = st.sampled_from(["", " ", "\n", "\t ", "\r\n"])
WORDS = st.sampled_from([*ROLE_WORDS, "narrator", "", "USER", "function_call"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@st.composite
def message_text(draw: st.DrawFn) -> str:
    """A message as JSON text, mostly well-made."""
    ascii = draw(st.booleans())
    space = draw(JSON_SPACE)

    def written(value: Any) -> str:
        text = json.dumps(value, ensure_ascii=ascii)
        return text.replace("/", "\\/") if draw(st.booleans()) else text

    role_key, text_key = draw(st.sampled_from([("role", "content"), ("from", "value"), ("role", "value")]))
    pairs = [(role_key, written(draw(WORDS))), (text_key, written(draw(TEXTS)))]
    if draw(st.booleans()):
        weight = st.sampled_from(["0", "1", "0.0", "1.0", "0.5", "null", "true", "2", "1e0", "-0", "01"])
        pairs.append((draw(st.sampled_from(["weight", "loss_weight"])), draw(weight)))
    if draw(st.integers(0, 9)) == 0:
        pairs.append(draw(st.sampled_from([("name", '"n"'), ("role", '"user"'), ("x", "[1]"), ("content", "null")])))
    pairs = draw(st.permutations(pairs))
    return "{" + space + f",{space}".join(f'"{key}"{space}:{space}{value}' for key, value in pairs) + space + "}"


@st.composite
def list_text(draw: st.DrawFn) -> str | None:
    space = draw(JSON_SPACE)
    inside = f"{space},{space}".join(draw(st.lists(message_text(), max_size=4)))
    text = f"{space}[{space}{inside}{space}]{space}"
    break_it = draw(st.integers(0, 12))
    if break_it == 0:
        return None
    if break_it == 1:
        at = draw(st.integers(0, len(text)))
        return text[:at]
    if break_it == 2:
        at = draw(st.integers(0, len(text)))
        return text[:at] + draw(st.sampled_from(["\\", '"', "\x01", "\\ud83d", ",", "\\u00zz", "{", "é"])) + text[at:]
    if break_it == 3:
        return draw(message_text())
    return text


def twin(text: str | None, single: bool) -> tuple[list[dict[str, Any]] | None, str | None]:
    """What the slow road says of one list, with every field."""
    try:
        parsed = parse_list(text, "messages", single=single)
    except Misfit as misfit:
        return None, str(misfit)
    fields = ("role", "content", "name", "tool_calls", "tool_call_id", "weight")
    return [{name: message.get(name) for name in fields} for message in parsed.messages], ",".join(parsed.lost) or None


@settings(deadline=None, max_examples=150)
@given(st.lists(list_text(), max_size=6), st.booleans())
def test_lists_are_read_like_json_reads_them(texts: list[str | None], single: bool) -> None:
    piece = read_lists(pl.Series(texts, dtype=pl.String), "messages", single=single)
    got = to_messages("messages", piece.chat).to_list()
    for row, text in enumerate(texts):
        messages, said = twin(text, single)
        problem = None if piece.problem is None else piece.problem[row]
        lost = None if piece.lost is None else piece.lost[row]
        if messages is None:
            assert (problem, got[row]) == (said, [])
        else:
            assert (problem, got[row], lost) == (None, messages, said)


def test_the_kernel_takes_plain_lists() -> None:
    """Otherwise the comparison above would compare the slow road with itself."""
    from tamis.engine.text import to_text

    lists = [
        '[{"role":"user","content":"a\\n\\u00e9\\ud83d\\ude00"},{"role":"assistant","content":"b","weight":0}]',
        ' [ { "from" : "human" , "value" : "x" } ] ',
        '[{"role":"user","content":"' + "long " * 20 + '\\"quoted\\""}]',
        '[{"role":"assistant","content":"w","loss_weight":1.0}]',
        '[{"role":"user","content":null}]',
        '[{"role":"user","content":"x"},]',
        '[{"role":"user","role":"user","content":"x"}]',
        '[{"role":"user","content":"a\x1fb"}]',
        '[{"role":"user","content":"x"}] x',
    ]
    chat, slow = shape_chat._plain(to_text(pl.Series(lists)), single=False)
    assert slow.tolist() == [False] * 4 + [True] * 5
    assert chat.messages["content"].to_list() == ["a\né😀", "b", "x", "long " * 20 + '"quoted"', "w"]
    assert chat.messages["weight"].to_list() == [None, 0, None, None, 1]
    assert np.diff(chat.starts).tolist() == [2, 1, 1, 1, 0, 0, 0, 0, 0]


# -- each shape's own turns -----------------------------------------------------------------------


def test_openai_keeps_what_a_message_can_hold_and_names_the_rest() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    records = [
        {
            "messages": [
                {"role": "developer", "content": "S"},
                {
                    "role": "user",
                    "name": "ann",
                    "content": [
                        {"type": "text", "text": "see "},
                        {"type": "image_url", "image_url": {"url": "u"}},
                        {"type": "text", "text": "this"},
                    ],
                },
                {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None, "annotations": []},
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
                {"role": "assistant", "content": "It is 42.", "weight": 1, "audio": {"id": "x"}},
            ]
        }
    ]
    shape, mapped = read(records)
    assert shape == "openai"
    assert mapped.problem is None
    assert mapped.messages is not None
    assert mapped.messages[0].to_list() == [
        {"role": "system", "content": "S", "name": None, "tool_calls": None, "tool_call_id": None, "weight": None},
        {
            "role": "user",
            "content": "see this",
            "name": "ann",
            "tool_calls": None,
            "tool_call_id": None,
            "weight": None,
        },
        {
            "role": "assistant",
            "content": None,
            "name": None,
            "tool_calls": json.dumps([call]),
            "tool_call_id": None,
            "weight": None,
        },
        {"role": "tool", "content": "42", "name": None, "tool_calls": None, "tool_call_id": "c1", "weight": None},
        {
            "role": "assistant",
            "content": "It is 42.",
            "name": None,
            "tool_calls": None,
            "tool_call_id": None,
            "weight": 1,
        },
    ]
    assert mapped.lost is not None
    assert mapped.lost.to_list() == ["role:developer,image_url,parts,audio"]


MISFITS: list[tuple[Any, str]] = [
    (None, "messages is null"),
    ("", "messages is no JSON"),
    ("hello", "messages is no JSON"),
    ("[]", "messages has no messages"),
    ('{"role": "user", "content": "x"}', "messages is an object, not a list of messages"),
    ('"text"', "messages is a text, not a list of messages"),
    ('["hi"]', "messages[0] is a text, not a message"),
    ('[{"content": "x"}]', "messages[0] has no role"),
    ('[{"role": "user"}]', "messages[0] has no content"),
    ('[{"role": "user", "content": 5}]', "messages[0].content is a number, not a text"),
    ('[{"role": "user", "content": "a", "value": "b"}]', "messages[0] has both content and value"),
    ('[{"role": "narrator", "content": "x"}]', "messages[0]: unknown role 'narrator'; possible: system, user"),
    ('[{"role": "user", "content": "x", "name": 3}]', "messages[0].name is a number, not a text"),
    ('[{"role": "user", "content": "x", "content": "y"}]', "messages is no JSON: a key stands twice"),
    ('[{"role": "user", "content": "\\ud83d"}]', "messages holds half of a surrogate pair"),
    ('[{"role": "user", "content": "x", "y": NaN}]', "messages is no JSON: NaN is no JSON number"),
    ('[{"role": "user", "content": ["x", {"type": 1}]}]', "messages[0].content[1] is no content part"),
    ('[{"role": "assistant", "content": "x", "tool_calls": "f()"}]', "messages[0].tool_calls is no list of calls"),
    ('[{"from": "function_call", "value": "f(1)"}]', "messages[0] (a function_call) is no JSON"),
    ('[{"from": "function_call", "value": "{}"}]', "messages[0] is a function_call without a name"),
    ("[" * 100_000, "messages is nested more than 400 deep"),
]


@pytest.mark.parametrize(("value", "problem"), MISFITS, ids=[problem for _, problem in MISFITS])
def test_misfits_say_where_and_what(value: str | None, problem: str) -> None:
    good = '[{"role": "user", "content": "Hi"}]'
    _, mapped = read([{"messages": value}, {"messages": good}])
    assert mapped.problem is not None
    assert mapped.messages is not None
    assert mapped.problem[0].startswith(problem)
    assert (mapped.problem[1], mapped.messages.to_list()[0], turns(mapped.messages, 1)) == (
        None,
        None,
        [("user", "Hi")],
    )


def test_depth_is_counted_outside_texts() -> None:
    def nested(depth: int) -> str:
        return '[{"role": "user", "content": "' + "[{" * 500 + '\\"", "x": ' + "[" * depth + "1" + "]" * depth + "}]"

    _, mapped = read([{"messages": nested(398)}, {"messages": nested(399)}])
    assert mapped.problem is not None
    assert mapped.problem.to_list() == [None, "messages is nested more than 400 deep"]
    assert turns(mapped.messages) == [("user", "[{" * 500 + '"')]


def test_null_content_stays_null() -> None:
    _, mapped = read([{"messages": [{"role": "user", "content": None}, {"role": "assistant", "content": ""}]}])
    assert turns(mapped.messages) == [("user", None), ("assistant", "")]
    assert mapped.problem is None


def test_the_old_function_call_becomes_a_tool_call() -> None:
    call = {"name": "f", "arguments": '{"a": 1}'}
    _, mapped = read(
        [
            {
                "messages": [
                    {"role": "assistant", "content": None, "function_call": call},
                    {"role": "function", "name": "f", "content": "1"},
                ]
            }
        ]
    )
    assert mapped.messages is not None
    assert json.loads(mapped.messages[0][0]["tool_calls"]) == [{"id": "call_1", "type": "function", "function": call}]
    assert mapped.messages[0][1]["tool_call_id"] == "call_1"
    assert mapped.lost is not None
    assert mapped.lost[0] == "function_call,role:function"


def test_sharegpt_calls_keep_their_bytes_and_meet_their_answers() -> None:
    one = '{"name": "f", "arguments": {"x": 1.50, "y": ["é", 1e2]}}'
    two = '[{"name": "g", "arguments": {}}, {"name": "h", "arguments": {"q":  "spaced"}}]'
    talk = [
        {"from": "gpt", "value": "I begin."},
        {"from": "human", "value": "Go"},
        {"from": "function_call", "value": one},
        {"from": "observation", "value": "1"},
        {"from": "function_call", "value": two},
        {"from": "observation", "value": "2"},
        {"from": "observation", "value": "3"},
        {"from": "gpt", "value": "Done"},
    ]
    records = [{"conversations": talk, "tools": '[{"name": "f"}]', "system": "S"}]
    mapped, written = back(records, "sharegpt")
    assert mapped.messages is not None
    messages = mapped.messages[0].to_list()
    assert [m["role"] for m in messages] == [
        "system",
        "assistant",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == ["call_1", "call_2", "call_3"]
    arguments = json.loads(messages[3]["tool_calls"])[0]["function"]["arguments"]
    assert arguments == '{"x": 1.50, "y": ["é", 1e2]}'
    assert mapped.lost is None
    assert (written.records, written.lost) == (records, [[]])


def test_calls_in_another_layout_are_named_as_lost() -> None:
    _, mapped = read([{"conversations": [{"from": "function_call", "value": '{"name":"f","arguments":{}}'}]}])
    assert mapped.lost is not None
    assert mapped.lost[0] == "function_call layout"


def test_a_tools_turn_declares_tools() -> None:
    tools = '[{"name": "f"}]'
    _, mapped = read([{"conversations": [{"from": "tools", "value": tools}, {"from": "human", "value": "Hi"}]}])
    assert turns(mapped.messages) == [("user", "Hi")]
    assert mapped.tools is not None
    assert mapped.tools[0] == tools


def test_tools_that_are_a_json_string_are_opened_and_others_refused() -> None:
    talk = [{"from": "human", "value": "Hi"}]
    given = ['"[{\\"name\\": \\"f\\"}]"', "[]", "", None, "f(x)"]
    _, mapped = read([{"conversations": talk, "tools": tools} for tools in given])
    assert mapped.tools is not None
    assert mapped.problem is not None
    assert mapped.tools.to_list()[:4] == ['[{"name": "f"}]', "[]", None, None]
    assert mapped.problem.to_list() == [None, None, None, None, "tools is no JSON list"]


def test_a_system_column_must_agree_with_a_system_message() -> None:
    talk = [{"from": "system", "value": "S"}, {"from": "human", "value": "Hi"}]
    _, mapped = read([{"conversations": talk, "system": system} for system in ("S", "other", "", None)])
    assert mapped.problem is not None
    assert mapped.problem.to_list() == [None, "system differs from the system message", None, None]
    assert turns(mapped.messages, 0) == turns(mapped.messages, 2) == [("system", "S"), ("user", "Hi")]


def test_alpaca_joins_and_orders() -> None:
    records: list[dict[str, Any]] = [
        {"instruction": "I", "input": "", "output": "O", "system": None, "history": None},
        {"instruction": "I", "input": "X", "output": "O", "system": "S", "history": [["a", "b"], ["c", "d"]]},
        {"instruction": "", "input": "X", "output": "", "system": "", "history": []},
        {"instruction": None, "input": "X", "output": "O"},
        {"instruction": "I", "input": None, "output": None},
        {"instruction": "I", "output": "O", "history": [["a"]]},
        {"instruction": "I", "output": "O", "history": "earlier"},
    ]
    _, mapped = read(records)
    assert turns(mapped.messages, 0) == [("user", "I"), ("assistant", "O")]
    earlier = [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
    assert turns(mapped.messages, 1) == [("system", "S"), *earlier, ("user", "I\nX"), ("assistant", "O")]
    assert turns(mapped.messages, 2) == [("user", "X"), ("assistant", "")]
    assert mapped.problem is not None
    assert mapped.problem.to_list()[3:6] == [
        "instruction is null",
        "output is null",
        "history is a list, not a list of [question, answer]",
    ]
    assert mapped.problem[6].startswith("history is no JSON")


def test_a_prompt_may_be_text_or_messages_and_brackets_are_no_messages() -> None:
    listed = [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]
    texts = ["Hi", "[1, 2, 3] sort this", '[{"a": 1}] is JSON', '{"role": "user"', "[{role: user}]"]
    records = [{"prompt": listed, "completion": [{"role": "assistant", "content": "Yo"}]}]
    records += [{"prompt": text, "completion": "Yo"} for text in texts]  # type: ignore[dict-item]
    _, mapped = read(records)
    assert mapped.problem is None
    assert turns(mapped.messages, 0) == [("system", "S"), ("user", "Hi"), ("assistant", "Yo")]
    for row, text in enumerate(texts, start=1):
        assert turns(mapped.messages, row) == [("user", text), ("assistant", "Yo")]


def test_prompts_alone_end_on_the_user() -> None:
    _, mapped = read([{"prompt": "Hi"}])
    assert turns(mapped.messages) == [("user", "Hi")]


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


U, A, B = said("user", "q"), said("assistant", "good"), said("assistant", "bad")
PAIRS: list[tuple[str, dict[str, Any], list[dict[str, str]]]] = [
    ("texts", {"prompt": "q", "chosen": "good", "rejected": "bad"}, [B]),
    ("lists", {"prompt": [U], "chosen": [A], "rejected": [B]}, [B]),
    ("one message each", {"prompt": "q", "chosen": A, "rejected": B}, [B]),
    ("implicit prompt", {"chosen": [U, A], "rejected": [U, B]}, [B]),
    ("prompt said twice", {"prompt": "q", "chosen": [U, A], "rejected": [U, B]}, [B]),
    ("transcripts", {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"}, [B]),
    ("transcript prompt", {"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": "good", "rejected": "bad"}, [B]),
    (
        "parting early",
        {"chosen": [U, A], "rejected": [U, B, said("user", "why?"), said("assistant", "so")]},
        [B, said("user", "why?"), said("assistant", "so")],
    ),
    ("asked again", {"chosen": [U, A], "rejected": [U, said("user", "well?"), B]}, [U, said("user", "well?"), B]),
    ("other question", {"chosen": [U, A], "rejected": [said("user", "r"), B]}, [said("user", "r"), B]),
    (
        "sharegpt",
        {
            "conversations": [{"from": "human", "value": "q"}],
            "chosen": {"from": "gpt", "value": "good"},
            "rejected": {"from": "gpt", "value": "bad"},
        },
        [B],
    ),
    ("alpaca", {"instruction": "q", "input": "", "chosen": "good", "rejected": "bad"}, [B]),
    ("openai", {"input": {"messages": [U], "tools": []}, "preferred_output": [A], "non_preferred_output": [B]}, [B]),
]


@pytest.mark.parametrize(("name", "record", "rejected"), PAIRS, ids=[name for name, *_ in PAIRS])
def test_pairs_in_every_dress(name: str, record: dict[str, Any], rejected: list[dict[str, str]]) -> None:
    shape, mapped = read([record])
    assert (shape, mapped.problem) == ("preference", None)
    assert turns(mapped.messages) == [("user", "q"), ("assistant", "good")]
    assert turns(mapped.rejected) == [(m["role"], m["content"]) for m in rejected]


def test_rejected_that_parts_before_the_last_question_is_kept_whole() -> None:
    chosen = [U, A, said("user", "more"), said("assistant", "fine")]
    rejected = [U, B, said("user", "more"), said("assistant", "no")]
    mapped, written = back([{"chosen": chosen, "rejected": rejected}], "preference")
    assert turns(mapped.rejected) == [(m["role"], m["content"]) for m in rejected]
    assert written.records == [{"prompt": [U], "chosen": chosen[1:], "rejected": rejected[1:]}]


PAIR_MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": None, "chosen": "a", "rejected": "b"}, "prompt is null"),
    ({"prompt": "q", "chosen": None, "rejected": "b"}, "chosen is null"),
    ({"prompt": "q", "chosen": "a", "rejected": None}, "rejected is null"),
    (
        {"prompt": "other", "chosen": [U, A], "rejected": [U, B]},
        "chosen is a conversation that does not hold the prompt",
    ),
    ({"prompt": "q", "chosen": [said("boss", "a")], "rejected": "b"}, "chosen[0]: unknown role 'boss'; possible: "),
]


@pytest.mark.parametrize(("record", "problem"), PAIR_MISFITS, ids=[problem for _, problem in PAIR_MISFITS])
def test_pairs_that_do_not_fit(record: dict[str, Any], problem: str) -> None:
    good = {"prompt": "q", "chosen": "good", "rejected": "bad"}
    _, mapped = read([good, record])
    assert mapped.problem is not None
    assert mapped.problem[0] is None
    assert mapped.problem[1].startswith(problem)


def test_a_system_column_beside_pairs_is_said_once() -> None:
    listed = {
        "chosen": [said("system", "S"), U, A],
        "rejected": [said("system", "S"), U, B],
        "prompt": "q",
        "system": "S",
    }
    plain = {"chosen": "good", "rejected": "bad", "prompt": "q", "system": "S"}
    _, mapped = read([listed, plain])
    assert mapped.problem is None
    for row in (0, 1):
        assert turns(mapped.messages, row) == [("system", "S"), ("user", "q"), ("assistant", "good")]
        assert turns(mapped.rejected, row) == [("assistant", "bad")]


def test_answers_without_a_prompt() -> None:
    _, mapped = read([{"chosen": "a", "rejected": "b"}])
    assert mapped.problem is not None
    assert mapped.problem[0] == "chosen is an answer without a prompt"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=20)), min_size=1, max_size=5))
def test_transcripts_come_back(turns: list[tuple[str, str]]) -> None:
    if any("\n\nHuman:" in text or "\n\nAssistant:" in text for _, text in turns):
        return
    assert parse_transcript(write_transcript(turns)) == turns


def test_kto_wants_true_or_false() -> None:
    _, mapped = read(
        [{"prompt": "q", "completion": "a", "label": True}, {"prompt": "q", "completion": "a", "label": None}]
    )
    assert mapped.problem is not None
    assert mapped.problem.to_list() == [None, "label is null"]
    columns = {"prompt": "prompt", "completion": "completion", "label": "label"}
    _, mapped = read([{"prompt": "q", "completion": "a", "label": "true"}], "kto", **columns)
    assert mapped.problem is not None
    assert mapped.problem[0] == "label is a text, not true or false"


# -- back to the shape ----------------------------------------------------------------------------

CALL = {"id": "abc", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = [{"type": "function", "function": {"name": "f"}}]
ROUND: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("openai", {"messages": [said("system", "S"), {**U, "name": "ann"}, {**A, "weight": 0}]}, {}),
    (
        "openai",
        {
            "messages": [
                U,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {**said("tool", "1"), "tool_call_id": "abc"},
            ],
            "tools": TOOL,
        },
        {},
    ),
    ("sharegpt", {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": ""}]}, {}),
    ("alpaca", {"instruction": "I\nJ", "input": "X", "output": "O", "system": "S", "history": [["a", "b"]]}, {}),
    ("prompt_completion", {"prompt": [U], "completion": [A]}, {}),
    ("prompt_completion", {"prompt": "q", "completion": "good"}, {"form": "text"}),
    ("prompt_completion", {"system": "S", "prompt": "q", "completion": "good"}, {"form": "text"}),
    ("kto", {"prompt": [U], "completion": [A], "label": False}, {}),
    ("preference", {"prompt": [U], "chosen": [A], "rejected": [B]}, {}),
    ("preference", {"prompt": "q", "chosen": "good", "rejected": "bad"}, {"form": "text"}),
    (
        "preference",
        {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: other\n\nAssistant: bad"},
        {"form": "transcript"},
    ),
]


@pytest.mark.parametrize(
    ("shape", "record", "options"), ROUND, ids=[f"{shape} {options}" for shape, _, options in ROUND]
)
def test_there_and_back(shape: str, record: dict[str, Any], options: dict[str, Any]) -> None:
    mapped, written = back([record], shape, **options)
    assert mapped.problem is None
    assert (written.records, written.lost) == ([record], [[]])


def test_what_a_shape_cannot_hold_is_listed() -> None:
    rich = {"messages": [said("system", "S"), {**U, "name": "ann"}, {**A, "weight": 0}], "tools": TOOL}
    _, mapped = read([rich])
    assert mapped.messages is not None
    lost = {
        shape: to_shape(mapped.messages, shape, tools=mapped.tools, rejected=pl.Series([[B]])).lost[0]
        for shape in ("openai", "sharegpt", "alpaca")
    }
    assert lost == {
        "openai": ["rejected"],
        "sharegpt": ["name", "weight", "rejected"],
        "alpaca": ["name", "weight", "tools", "rejected"],
    }
    assert to_shape(mapped.messages, "kto") == Shaped([None], [["a label"]])
    assert to_shape(mapped.messages, "preference") == Shaped([None], [["a rejected answer"]])
    with pytest.raises(UsageError, match="did you mean 'alpaca'"):
        to_shape(mapped.messages, "alpacca")


def test_instruction_and_input_part_again_only_while_the_text_is_theirs() -> None:
    record = {"instruction": "I", "input": "X", "output": "O"}
    _, mapped = read([record])
    assert mapped.messages is not None
    source = pl.DataFrame([{"instruction": "I", "input": "X edited since"}])
    assert to_shape(mapped.messages, "alpaca", source=source).records == [
        {"instruction": "I\nX", "input": "", "output": "O"}
    ]


def load(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no data at {path} (set TAMIS_DATA)")
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    if ".jsonl" in name:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    return list(json.loads(text))


REAL: list[tuple[str, str, dict[str, Any]]] = [
    ("llama-factory-demo/alpaca_en_demo.json.gz", "alpaca", {}),
    ("llama-factory-demo/alpaca_zh_demo.json.gz", "alpaca", {}),
    ("llama-factory-demo/identity.json", "alpaca", {}),
    ("llama-factory-demo/glaive_toolcall_en_demo.json.gz", "sharegpt", {}),
    ("sharegpt-dummy/dummy_conversation.json.gz", "sharegpt", {}),
    ("hh-rlhf-harmless-test/harmless-base_test.jsonl.gz", "preference", {"form": "transcript"}),
    ("gpteacher/codegen-instruct.json.gz", "alpaca", {}),
    ("gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz", "alpaca", {}),
    ("gpteacher/toolformer-dedupe-only-dataset.json.gz", "alpaca", {}),
    ("self-instruct/davinci_predictions.jsonl.gz", "alpaca", {}),
]


@pytest.mark.parametrize(("name", "shape", "options"), REAL, ids=[name for name, *_ in REAL])
def test_real_sets_come_back_whole(name: str, shape: str, options: dict[str, Any]) -> None:
    records = load(name)
    mapped, written = back(records, shape, **options)
    assert (mapped.problem, mapped.lost) == (None, None)
    assert [row for row, lost in enumerate(written.lost) if lost] == []
    renamed = {"output": "response"} if "response" in records[0] else {}
    for record, again in zip(records, written.records, strict=True):
        assert again is not None
        assert again == {name: record[renamed.get(name, name)] for name in again}


def test_real_tool_dialogues_come_back_whole() -> None:
    records = [{"messages": row["traj"]} for row in load("dialog-taubench-fewshot/gpt-4o-airline_trajectories.json.gz")]
    mapped, written = back(records, "openai")
    assert (mapped.problem, mapped.lost) == (None, None)
    assert written.records == records


def test_real_content_parts_become_texts_and_what_they_cannot_be_is_named() -> None:
    records = load("llama-factory-demo/v1_sft_demo.jsonl.gz")
    mapped, written = back(records, "openai")
    assert (mapped.problem, mapped.lost) == (None, None)
    for record, again in zip(records, written.records, strict=True):
        assert again == {
            "messages": [
                {"role": m["role"], "content": m["content"][0]["value"], "weight": int(m["loss_weight"])}
                for m in record["messages"]
            ]
        }
    _, mapped = read(load("llama-factory-demo/reason_tool_use_demo_50.jsonl.gz"))
    assert mapped.problem is None
    assert mapped.lost is not None
    assert set(mapped.lost.to_list()) == {"reasoning"}


def test_real_pairs_of_message_lists() -> None:
    records = load("llama-factory-demo/v1_dpo_demo.jsonl")
    _, mapped = read(records)
    assert (mapped.problem, mapped.lost) == (None, None)
    for row, record in enumerate(records):
        assert turns(mapped.messages, row) == [(m["role"], m["content"][0]["value"]) for m in record["chosen_messages"]]
        assert turns(mapped.rejected, row)[-1][1] == record["rejected_messages"][-1]["content"][0]["value"]
