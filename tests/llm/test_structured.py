"""JSON is found in replies, judged by the schema, and mended at most twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.calls import Ask, CallFailed, Reply
from tamis.core.errors import UsageError
from tamis.llm.schema import check_schema, violations
from tamis.llm.structured import enforces, instructed, probe, read, satisfied, whole

LABEL: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["good", "bad"]}, "why": {"type": "string"}},
    "required": ["label"],
    "additionalProperties": False,
}
GOOD = {"label": "good"}

FOUND = {
    '{"label": "good"}': GOOD,
    '  \n{"label": "good"}\n ': GOOD,
    '```json\n{"label": "good"}\n```': GOOD,
    'Here you are:\n```\n{"label": "good"}\n```\nAnything else?': GOOD,
    'Sure! {"label": "good"} is my verdict.': GOOD,
    # a draft, then the verdict: the last that fits
    'First {"label": "bad"}, but no: {"label": "good"}': GOOD,
    # the format repeated with placeholders does not count
    'The format is {"label": "good|bad"}, so: {"label": "good"}': GOOD,
    '{"label": "good"} where the format was {"label": "..."}': GOOD,
    '<think>maybe {"label": "bad"}?</think>\n{"label": "good"}': GOOD,
    'braces {like these} and {"label": "good", "why": "it has } and { and ``` in it"}': {
        "label": "good",
        "why": "it has } and { and ``` in it",
    },
    '{"label": "good", "why": "\\ud83d\\ude00 ok"}': {"label": "good", "why": "😀 ok"},
    # half of a pair cannot be stored in any file of rows
    '{"label": "good", "why": "\\ud83d"}': {"label": "good", "why": "�"},
    "\ufeff" + '{"label": "good"}': GOOD,
}

WRONG = {
    "": "there is no JSON in it",
    "no idea": "there is no JSON in it",
    '"good"': "it is \"good\", not an object",
    '{"label": "poor"}': '.label is "poor", not one of "good", "bad"',
    '{"why": "x"}': 'it lacks "label"',
    '{"label": "good", "score": 1}': 'it has "score", which the schema does not know',
    '[{"label": "good"}]': "not an object",
    '{"label": NaN}': "there is no JSON in it",
    # cut off: what stands inside a torn object is no answer
    '{"draft": {"label": "bad"}, "final": {"lab': "there is no JSON in it",
    '[{"label": "good"}, {"label": "ba': "there is no JSON in it",
    # which of the two is meant?
    '{"label": "good", "label": "bad"}': "there is no JSON in it",
    "[" * 100_000: "there is no JSON in it",
    "{" * 3_000 + "}": "there is no JSON in it",
}  # fmt: skip


@pytest.mark.parametrize("text", FOUND)
def test_found(text: str) -> None:
    assert read(text, LABEL) == (FOUND[text], ())


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:30])
def test_wrong(text: str) -> None:
    value, wrong = read(text, LABEL)
    assert value is None
    assert WRONG[text] in "; ".join(wrong)


def test_the_first_reason_is_of_the_likeliest_place() -> None:
    assert read('{"label": "poor"}', LABEL).wrong == ('.label is "poor", not one of "good", "bad"',)


@given(st.text())
def test_any_text_is_read_or_not_and_never_breaks(text: str) -> None:
    value, wrong = read(text, {"type": ["object", "array"]})
    assert (value is None) == bool(wrong)
    json.dumps(whole(text)).encode()


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.booleans())))
def test_what_is_said_around_json_does_not_matter(before: str, after: str, value: dict[str, Any]) -> None:
    said = {"answer 9c1": value}
    schema = {"type": "object", "properties": {"answer 9c1": {"type": "object"}}, "required": ["answer 9c1"]}
    before, after = (
        text.replace("{", "(").replace("[", "(").replace("`", "'").replace("<", "(") for text in (before, after)
    )
    assert read(f"{before}{json.dumps(said)}{after}", schema).value == said


# -- repairs ----------------------------------------------------------------------------------


class Script:
    """A model that says these things, one after the other."""

    def __init__(self, *texts: str, finish: str = "stop") -> None:
        self.texts, self.finish = list(texts), finish
        self.asked: list[Ask] = []

    async def __call__(self, ask: Ask) -> Reply:
        self.asked.append(ask)
        return Reply(self.texts.pop(0), finish=self.finish, key=f"key {len(self.asked)}")


ASK = Ask(messages=({"role": "user", "content": "Label: fine"},), schema=LABEL)


def test_a_good_reply_is_asked_once() -> None:
    script = Script('{"label": "good"}')
    reply = asyncio.run(satisfied(script, ASK))
    assert (reply.value, reply.key, len(script.asked)) == (GOOD, "key 1", 1)


def test_a_repair_shows_the_reply_and_what_is_wrong() -> None:
    script = Script('{"label": "poor"}', '{"label": "good"}')
    reply = asyncio.run(satisfied(script, ASK))
    assert (reply.value, reply.key) == (GOOD, "key 2")
    said, wanted = script.asked[1].messages[-2:]
    assert said == {"role": "assistant", "content": '{"label": "poor"}'}
    assert '.label is "poor", not one of "good", "bad"' in wanted["content"]
    assert script.asked[1].schema == LABEL


def test_repairs_are_bounded_and_do_not_pile_up() -> None:
    script = Script("one", "two", "three", "never asked")
    with pytest.raises(CallFailed, match="after 2 repairs: there is no JSON in it") as told:
        asyncio.run(satisfied(script, ASK))
    assert (told.value.reason, told.value.lasting, told.value.key) == ("schema", True, "key 3")
    assert [len(ask.messages) for ask in script.asked] == [1, 3, 3]


def test_a_reply_cut_off_is_not_asked_again() -> None:
    script = Script('{"label": "go', finish="length")
    with pytest.raises(CallFailed) as told:
        asyncio.run(satisfied(script, ASK))
    assert (told.value.reason, told.value.lasting, len(script.asked)) == ("length", True, 1)


def test_a_whole_reply_at_the_limit_is_taken() -> None:
    assert asyncio.run(satisfied(Script('{"label": "good"}', finish="length"), ASK)).value == GOOD


def test_instructions_join_the_system_prompt() -> None:
    asked = instructed(Ask(messages=({"role": "system", "content": "Be kind."}, *ASK.messages), schema=LABEL))
    assert asked.schema is None
    assert [message["role"] for message in asked.messages] == ["system", "user"]
    assert asked.messages[0]["content"].startswith("Be kind.\n\nReply with one JSON value")
    assert json.dumps(LABEL, separators=(",", ":")) in asked.messages[0]["content"]
    assert [message["role"] for message in instructed(ASK).messages] == ["system", "user"]


def test_the_natural_reply_to_the_probe_breaks_its_schema() -> None:
    schema = probe().schema
    assert schema is not None
    check_schema(schema)
    assert not enforces(Reply('{"answer": "Paris"}'))
    assert not enforces(Reply("The capital of France is Paris."))
    assert not enforces(Reply(""))
    assert enforces(Reply('{"answer": "k7-ochre"}'))


# -- the schema, judged as others judge it ------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -2.5]) | st.sampled_from(["", "a", "ab", "ü"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KINDS = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])


def _rules(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS | st.lists(KINDS, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": inner,
            "items": inner,
            "prefixItems": some,
            "minItems": st.integers(0, 3),
            "maxItems": st.integers(0, 3),
            "uniqueItems": st.booleans(),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "pattern": st.sampled_from(["a", "^a", "b$", "^$"]),
            "minimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minProperties": st.integers(0, 2),
            "maxProperties": st.integers(0, 2),
            "anyOf": some,
            "oneOf": some,
            "allOf": some,
            "not": inner,
            "$ref": st.just("#/$defs/named"),
            "title": st.just("said"),
        },
    )


SCHEMAS = st.recursive(
    st.booleans() | st.builds(dict, type=KINDS) | st.builds(dict, enum=st.lists(VALUES, min_size=1, max_size=3)),
    _rules,
    max_leaves=5,
)


@given(SCHEMAS, VALUES)
def test_as_jsonschema_judges(schema: Any, value: Any) -> None:
    whole_schema = {"$defs": {"named": {"type": ["string", "object"]}}, "allOf": [schema]}
    jsonschema.Draft202012Validator.check_schema(whole_schema)
    check_schema(whole_schema)
    assert (not violations(value, whole_schema)) == jsonschema.Draft202012Validator(whole_schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "objekt"}, "names the type 'objekt'"),
        ({"if": {}, "then": {}}, "uses 'if', which is not judged here"),
        ({"properties": {"a": {"patternProperties": {}}}}, "the schema.a uses 'patternProperties'"),
        ({"$ref": "http://elsewhere/schema"}, "outside of itself"),
        ({"$ref": "#/$defs/none"}, "refers to #/$defs/none, which is not in it"),
        ({"pattern": "("}, "cannot be read"),
        ({"enum": []}, "must list what is possible"),
        ({"anyOf": ["string"]}, "the schema.anyOf[0] is not an object"),
        ("object", "is not an object"),
    ],
)
def test_what_is_not_judged_is_refused(schema: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("[", r"\[").replace("$", r"\$")):
        check_schema(schema)


def test_a_schema_may_be_recursive() -> None:
    tree = {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}},
        "$ref": "#/$defs/node",
    }
    check_schema(tree)
    assert violations({"next": {"next": {}}}, tree) == ['.next.next lacks "next"']
    endless = {"$defs": {"x": {"$ref": "#/$defs/x"}}, "$ref": "#/$defs/x"}
    assert violations({}, endless) == ["it is nested too deeply"]
