"""Requests and replies of the chat APIs, as bodies: what is sent, and what comes back in all its variants."""

from __future__ import annotations

from typing import Any

import pytest

from tamis.core.calls import Ask, CallFailed
from tamis.llm.shapes import anthropic, openai
from tamis.llm.spec import Model
from tests import endpoint as served
from tests.endpoint import Said

MODEL = Model(model="x/m")
HELLO = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"})
CLOSED = {
    "type": "object",
    "properties": {"label": {"enum": ["a", "b"]}, "of": {"type": "array", "items": {"type": "string"}}},
    "required": ["label", "of"],
    "additionalProperties": False,
}


def test_a_plain_request() -> None:
    assert openai.chat_request("m", Ask(HELLO), MODEL) == ("/chat/completions", {"model": "m", "messages": list(HELLO)})
    assert anthropic.chat_request("m", Ask(HELLO), MODEL) == (
        "/messages",
        {"model": "m", "max_tokens": 4096, "system": "Be brief.", "messages": [HELLO[1]]},
    )


def test_settings_of_the_ask_come_before_those_of_the_model() -> None:
    model = Model(model="x/m", temperature=0.7, top_p=0.9, max_tokens=50, seed=3)
    ask = Ask(HELLO, temperature=0.0, max_tokens=9, stop=("\n",), sample=2, logprobs=30)
    _, body = openai.chat_request("m", ask, model)
    expected = {"temperature": 0.0, "top_p": 0.9, "max_tokens": 9, "stop": ["\n"], "seed": 5}
    assert {key: body[key] for key in expected} == expected
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    _, body = anthropic.chat_request("m", ask, model)
    expected = {"temperature": 0.0, "top_p": 0.9, "max_tokens": 9, "stop_sequences": ["\n"]}
    assert {key: body[key] for key in expected} == expected
    assert not {"seed", "logprobs", "stop"} & set(body)
    assert anthropic.left_out("m", ask, model) == ("logprobs", "seed")


@pytest.mark.parametrize(
    "name", ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-mini", "openai/gpt-5.1", "ft:o4-mini:us"]
)
def test_models_that_think(name: str) -> None:
    ask = Ask(HELLO, temperature=0.0, max_tokens=9, stop=("x",), logprobs=5)
    _, body = openai.chat_request(name, ask, MODEL)
    assert body["max_completion_tokens"] == 9
    assert not {"max_tokens", "temperature", "stop", "logprobs", "top_logprobs"} & set(body)
    assert openai.left_out(name, ask, MODEL) == ("temperature", "stop", "logprobs")


@pytest.mark.parametrize(
    "name", ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "gpt-oss-20b", "marco-o1", "llama-3", "gpt-3.5-turbo", "o"]
)
def test_models_that_do_not(name: str) -> None:
    ask = Ask(HELLO, temperature=0.0, max_tokens=9)
    _, body = openai.chat_request(name, ask, MODEL)
    assert (body["max_tokens"], body["temperature"]) == (9, 0.0)
    assert openai.left_out(name, ask, MODEL) == ()


def test_a_schema_is_sent_where_it_is_enforced() -> None:
    _, body = openai.chat_request("m", Ask(HELLO, schema=CLOSED), MODEL)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
    }
    _, body = anthropic.chat_request("m", Ask(HELLO, schema=CLOSED), MODEL)
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert "response_format" not in openai.chat_request("m", Ask(HELLO, schema=CLOSED), MODEL, enforce=False)[1]
    assert "output_config" not in anthropic.chat_request("m", Ask(HELLO, schema=CLOSED), MODEL, enforce=False)[1]


@pytest.mark.parametrize(
    ("schema", "is_closed"),
    [
        (CLOSED, True),
        ({**CLOSED, "required": ["label"]}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({"type": "object"}, False),
        ({**CLOSED, "properties": {**CLOSED["properties"], "of": {"type": "object", "properties": {}}}}, False),  # type: ignore[dict-item]
        ({**CLOSED, "$defs": {"x": {"type": "object"}}}, False),
        # a property may bear the name of a word of the schema
        (
            {
                "type": "object",
                "properties": {"properties": {"type": "string"}},
                "required": ["properties"],
                "additionalProperties": False,
            },
            True,
        ),
    ],
)
def test_strict_is_asked_where_the_schema_allows_it(schema: dict[str, Any], is_closed: bool) -> None:
    assert openai.closed(schema) is is_closed


def test_tools_in_both_forms() -> None:
    function = {"name": "look_up", "description": "Looks up.", "parameters": {"type": "object", "properties": {}}}
    call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"q": 1}'}}
    ask = Ask(
        (
            {"role": "user", "content": "Look"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
        ),
        tools=({"type": "function", "function": function},),
    )
    assert openai.chat_request("m", ask, MODEL)[1]["tools"] == [{"type": "function", "function": function}]
    _, body = anthropic.chat_request("m", ask, MODEL)
    assert body["tools"] == [{"name": "look_up", "description": "Looks up.", "input_schema": function["parameters"]}]
    assert body["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look_up", "input": {"q": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "found"}]},
    ]


