"""What a reply means: every status, code and header that endpoints are known to send."""

from __future__ import annotations

import contextlib
import json
import random
import time
from email.utils import formatdate
from typing import Any

import pytest
from multidict import CIMultiDict

from tamis.core.calls import CALL_REASONS, CallFailed
from tamis.core.errors import EndpointDown
from tamis.llm.retry import (
    LONGEST_PAUSE,
    LONGEST_WAIT,
    Faltering,
    Overloaded,
    Transient,
    explain,
    judge,
    pause,
    told_to_wait,
)

OPENAI = {"error": {"message": "m", "type": "t", "code": "c"}}


def verdict(status: int, body: Any = OPENAI, headers: dict[str, str] | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    data = None
    with contextlib.suppress(ValueError):
        data = json.loads(raw)
    return judge(status, CIMultiDict(headers or {}), raw, data, place="here")


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "reason"),
    [
        (408, OPENAI, {}, Faltering, "server"),
        (409, OPENAI, {}, Faltering, "server"),
        (425, OPENAI, {}, Faltering, "server"),
        (429, OPENAI, {}, Overloaded, "server"),
        (429, b"slow down", {}, Overloaded, "server"),
        (429, [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota"}}], {}, Overloaded, "server"),
        (500, b"", {}, Faltering, "server"),
        (502, b"<html>", {}, Faltering, "server"),
        (503, OPENAI, {}, Faltering, "server"),
        (503, OPENAI, {"Retry-After": "3"}, Overloaded, "server"),
        (503, {"error": {"code": "slow_down"}}, {}, Overloaded, "server"),
        (504, OPENAI, {}, Faltering, "server"),
        (520, OPENAI, {}, Faltering, "server"),
        (529, {"type": "error", "error": {"type": "overloaded_error"}}, {}, Overloaded, "server"),
        (500, {"type": "error", "error": {"type": "overloaded_error"}}, {}, Overloaded, "server"),
        (500, OPENAI, {"X-Should-Retry": "false"}, CallFailed, "refused"),
        (429, {"error": {"code": "insufficient_quota"}}, {}, EndpointDown, None),
        (429, {"error": {"type": "insufficient_quota", "code": None}}, {"Retry-After": "1"}, EndpointDown, None),
        (403, {"error": {"code": "billing_not_active"}}, {}, EndpointDown, None),
        (402, OPENAI, {}, EndpointDown, None),
        (401, OPENAI, {}, EndpointDown, None),
        (403, OPENAI, {}, EndpointDown, None),
        (400, {"error": {"message": "maximum context length is 8192"}}, {}, CallFailed, "refused"),
        (404, b"not found", {}, CallFailed, "refused"),
        (413, OPENAI, {}, CallFailed, "refused"),
        (422, {"detail": [{"msg": "field required"}]}, {}, CallFailed, "refused"),
        (501, OPENAI, {}, CallFailed, "refused"),
        (302, b"", {"Location": "https://elsewhere.example/v1"}, CallFailed, "refused"),
        (200, b"", {}, Faltering, "unreadable"),
        (200, b"<html>", {"Content-Type": "text/html"}, Faltering, "unreadable"),
        (200, b'{"choices": [', {}, Faltering, "unreadable"),
        (200, b"[]", {}, Faltering, "unreadable"),
        (200, b"null", {}, Faltering, "unreadable"),
        (200, {"error": {"message": "m", "code": 429}}, {}, Overloaded, "server"),
        (200, {"error": {"message": "m", "code": 400}}, {}, CallFailed, "refused"),
        (200, {"error": {"message": "m", "code": "insufficient_quota"}}, {}, EndpointDown, None),
        (200, {"error": "went wrong"}, {}, Faltering, "server"),
    ],
)
def test_types_not_words(status: int, body: Any, headers: dict[str, str], kind: type, reason: str | None) -> None:
    found = verdict(status, body, headers)
    assert type(found) is kind
    if reason is not None:
        assert found.reason == reason
        assert reason in CALL_REASONS
    if isinstance(found, EndpointDown):
        assert found.hint


@pytest.mark.parametrize("body", [{"choices": []}, {"choices": [1], "error": None}, {"error": {}, "id": "1"}, {}])
def test_what_is_an_answer(body: Any) -> None:
    assert verdict(200, body) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"RETRY-AFTER": "0.25"}, 0.25),
        ({"Retry-After": " 3 "}, 3.0),
        ({"Retry-After": "2s"}, 2.0),
        ({"retry-after-ms": "1500", "Retry-After": "60"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "soon", "Retry-After": "4"}, 4.0),
        ({"retry-after-ms": "0", "Retry-After": "4"}, 4.0),
        ({"Date": formatdate(500, usegmt=True), "Retry-After": formatdate(530, usegmt=True)}, 30.0),
        ({"Date": "nonsense", "Retry-After": formatdate(530, usegmt=True)}, None),
        ({"Retry-After": formatdate(530, usegmt=True)}, None),
        ({"Retry-After": "86400"}, LONGEST_WAIT),
        ({"Retry-After": "1e999"}, LONGEST_WAIT),
        ({"Retry-After": "inf"}, LONGEST_WAIT),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_WAIT),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "later"}, None),
        ({"Retry-After": "Fri, 99 Foo 2026 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert told_to_wait(CIMultiDict(headers)) == seconds


def test_a_date_without_the_servers_clock() -> None:
    told = told_to_wait(CIMultiDict({"Retry-After": formatdate(time.time() + 20, usegmt=True)}))
    assert told is not None
    assert 17 < told <= 20


def test_pauses_double_have_a_limit_and_repeat_by_seed() -> None:
    chance = random.Random(7)
    pauses = [pause(tries, chance) for tries in range(1, 2000)]
    assert pauses[:20] == [pause(tries, other) for other in [random.Random(7)] for tries in range(1, 21)]
    for tries, told in enumerate(pauses, 1):
        longest = min(LONGEST_PAUSE, 0.5 * 2 ** min(tries - 1, 50))
        assert longest / 2 <= told <= longest


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "no such model"}}, "no such model"),
        ({"error": "no such model"}, "no such model"),
        ({"message": "no such model"}, "no such model"),
        ({"detail": "no such model"}, "no such model"),
        ([{"error": {"message": "no such model"}}], "no such model"),
        (b"no such model", "no such model"),
        (b"<html>no such model", ""),
        ({"error": {"message": "two\n lines"}}, "two lines"),
        ({"error": {"message": "use key sk-proj-abcdef123456 or Bearer abcdefghijkl"}}, "use key [key] or [key]"),
        ({"error": {"message": "x" * 5000}}, "x" * 299 + "…"),
        ({"error": {"message": ["odd"]}}, '{"message": ["odd"]}'),
    ],
)
def test_an_error_in_words(body: Any, words: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    data = None if isinstance(body, bytes) else body
    assert explain(data, raw)[0] == words


def test_every_kind_is_transient() -> None:
    assert issubclass(Overloaded, Transient)
    assert issubclass(Faltering, Transient)
