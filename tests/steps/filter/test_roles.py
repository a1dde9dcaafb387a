"""filter.roles"""

from __future__ import annotations

from typing import Any

import pytest

from tamis.steps.filter.roles import Roles
from tamis.testing import run_step

CALL = '[{"id": "1", "function": {"name": "find", "arguments": "{}"}}]'


def chat(*turns: str | tuple[str, str | None] | dict[str, Any]) -> dict[str, Any]:
    """A conversation: a role (saying its own name), (role, content), or a whole message."""
    messages = []
    for n, turn in enumerate(turns):
        if isinstance(turn, str):
            turn = (turn, f"{turn} {n}")
        messages.append(turn if isinstance(turn, dict) else {"role": turn[0], "content": turn[1]})
    return {"messages": messages}


CALLING = {"role": "assistant", "content": None, "tool_calls": CALL}
CASES: list[Any] = [
    ({}, chat("user", "assistant"), "kept"),
    ({}, chat("system", "user", "assistant", "user", "assistant"), "kept"),
    ({}, chat(("system", ""), "user", "assistant"), "kept"),
    ({}, chat("user", CALLING, "tool", "tool", "assistant"), "kept"),
    ({}, chat("user", CALLING, ("tool", ""), CALLING, "tool", "assistant"), "kept"),
    ({}, chat("user", CALLING), "kept"),
    ({}, chat("user", "assistant", "narrator"), "unknown_role"),
    ({}, {"messages": [{"role": None, "content": "x"}]}, "unknown_role"),
    ({}, chat("user", "system", "assistant"), "system_late"),
    ({}, chat("system", "assistant"), "not_user_first"),
    ({}, chat("assistant", "user", "assistant"), "not_user_first"),
    ({}, chat("user", "user", "assistant"), "same_role_twice"),
    ({}, chat("user", "assistant", "assistant"), "same_role_twice"),
    ({}, chat("user", "tool", "assistant"), "stray_tool"),
    ({}, chat("user", "assistant", "tool"), "stray_tool"),
    ({}, chat("user", {**CALLING, "tool_calls": "[]", "content": "x"}, "tool"), "stray_tool"),
    ({}, chat("user", CALLING, "user", "assistant"), "unanswered_call"),
    ({}, chat("user", CALLING, "assistant"), "unanswered_call"),
    ({}, chat("user"), "wrong_last"),
    ({}, chat("user", CALLING, "tool"), "wrong_last"),
    ({"last": "user"}, chat("user", "assistant"), "wrong_last"),
    ({"last": "user"}, chat("user", "assistant", "user"), "kept"),
    ({"last": "any"}, chat("user", CALLING, "tool"), "kept"),
    ({}, chat("user", ("assistant", " \u200b")), "empty_turn"),
    ({}, chat(("user", None), "assistant"), "empty_turn"),
    ({}, chat(("user", "Say  hello,\nWorld"), ("assistant", "say hello, world ")), "echo"),
    ({}, chat(("user", "a"), "assistant", ("user", "Ok"), ("assistant", "OK")), "echo"),
    ({}, chat(("user", "Say é"), ("assistant", "Say É")), "kept"),
    ({}, chat(("user", "Hello"), ("assistant", "Hello!")), "kept"),
    ({}, chat(("user", "Hello!"), ("assistant", "Hello")), "kept"),
    ({}, {"messages": []}, "kept"),
    ({}, {"messages": None}, "kept"),
    ({}, {"text": "a document"}, "kept"),
    (
        {"in": "rejected"},
        {**chat("user", "assistant"), "rejected": chat("user", "user", "assistant")["messages"]},
        "same_role_twice",
    ),
    ({"in": "rejected"}, {**chat("user", "user"), "rejected": None}, "kept"),
]


def test_the_message_at_fault_is_told() -> None:
    rows = [
        chat("user", "assistant"),
        chat("user", "user"),
        chat("user", "assistant", "user", ("assistant", "user 2")),
        chat("user"),
    ]
    assert [row["message"] for row in run_step(Roles(), rows).evidence] == [None, 1, 3, 0]


def test_tool_conversations_of_a_real_agent_stand(data: Any) -> None:
    import gzip
    import json

    path = data / "dialog-taubench-fewshot" / "gpt-4o-airline_trajectories.json.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    rows = []
    for run in json.loads(gzip.decompress(path.read_bytes())):
        turns = [dict(turn) for turn in run["traj"]]
        for turn in turns:
            turn["tool_calls"] = json.dumps(turn["tool_calls"]) if turn.get("tool_calls") else None
        rows.append({"messages": turns})
    result = run_step(Roles(last="any"), rows)
    assert len(rows) == 200
    assert result.line == "200 in = 200 kept"
