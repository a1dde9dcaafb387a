"""map.sharegpt; what the shape holds is in tests/engine/test_shapes.py."""

from __future__ import annotations

import json
from typing import Any

from tamis.steps.map.sharegpt import Sharegpt
from tamis.testing import run_step

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"conversations": '[{"from": "human", "value": "q"}]'}, "kept"),
    ({}, {"conversations": "[]"}, "not_this_shape"),
]


def test_turns_tools_and_system() -> None:
    talk = json.dumps(
        [{"from": "gpt", "value": "Hello"}, {"from": "human", "value": "q"}, {"from": "observation", "value": "o"}]
    )
    result = run_step(
        Sharegpt(conversations="talk", tools="t", system="s"),
        [{"talk": talk, "t": "[]", "s": "S"}, {"talk": talk, "t": "?", "s": ""}],
    )
    assert [(m["role"], m["content"]) for m in result.rows[0]["messages"]] == [
        ("system", "S"),
        ("assistant", "Hello"),
        ("user", "q"),
        ("tool", "o"),
    ]
    assert result.rows[0]["tools"] == "[]"
    assert result.evidence[1] == {"problem": "t is no JSON list", "lost": None}
