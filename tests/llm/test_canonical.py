"""What makes a request another one, and what does not."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.calls import Ask
from tamis.core.errors import UsageError
from tamis.llm.canonical import canonical, chat_key, other_key, text_keys
from tamis.llm.spec import Connection, Model

SCHEMA = {"type": "object", "properties": {"label": {"enum": ["a", "b"]}}, "required": ["label"]}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
ASK = Ask(
    messages=({"role": "system", "content": "Label it."}, {"role": "user", "content": "hello"}),
    schema=SCHEMA,
    temperature=0.5,
    max_tokens=100,
    tools=(TOOL,),
)
MODEL = Model(model="lab/m")
AT = Connection(url="http://127.0.0.1:9/v1")
KEY = chat_key(ASK, MODEL, "m", AT).key


def changed(**fields: Any) -> Ask:
    return replace(ASK, **fields)


MISSES: dict[str, bytes] = {
    "system prompt": chat_key(
        changed(messages=({"role": "system", "content": "Label it!"}, ASK.messages[1])), MODEL, "m", AT
    ).key,
    "no system prompt": chat_key(changed(messages=ASK.messages[1:]), MODEL, "m", AT).key,
    "message": chat_key(changed(messages=(ASK.messages[0], {"role": "user", "content": "hello "})), MODEL, "m", AT).key,
    "message order": chat_key(changed(messages=ASK.messages[::-1]), MODEL, "m", AT).key,
    "schema": chat_key(changed(schema={**SCHEMA, "required": []}), MODEL, "m", AT).key,
    "no schema": chat_key(changed(schema=None), MODEL, "m", AT).key,
    "enum order": chat_key(
        changed(schema={**SCHEMA, "properties": {"label": {"enum": ["b", "a"]}}}), MODEL, "m", AT
    ).key,
    "temperature": chat_key(changed(temperature=0.6), MODEL, "m", AT).key,
    "top_p": chat_key(changed(top_p=0.9), MODEL, "m", AT).key,
    "max_tokens": chat_key(changed(max_tokens=101), MODEL, "m", AT).key,
    "stop": chat_key(changed(stop=("\n",)), MODEL, "m", AT).key,
    "logprobs": chat_key(changed(logprobs=5), MODEL, "m", AT).key,
    "sample": chat_key(changed(sample=1), MODEL, "m", AT).key,
    "tools": chat_key(changed(tools=()), MODEL, "m", AT).key,
    "another tool": chat_key(changed(tools=(TOOL, TOOL)), MODEL, "m", AT).key,
    "seed": chat_key(ASK, MODEL.model_copy(update={"seed": 1}), "m", AT).key,
    "model": chat_key(ASK, MODEL, "m2", AT).key,
    "base URL": chat_key(ASK, MODEL, "m", Connection(url="http://127.0.0.1:9/v2")).key,
    "cache_as": chat_key(ASK, MODEL, "m", Connection(url="http://127.0.0.1:9/v1", cache_as="lab")).key,
    "shape": chat_key(ASK, MODEL, "m", Connection(url="http://127.0.0.1:9/v1", shape="anthropic")).key,
    "kind": other_key("logprobs", "m", AT, {"messages": list(ASK.messages)}).key,
}
HITS: dict[str, bytes] = {
    "slots": chat_key(ASK, MODEL, "m", AT.model_copy(update={"slots": 7})).key,
    "deadline": chat_key(ASK, MODEL, "m", AT.model_copy(update={"deadline": 7.0})).key,
    "retries": chat_key(ASK, MODEL, "m", AT.model_copy(update={"retries": 0})).key,
    "key_env": chat_key(ASK, MODEL, "m", AT.model_copy(update={"key_env": "OTHER"})).key,
    "slash at the end of the URL": chat_key(ASK, MODEL, "m", Connection(url="http://127.0.0.1:9/v1/")).key,
    "price": chat_key(ASK, Model.model_validate({"model": "lab/m", "price": {"input": 1}}), "m", AT).key,
    "temperature from the recipe": chat_key(
        changed(temperature=None), Model(model="lab/m", temperature=0.5), "m", AT
    ).key,
    "whole floats": chat_key(changed(max_tokens=100.0), MODEL, "m", AT).key,
    "order of names": chat_key(
        changed(
            messages=({"content": "Label it.", "role": "system"}, {"content": "hello", "role": "user"}),
            schema=dict(reversed(SCHEMA.items())),
        ),
        MODEL,
        "m",
        AT,
    ).key,
    "moved, under its name": chat_key(ASK, MODEL, "m", Connection(url="http://x/", cache_as="http://127.0.0.1:9/v1")).key,
}  # fmt: skip


@pytest.mark.parametrize("what", MISSES)
def test_another_request(what: str) -> None:
    assert MISSES[what] != KEY


def test_all_misses_differ_from_each_other() -> None:
    assert len({*MISSES.values(), KEY}) == len(MISSES) + 1


@pytest.mark.parametrize("what", HITS)
def test_the_same_request(what: str) -> None:
    assert HITS[what] == KEY


def test_a_key_is_the_same_for_ever() -> None:
    """Replies were bought under it."""
    assert KEY.hex() == "9a41be14d27f6807fb250d15924caaa6"


def test_rows_of_one_prompt_share_it() -> None:
    def prompt(system: str, user: str) -> bytes:
        ask = Ask(messages=({"role": "system", "content": system}, {"role": "user", "content": user}))
        return chat_key(ask, MODEL, "m", AT).prompt

    assert prompt("Label it.", "one") == prompt("Label it.", "two")
    assert prompt("Label it.", "one") != prompt("Rate it.", "one")


def test_texts_are_known_by_model_place_and_content() -> None:
    keys = {
        *text_keys("m", AT, ["a", "b", ""]),
        *text_keys("m2", AT, ["a"]),
        *text_keys("m", Connection(url="http://elsewhere/v1"), ["a"]),
    }
    assert len(keys) == 5
    assert text_keys("m", AT, ["a"]) == text_keys("m", AT.model_copy(update={"slots": 1}), ["a"])


def test_what_is_no_json_is_refused() -> None:
    for odd in (float("nan"), {1: "a"}, b"bytes", {"set"}):
        with pytest.raises(UsageError, match="must be JSON"):
            canonical(odd)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, list):
        return tuple(shuffled(one, chance) for one in value)
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance) for name in names}
    return value


@given(JSON, st.randoms())
def test_canonical_says_the_value_and_nothing_of_its_order(value: Any, chance: random.Random) -> None:
    text = canonical(value)
    assert json.loads(text.decode("utf-8", "surrogatepass")) == value
    assert canonical(shuffled(value, chance)) == text
