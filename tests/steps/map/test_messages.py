"""map.messages; what the shape holds is in tests/engine/test_shapes.py."""

from __future__ import annotations

import json
from typing import Any

from tamis.steps.map.messages import Messages
from tamis.testing import run_step

TALK = json.dumps([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}])

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"source.messages": '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]'}, "kept"),
    ({}, {"source.messages": "[]"}, "not_this_shape"),
]


def test_messages_tools_and_system() -> None:
    rows = [{"talk": TALK, "t": '[{"name": "f"}]', "s": "S"}, {"talk": TALK, "t": None, "s": None}]
    result = run_step(Messages(messages="talk", tools="t", system="s"), rows)
    first, second = result.rows
    assert [(m["role"], m["content"], m["weight"]) for m in first["messages"]] == [
        ("system", "S", None),
        ("user", "q", None),
        ("assistant", "a", 0),
    ]
    assert (first["tools"], second["tools"]) == ('[{"name": "f"}]', None)
    assert [m["role"] for m in second["messages"]] == ["user", "assistant"]


def test_the_sources_column_comes_before_messages_of_an_earlier_step() -> None:
    result = run_step(Messages(), [{"prompt": "old", "source.messages": TALK}])
    assert [m["content"] for m in result.rows[0]["messages"]] == ["q", "a"]
    assert result.changed == [True]
