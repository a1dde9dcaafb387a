"""The client against a real endpoint on this machine: every call ends, is answered once, and costs once."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import Coroutine
from email.utils import formatdate
from typing import Any

import pytest

from tamis.core.calls import CallFailed
from tamis.core.errors import EndpointDown, TamisError, UsageError
from tamis.llm.client import Endpoint, RawReply
from tamis.llm.spec import Connection
from tests import endpoint as served
from tests.endpoint import Said, Status

KEY = "sk-test-0123456789abcdef"


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def body(text: str, model: str = "m") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}]}


def said(reply: RawReply) -> str:
    return str(reply.data["choices"][0]["message"]["content"])


def opened(endpoint: served.Endpoint, **more: Any) -> Endpoint:
    names = {"key", "name", "start", "seed", "first_pause"}
    given = {"first_pause": 0.01, "key": KEY, **{k: v for k, v in more.items() if k in names}}
    fields = {"url": endpoint.url, **{k: v for k, v in more.items() if k not in names}}
    return Endpoint(Connection(**fields), **given)


async def many(client: Endpoint, texts: list[str]) -> list[RawReply | BaseException]:
    calls = (client.post("/chat/completions", body(text), model="m") for text in texts)
    return await asyncio.gather(*calls, return_exceptions=True)


def ask(endpoint: served.Endpoint, *texts: str, **more: Any) -> list[Any]:
    async def work() -> list[Any]:
        async with opened(endpoint, **more) as client:
            return await many(client, list(texts))

    return list(run(work()))


def one(endpoint: served.Endpoint, **more: Any) -> Any:
    return ask(endpoint, "hello", **more)[0]


def test_a_call_and_what_it_sends(endpoint: served.Endpoint) -> None:
    reply = one(endpoint, headers={"X-Team": "data"})
    assert (reply.status, said(reply), reply.attempts) == (200, "hello", 1)
    assert json.loads(reply.body) == reply.data
    seen = endpoint.seen[0]
    assert seen.path == "/v1/chat/completions"
    assert seen.body == body("hello")
    assert (seen.headers["Authorization"], seen.headers["X-Team"]) == (f"Bearer {KEY}", "data")
    assert seen.headers["Content-Type"] == "application/json"


def test_anthropics_headers(endpoint: served.Endpoint) -> None:
    one(endpoint, shape="anthropic")
    headers = endpoint.seen[0].headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "Authorization" not in headers


def test_half_a_surrogate_pair_travels(endpoint: served.Endpoint) -> None:
    reply = ask(endpoint, "a\ud800b é 日本")[0]
    assert said(reply) == "a\ud800b é 日本"


def test_a_query_in_the_url_stays(endpoint: served.Endpoint) -> None:
    raw: list[str] = []
    endpoint.script = lambda asked: raw.append(asked.headers["Host"]) or "x"
    reply = one(endpoint, url=endpoint.url + "/?api-version=7")
    assert said(reply) == "x"
    assert endpoint.seen[0].path == "/v1/chat/completions"


RETRIED = {
    "408": Status(408),
    "409": Status(409),
    "425": Status(425),
    "429": Status(429),
    "500": Status(500),
    "502": Status(502, "<html>bad gateway</html>"),
    "529": Status(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "reset": served.reset(),
    "torn": served.reset(30),
    "html": served.html(),
    "truncated": served.truncated(),
    "empty": served.Raw(b""),
    "a list": served.Raw(b"[1]"),
    "not UTF-8": served.Raw(b'{"a": "\xff\xfe"}'),
    "deep": served.Raw(b'{"a":' + b"[" * 100_000),
    "an error with 200": served.Raw(b'{"error": {"message": "upstream failed", "code": 502}}'),
}


@pytest.mark.parametrize("fault", RETRIED)
def test_what_passes_is_tried_again(endpoint: served.Endpoint, fault: str) -> None:
    endpoint.next(RETRIED[fault])
    reply = one(endpoint)
    assert isinstance(reply, RawReply), reply
    assert (said(reply), reply.attempts, len(endpoint.seen)) == ("hello", 2, 2)


@pytest.mark.parametrize("fault", RETRIED)
def test_what_stays_ends_with_a_reason(endpoint: served.Endpoint, fault: str) -> None:
    endpoint.script = lambda asked: RETRIED[fault]

    async def work() -> Any:
        async with opened(endpoint, retries=2, deadline=1.0) as client:
            endpoint.next(None if fault == "-" else Said("first"))
            await client.post("/chat/completions", body("first"), model="m")
            [failed] = await many(client, ["hello"])
            return failed, client.traffic("m")

    failed, traffic = run(work())
    expected = {"reset": "connection", "torn": "connection", "429": "timeout", "529": "timeout"}
    if fault == "reset":  # nobody got through any more: all calls would fail alike
        assert isinstance(failed, EndpointDown)
    else:
        assert isinstance(failed, CallFailed), failed
        numeric = fault.isdigit() or fault == "an error with 200"
        assert failed.reason == expected.get(fault, "server" if numeric else "unreadable")
    assert (traffic.ok, traffic.failed) == (1, 1)
    assert traffic.sent == len(endpoint.seen) == 1 + traffic.refused + traffic.broken


@pytest.mark.parametrize("status", [400, 404, 405, 413, 422, 501])
def test_what_is_refused_is_not_tried_again(endpoint: served.Endpoint, status: int) -> None:
    endpoint.script = lambda asked: Status(status, {"error": {"message": "context length exceeded"}})
    failed = one(endpoint)
    assert isinstance(failed, CallFailed)
    assert failed.reason == "refused"
    assert str(status) in str(failed)
    assert "context length exceeded" in str(failed)
    assert len(endpoint.seen) == 1


STOPS = {
    "401": Status(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
    "402": Status(402),
    "403": Status(403),
    "quota": served.quota(),
    "Anthropic's quota": Status(
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to …"}},
    ),
}


@pytest.mark.parametrize("fault", STOPS)
def test_what_all_calls_would_meet_stops_the_run(endpoint: served.Endpoint, fault: str) -> None:
    endpoint.script, endpoint.latency = (lambda asked: STOPS[fault]), 0.02
    found = ask(endpoint, *map(str, range(100)), start=4)
    assert all(isinstance(one, EndpointDown) for one in found)
    assert found[0].hint
    assert len(endpoint.seen) == 4  # those under way; nobody else was sent


def test_a_403_for_one_request_is_that_requests(endpoint: served.Endpoint) -> None:
    endpoint.script = lambda asked: Status(403, {"error": {"message": "flagged"}}) if asked.last == "bad" else "fine"

    async def work() -> Any:
        async with opened(endpoint) as client:
            return [(await many(client, [text]))[0] for text in ("good", "bad", "good")]

    good, bad, again = run(work())
    assert isinstance(bad, CallFailed)
    assert bad.reason == "refused"
    assert said(good) == said(again) == "fine"


def test_a_model_that_is_not_there_stops_the_run_after_some_rows(endpoint: served.Endpoint) -> None:
    endpoint.script = lambda asked: Status(404, {"error": {"message": "no model m"}})
    found = ask(endpoint, *map(str, range(200)), start=2)
    kinds = [type(one) for one in found]
    assert kinds.count(CallFailed) < 16
    assert kinds.count(EndpointDown) > 180
    assert "no model m" in str(found[-1])


def test_an_endpoint_that_is_not_there(endpoint: served.Endpoint) -> None:
    found = ask(endpoint, "a", "b", url="http://127.0.0.1:9/v1")
    assert all(isinstance(one, EndpointDown) for one in found)
    assert "cannot be reached" in str(found[0])
    assert "127.0.0.1:9" in str(found[0])


def test_an_endpoint_that_dies_stops_the_run() -> None:
    async def work(endpoint: served.Endpoint) -> list[Any]:
        async with opened(endpoint, retries=3) as client:
            first = await many(client, ["a"])
            endpoint.stop()
            return [*first, *await many(client, ["b", "c"])]

    with served.Endpoint() as endpoint:
        good, *dead = run(work(endpoint))
    assert said(good) == "a"
    assert all(isinstance(one, EndpointDown) for one in dead)


def test_an_endpoint_that_comes_back_is_asked_on() -> None:
    """A restart of the server costs tries, not rows."""

    async def work() -> list[Any]:
        with served.Endpoint() as first:
            client = opened(first, retries=8, first_pause=0.05)
            async with client:
                good = await many(client, ["a"])
                first.stop()
                late = asyncio.create_task(many(client, ["b", "c"]))
                await asyncio.sleep(0.2)
                second = served.Endpoint()
                second.port = first.port
                with second:
                    return [*good, *await late]

    assert [said(one) for one in run(work())] == ["a", "b", "c"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused_and_the_key_stays(endpoint: served.Endpoint, status: int) -> None:
    with served.Endpoint() as other:
        endpoint.script = lambda asked: served.redirect(other.url.replace("//", "//u:secret@") + "?token=1", status)
        failed = one(endpoint)
        assert isinstance(failed, CallFailed)
        assert failed.reason == "refused"
        assert other.url in str(failed)
        assert "secret" not in str(failed)
        assert "token" not in str(failed)
        assert (len(endpoint.seen), other.seen) == (1, [])


def test_a_slow_drip_ends_at_the_deadline(endpoint: served.Endpoint) -> None:
    endpoint.script = lambda asked: served.drip(0.02)
    began = time.monotonic()
    failed = one(endpoint, deadline=0.5)
    assert isinstance(failed, CallFailed)
    assert failed.reason == "timeout"
    assert 0.4 < time.monotonic() - began < 2


def test_the_deadline_is_of_the_call_with_its_retries(endpoint: served.Endpoint) -> None:
    endpoint.script = lambda asked: served.Raw(b"", 500, late=0.1)
    began = time.monotonic()
    failed = one(endpoint, deadline=0.6, retries=1000)
    assert isinstance(failed, CallFailed)
    assert failed.reason == "timeout"
    assert time.monotonic() - began < 1.5


def test_waiting_for_a_slot_is_not_the_calls_time(endpoint: served.Endpoint) -> None:
    endpoint.latency = 0.2
    found = ask(endpoint, *"abcdef", slots=1, deadline=0.7)
    assert [said(one) for one in found] == list("abcdef")


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "0.3"},
        {"Retry-After": " 0.3s "},
        {"retry-after-ms": "300", "Retry-After": "60"},
        {"x-ms-retry-after-ms": "300"},
        {"Date": formatdate(1000, usegmt=True), "Retry-After": formatdate(1001, usegmt=True)},
    ],
)
def test_a_wait_is_honoured_for_all(endpoint: served.Endpoint, headers: dict[str, str]) -> None:
    endpoint.next(Status(429, headers=headers))
    found = ask(endpoint, *map(str, range(20)), start=1)
    assert [said(one) for one in found] == list(map(str, range(20)))
    pauses = [b.at - a.at for a, b in zip(endpoint.seen, endpoint.seen[1:], strict=False)]
    assert pauses[0] >= 0.28
    assert max(pauses[1:]) < 0.28


@pytest.mark.parametrize(
    "text", ["-5", "0", "nan", "soon", "", "1e999", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999"]
)
def test_a_wait_that_makes_no_sense_does_not_hang(endpoint: served.Endpoint, text: str) -> None:
    endpoint.next(Status(429, headers={"Retry-After": text}))
    began = time.monotonic()
    found = one(endpoint, deadline=5)
    assert time.monotonic() - began < 1
    if text in ("1e999", "99999999999999"):  # longer than the call has time
        assert isinstance(found, CallFailed)
        assert found.reason == "timeout"
    else:
        assert said(found) == "hello"


def test_no_late_reply_is_taken_for_another_calls(endpoint: served.Endpoint) -> None:
    """Tries that time out or break leave nothing behind on their connection, and replies come in any order."""
    endpoint.latency = lambda asked: 0.001 * (asked.number * 7919 % 50)
    plan = [served.reset(), None, served.truncated(), served.reset(20), None, Status(500), None] * 20
    endpoint.next(*plan)
    texts = [f"row {n}" for n in range(400)]
    found = ask(endpoint, *texts)
    assert [said(one) for one in found] == texts
    assert list(endpoint.bought().values()) == [1] * 400


def test_counts_add_up(endpoint: served.Endpoint) -> None:
    def script(asked: served.Seen) -> Any:
        number = int(asked.last)
        if number % 10 == 3:
            return Status(400)
        if number % 10 == 4:
            return served.html()
        return f"reply {number}"

    endpoint.script, endpoint.limit, endpoint.latency = script, 30, 0.005
    endpoint.next(*[Status(500), None, served.reset(), None, None] * 20)

    async def work() -> Any:
        async with opened(endpoint, retries=3) as client:
            return await many(client, [str(n) for n in range(500)]), client.traffic("m"), client.window("m")

    found, traffic, window = run(work())
    for number, outcome in enumerate(found):
        if number % 10 == 3:
            assert outcome.reason == "refused"
        elif number % 10 == 4:
            assert outcome.reason == "unreadable"
        else:
            assert said(outcome) == f"reply {number}"
    assert (traffic.ok, traffic.failed) == (400, 100)
    assert traffic.sent == len(endpoint.seen) == traffic.ok + traffic.refused + traffic.broken
    assert traffic.refused == endpoint.refused
    assert (window.in_flight, window.waiting) == (0, 0)
    good = [
        n for raw, n in endpoint.bought().items() if int(json.loads(raw)["messages"][0]["content"]) % 10 not in (3, 4)
    ]
    assert good == [1] * 400


def test_it_settles_near_the_servers_limit(endpoint: served.Endpoint) -> None:
    endpoint.limit, endpoint.latency = 50, 0.05

    async def work() -> tuple[int, int, int]:
        async with opened(endpoint, slots=256) as client:
            await many(client, [str(n) for n in range(1000)])
            sent, refused = client.traffic("m").sent, client.traffic("m").refused
            await many(client, [str(n) for n in range(2000)])
            return client.traffic("m").sent - sent, client.traffic("m").refused - refused, client.window("m").size

    sent, refused, size = run(work())
    assert refused <= 0.05 * sent
    assert 40 <= size <= 55
    assert endpoint.refused >= 1


def test_a_cancelled_call_frees_its_slot(endpoint: served.Endpoint) -> None:
    endpoint.latency = 0.3

    async def work() -> tuple[int, Any]:
        async with opened(endpoint, slots=2) as client:
            tasks = [asyncio.create_task(client.post("/chat/completions", body(t), model="m")) for t in "abcd"]
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            left = client.window("m").in_flight + client.window("m").waiting
            return left, await client.post("/chat/completions", body("e"), model="m")

    left, reply = run(work())
    assert left == 0
    assert said(reply) == "e"


def test_models_have_windows_of_their_own(endpoint: served.Endpoint) -> None:
    async def work() -> list[int]:
        async with opened(endpoint) as client:
            endpoint.next(Status(429, headers={"Retry-After": "30"}))
            stuck = asyncio.create_task(client.post("/chat/completions", body("x", "a"), model="a"))
            await asyncio.sleep(0.1)
            await client.post("/chat/completions", body("y", "b"), model="b")
            stuck.cancel()
            return [client.window(model).size for model in "ab"]

    small, large = run(work())
    assert small < large


def test_the_key_is_never_told(endpoint: served.Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    echo = Status(400, {"error": {"message": f"bad header Authorization: Bearer {KEY} in request, sk-other-123456789"}})
    endpoint.next(echo, STOPS["401"])

    async def work() -> list[Any]:
        async with opened(endpoint) as client:
            told: list[Any] = [repr(client), str(client)]
            with pytest.raises(TypeError):
                copy.copy(client)
            for text in "ab":
                told += await many(client, [text])
            return told

    for one in run(work()):
        error: BaseException | None = one if isinstance(one, BaseException) else None
        texts = [str(one), repr(one), repr(getattr(one, "__dict__", ""))]
        while error is not None:
            texts += [repr(error), str(error)]
            error = error.__cause__ or error.__context__
        for text in texts:
            assert KEY not in text
            assert "sk-other" not in text
    assert KEY not in caplog.text


@pytest.mark.parametrize("url", ["ftp://x/v1", "api.openai.com/v1", "http://user:pass@127.0.0.1/v1", "http://"])
def test_urls_that_cannot_be_used(url: str) -> None:
    with pytest.raises(UsageError) as wrong:
        Endpoint(Connection(url=url))
    assert "pass" not in str(wrong.value).replace("password", "")


def test_other_requests(endpoint: served.Endpoint) -> None:
    endpoint.other = lambda asked: served.Raw(b'{"a":1}\n{"a":2}\n', kind="application/jsonl")

    async def work() -> tuple[RawReply, RawReply]:
        async with opened(endpoint) as client:
            models = await client.get("/models")
            return models, await client.get("/files/1/content", parse=False)

    models, file = run(work())
    assert models.data["object"] == "list"
    assert (file.body, file.data) == (b'{"a":1}\n{"a":2}\n', None)


def test_errors_are_of_the_tree(endpoint: served.Endpoint) -> None:
    assert issubclass(EndpointDown, TamisError)
    assert EndpointDown.exit_code == 1
