"""privacy.detect"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.privacy.detect import Detect
from tamis.testing import run_step


def answer(text: str | None, **more: Any) -> dict[str, Any]:
    return {"prompt": "Hello", "response": text, **more}


MAIL = answer("Write to ada@example.org, or call +49 30 901820.")
CASES: list[Any] = [
    ({}, MAIL, "kept"),
    ({}, answer(None), "kept"),
    ({}, answer("Nothing personal here: version 1.2.3.4 of 2024-05-06, order 4711-0815."), "kept"),
    ({"drop": ["email"]}, MAIL, "personal"),
    ({"drop": ["api_key", "pem"]}, answer("password: hunter2!"), "secret"),
    ({"drop": ["api_key", "email"]}, [answer("password: hunter2!"), MAIL, answer("Bye")], ["secret", "personal", "kept"]),
    ({"drop": ["email"], "min_certain": 99}, MAIL, "kept"),
    ({"in": "prompt", "drop": ["email"]}, MAIL, "kept"),
    ({"in": "column:note", "drop": ["email"]}, answer("Hi", note="ada@example.org"), "personal"),
    ({"kinds": ["card"], "columns": True}, answer("4111 1111 1111 1111"), "kept"),
    ({"known": ["customer_name"], "drop": ["person"]}, answer("As Ms ADA said.", customer_name="Ada Lovelace"), "personal"),
    ({"region": "GB", "drop": ["phone"]}, answer("Ring the shop (0117 496 0123)."), "personal"),
]  # fmt: skip


def spans(settings: dict[str, Any], row: dict[str, Any]) -> list[dict[str, Any]]:
    found = run_step(Detect.model_validate(settings), [row]).evidence[0]["spans"]
    assert found is None or isinstance(found, list)
    return found or []


def test_spans_are_told_in_code_points_of_the_message() -> None:
    text = "Grüße 👋 an ada@example.org"
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": text}]}
    (span,) = spans({}, row)
    assert span["view"] == "all"
    assert span["message"] == 1
    assert text[span["start"] : span["end"]] == "ada@example.org"
    assert span["kind"] == "email"


def test_each_message_counts_once_however_many_views_hold_it() -> None:
    assert len(spans({"in": ["response", "all"]}, MAIL)) == len(spans({"in": "all"}, MAIL)) == 2


def test_arguments_of_tool_calls_are_looked_through() -> None:
    calls = json.dumps([{"function": {"name": "mail", "arguments": json.dumps({"to": "ada@example.org"})}}])
    row = {
        "messages": [
            {"role": "user", "content": "Send it"},
            {"role": "assistant", "content": None, "tool_calls": calls},
        ]
    }
    (span,) = spans({}, row)
    assert (span["view"], span["message"]) == ("tool_calls", 1)
    assert calls[span["start"] : span["end"]] == "ada@example.org"
    assert not spans({"tool_calls": False}, row)


def test_the_evidence_never_holds_what_was_found() -> None:
    values = ["ada@example.org", "4111 1111 1111 1111", "hunter2!x", "DE89 3704 0044 0532 0130 00", "Ada Lovelace"]
    row = answer(
        "ada@example.org pays by card 4111 1111 1111 1111, password: hunter2!x, IBAN DE89 3704 0044 0532 0130 00. My name is Ada Lovelace."
    )
    result = run_step(Detect(columns=True), [row])
    assert result.evidence[0]["found"] == 5
    told = json.dumps(result.evidence[0]) + str({k: v for k, v in result.rows[0].items() if k.startswith("privacy.")})
    assert not [value for value in values if value in told]


def test_rows_without_finds_have_no_evidence() -> None:
    assert run_step(Detect(), [answer("Bye")]).evidence[0] == {"found": None, "kinds": None, "spans": None}


def test_columns_are_added_where_asked() -> None:
    result = run_step(Detect(columns=True), [MAIL, answer("Bye")])
    assert result.column("privacy.detect.found") == [2, 0]
    assert result.column("privacy.detect.kinds") == ["email 1, phone 1", None]


def test_values_of_known_columns_are_found_in_every_message() -> None:
    row = {"prompt": "I am João Silva.", "response": "Hello, Mr SILVA!", "name": "João Silva"}
    found = spans({"known": ["name"], "kinds": ["person"]}, row)
    assert [(span["message"], span["start"], span["end"]) for span in found] == [(0, 5, 15), (1, 10, 15)]


@pytest.mark.parametrize(
    "settings",
    [
        {"kinds": []},
        {"in": []},
        {"kinds": ["email"], "drop": ["pem"]},
        {"known": ["x"], "kinds": ["email"]},
        {"region": "de"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Detect.model_validate(settings)


def test_a_region_nobody_knows_is_told() -> None:
    with pytest.raises(UsageError, match="'XX'"):
        run_step(Detect(region="XX"), [MAIL])
