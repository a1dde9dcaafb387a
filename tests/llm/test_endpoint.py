"""The endpoint of the tests does what it says: replies of four APIs, limits, faults."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.endpoint import Endpoint, Said, Status, html, reset, truncated


def post(endpoint: Endpoint, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        f"{endpoint.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.loads(reply.read())


def ask(endpoint: Endpoint, text: str) -> Any:
    return post(endpoint, "chat/completions", {"model": "m", "messages": [{"role": "user", "content": text}]})


def test_it_speaks_four_apis(endpoint: Endpoint) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    assert ask(endpoint, "hello")["choices"][0]["message"]["content"] == "hello"
    assert post(endpoint, "messages", asked)["content"] == [{"type": "text", "text": "hello"}]
    told = post(endpoint, "completions", {"model": "m", "prompt": "a b", "echo": True, "logprobs": 1, "max_tokens": 0})
    assert told["choices"][0]["logprobs"]["tokens"][:2] == ["a", " ba"]
    endpoint.disorder = True
    data = post(endpoint, "embeddings", {"model": "m", "input": ["a", "b"]})["data"]
    assert [one["index"] for one in data] == [1, 0]
    assert [one.path for one in endpoint.posts()] == [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/completions",
        "/v1/embeddings",
    ]
    assert sum(endpoint.bought().values()) == 4


def test_faults_come_in_the_order_planned(endpoint: Endpoint) -> None:
    endpoint.next(
        Status(429, headers={"Retry-After": "7"}), None, reset(), reset(10), html(), truncated(), Said("x", "length")
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(endpoint, "1")
    assert (refused.value.code, refused.value.headers["Retry-After"]) == (429, "7")
    refused.value.close()
    assert ask(endpoint, "2")["choices"][0]["message"]["content"] == "2"
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(endpoint, "3")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(endpoint, "4")
    for text in "56":
        with pytest.raises(json.JSONDecodeError):
            ask(endpoint, text)
    assert ask(endpoint, "7")["choices"][0]["finish_reason"] == "length"
    assert [one.status for one in endpoint.seen] == [429, 200, 0, 200, 200, 200, 200]
    assert [one.delivered for one in endpoint.seen] == [False, True, False, False, False, False, True]


def test_above_its_limit_it_refuses(endpoint: Endpoint) -> None:
    endpoint.limit = 0
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(endpoint, "1")
    refused.value.close()
    assert (refused.value.code, endpoint.refused) == (429, 1)