YES = Said("yes")


def reply(said: Said = YES, **message: Any) -> dict[str, Any]:
    whole = served.chat(said, "m")
    whole["choices"][0]["message"] |= message
    return whole


def test_a_reply_is_read() -> None:
    found = openai.read_chat(reply(Said("yes", tokens_in=12, tokens_out=3, tokens_cached=8)), Ask(HELLO))
    assert found[:6] == ("yes", "m", "stop", 12, 3, 8)
    found = anthropic.read_chat(
        served.messages(Said("yes", tokens_in=12, tokens_out=3, tokens_cached=8), "m"), Ask(HELLO)
    )
    assert found[:6] == ("yes", "m", "stop", 20, 3, 8)  # cached tokens are told apart there


def test_the_model_that_answered_is_told() -> None:
    assert openai.read_chat(reply(Said("x", model="other")), Ask(HELLO)).model == "other"
    assert anthropic.read_chat(served.messages(Said("x", model="other"), "m"), Ask(HELLO)).model == "other"


@pytest.mark.parametrize(
    ("data", "text", "finish"),
    [
        (reply(content=None), "", "stop"),
        (reply(Said("cut", "length")), "cut", "length"),
        (reply(Said(None, "content_filter")), "", "content_filter"),
        (reply(content=None, refusal="I cannot."), "I cannot.", "refusal"),
        (reply(content=[{"type": "text", "text": "a"}, {"type": "reasoning", "text": "no"}, "b"]), "ab", "stop"),
        (reply(Said("x", None)), "x", "stop"),  # type: ignore[arg-type]
        (reply(Said("x", "eos_token")), "x", "stop"),
    ],
)
def test_replies_in_their_variants(data: Any, text: str, finish: str) -> None:
    found = openai.read_chat(data, Ask(HELLO))
    assert (found.text, found.finish) == (text, finish)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
    ],
)
def test_anthropics_ends(reason: str, finish: str) -> None:
    data = served.messages(Said("x"), "m") | {"stop_reason": reason}
    assert anthropic.read_chat(data, Ask(HELLO)).finish == finish


@pytest.mark.parametrize(
    "usage", [None, {}, [], {"prompt_tokens": "12"}, {"prompt_tokens": True, "completion_tokens": -1}]
)
def test_usage_that_is_missing_is_unknown_and_not_nothing(usage: Any) -> None:
    data = reply() | {"usage": usage}
    assert openai.read_chat(data, Ask(HELLO))[3:6] == (None, None, None)


def test_log_probabilities() -> None:
    said = Said("yes", logprobs=[("yes", -0.1, [("yes", -0.1), ("no", -2.5)])])
    found = openai.read_chat(reply(said), Ask(HELLO, logprobs=2))
    assert found.tokens == (("yes", -0.1, (("yes", -0.1), ("no", -2.5))),)
    assert openai.read_chat(reply(said), Ask(HELLO)).tokens == ()
    assert openai.read_chat(reply(), Ask(HELLO, logprobs=2)).tokens == ()


def test_the_choice_is_found_by_its_index() -> None:
    data = reply()
    other = {**data["choices"][0], "index": 1, "message": {"content": "second"}}
    data["choices"] = [other, *data["choices"]]
    assert openai.read_chat(data, Ask(HELLO)).text == "yes"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"choices": []},
        {"choices": {}},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"message": "yes"}]},
        {"choices": [{"message": {"content": 5}}]},
        {"choices": [{"message": {"content": {"a": 1}}}]},
        {"choices": [{"message": {"content": [{"type": "text", "text": 5}]}}]},
        {"choices": [{"message": {"content": [5]}}]},
        {"choices": [{"message": {"content": "x", "tool_calls": "y"}}]},
        {"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{"token": "x"}]}}]},
        {
            "choices": [
                {"message": {"content": "x"}, "logprobs": {"content": [{"token": "x", "logprob": float("nan")}]}}
            ]
        },
        {"choices": [{"message": {"content": "x"}, "logprobs": {"content": "x"}}]},
    ],
)
def test_what_breaks_the_promise_is_unreadable(data: Any) -> None:
    with pytest.raises(CallFailed) as failed:
        openai.read_chat(data, Ask(HELLO, logprobs=2))
    assert failed.value.reason == "unreadable"


@pytest.mark.parametrize("data", [None, {}, {"content": "x"}, {"content": [5]}, {"content": [{"type": "text"}]}])
def test_anthropics_unreadable_replies(data: Any) -> None:
    with pytest.raises(CallFailed) as failed:
        anthropic.read_chat(data, Ask(HELLO))
    assert failed.value.reason == "unreadable"


def test_an_upstream_that_failed_inside_a_choice() -> None:
    data = reply()
    data["choices"][0]["error"] = {"code": 502, "message": "upstream"}
    with pytest.raises(CallFailed) as failed:
        openai.read_chat(data, Ask(HELLO))
    assert failed.value.reason == "server"
