"""filter.special_tokens"""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.special_tokens import _table, cut_tokens, find_tokens
from tamis.steps.filter.special_tokens import SpecialTokens
from tamis.testing import run_step

KINDS = ("chat", "turns", "bytes")
CASES: list[Any] = [
    ({}, {"response": "Sure.<|im_end|>"}, "leaked_token"),
    ({}, {"response": "Sure."}, "kept"),
    ({}, {"response": None}, "kept"),
    ({}, {"prompt": "[INST] Hello [/INST]", "response": "Hello"}, "leaked_token"),
    ({"in": "response"}, {"prompt": "[INST] Hello [/INST]", "response": "Hello"}, "kept"),
    ({}, {"prompt": "### Instruction: translate\n### Response:", "response": "Hallo"}, "kept"),
    ({}, {"prompt": "Translate.", "response": "### Response: Hallo"}, "leaked_token"),
    ({"kinds": ("chat",)}, {"response": "### Response: Hallo"}, "kept"),
    ({}, {"response": "Write `<s>` first."}, "kept"),
    ({"mentions": "count"}, {"response": "Write `<s>` first."}, "leaked_token"),
    ({"action": "cut"}, {"response": "Sure.<|im_end|>"}, "kept"),
    ({"action": "cut"}, {"response": "<|im_start|><|im_end|>"}, "nothing_left"),
    ({"in": "text"}, {"text": "One page.<|endoftext|>The next"}, "leaked_token"),
    ({"in": "text", "action": "cut"}, {"text": "One page.<|endoftext|>"}, "kept"),
    ({"in": "column:note", "action": "cut"}, {"note": "Thanks</s>"}, "kept"),
]


def labelled() -> ModuleType:
    spec = importlib.util.spec_from_file_location("labelled", Path(__file__).parent / "labelled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("held", [False, True])
def test_the_labelled_sample_is_judged_as_the_docs_say(held: bool) -> None:
    rows = labelled().sample("special_tokens", held=held)
    outcomes = run_step(SpecialTokens(), [{"response": row["text"]} for row in rows]).outcomes
    judged = dict(zip((row["text"] for row in rows), outcomes, strict=True))
    precision, recall = labelled().precision_recall(rows, lambda row: judged[row["text"]] != "kept")
    assert len(rows) == (40 if held else 76)
    assert precision >= 0.95
    assert recall >= 0.95


def test_the_span_points_at_the_token() -> None:
    messages = [
        {"role": "user", "content": "Ça va ?"},
        {"role": "assistant", "content": "Très bien.<|eot_id|> Merci.<|eot_id|>"},
    ]
    evidence = run_step(SpecialTokens(), [{"messages": messages}]).evidence[0]
    assert evidence == {"tokens": 2, "token": "<|eot_id|>", "kind": "chat", "message": 1, "start": 10, "end": 20}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Sure.<|im_end|>", "Sure."),
        ("It is so.\n\nHuman: And why?\n\nAssistant: Because.", "It is so."),
        ("### Response:\nThree.", "Three."),
        ("ĠtheĠcatĠsat", "the cat sat"),
        ("one<0x0A>two", "one\ntwo"),
        ("Nothing to cut, `</s>` is a token.", "Nothing to cut, `</s>` is a token."),
    ],
)
def test_what_cutting_leaves(text: str, left: str) -> None:
    assert cut_tokens(text, KINDS)[0] == left


def test_only_the_messages_with_tokens_change() -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi<|im_end|>"},
        {"role": "assistant", "content": None, "tool_calls": "[]"},
        {"role": "assistant", "content": "  Hello, `<|im_end|>` ends a turn. "},
    ]
    result = run_step(SpecialTokens(action="cut"), [{"messages": messages}, {"messages": messages[:1]}])
    assert [m["content"] for m in result.column("messages")[0]] == [
        "Be kind.",
        "Hi",
        None,
        "  Hello, `<|im_end|>` ends a turn. ",
    ]
    assert result.changed == [True, False]


pieces = st.sampled_from(
    [
        "<|im_end|>",
        "</s>",
        "<s>",
        "[INST]",
        "Ġ",
        "a",
        "▁the",
        "\n\nHuman: ",
        "Assistant:",
        "### Response:",
        " ",
        "`",
        "é.",
    ]
)


@given(st.lists(pieces, max_size=8).map("".join))
def test_the_kernel_marks_every_text_in_which_something_is_found(text: str) -> None:
    from tamis.engine.kernels.phrases import mark_phrases

    out = np.empty(1, np.int32)
    raw = np.frombuffer(text.encode(), np.uint8)
    mark_phrases(raw, np.array([0, len(raw)]), _table(), out)
    if find_tokens(text, KINDS, mentions=True) or find_tokens(text, KINDS):
        assert out[0] >= 0
    assert (
        not find_tokens(cut_tokens("x" + text, ("chat",), mentions=True)[0], ("bytes",)) or "Ġ" in text or "▁" in text
    )


def test_good_instruction_rows_stay(data: Path) -> None:
    for name, field in (
        ("gpteacher/codegen-instruct.json.gz", "response"),
        ("llama-factory-demo/alpaca_en_demo.json.gz", "output"),
    ):
        rows = json.loads(gzip.decompress((data / name).read_bytes()))
        result = run_step(SpecialTokens(), [{"prompt": r["instruction"], "response": r[field]} for r in rows])
        assert result.line == f"{len(rows)} in = {len(rows)} kept"
