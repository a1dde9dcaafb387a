"""The Batch APIs of OpenAI and Anthropic: how a batch is written, created, found again, and read.

Answers come in any order and are told apart by `custom_id` alone. Failed requests of OpenAI's stand in a file of their
own, and a batch may be `completed` without any answer; Anthropic's stand among the answers.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from tamis.core.calls import CallFailed

Fate = Literal["answered", "error", "expired", "canceled"]
#: custom ids as the stricter of both APIs takes them
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
#: batches looked through on one page of a list, as both APIs allow
PAGE = 100
#: seconds that clocks may differ by
SKEW = 600.0
_OVER = ("completed", "failed", "expired", "cancelled", "canceled")


class Result(NamedTuple):
    """What became of one request. status, body: as if it had been answered over HTTP (an error's, where it was one)."""

    custom_id: str
    fate: Fate
    status: int
    body: Any


class Client(Protocol):
    """What of `client.Endpoint` is needed here."""

    async def send(
        self, method: str, path: str, content: Any, *, model: str, parse: bool = True, kind: str | None = None
    ) -> Any:
        """Any request."""

    async def get(self, path: str, *, model: str = "", parse: bool = True) -> Any:
        """Fetch."""


class OpenAI:
    """A JSONL file is uploaded, a batch made of it, its answers and errors are files again."""

    most_requests, most_bytes = 50_000, 200_000_000

    def line(self, custom_id: str, path: str, body: Mapping[str, Any]) -> bytes:
        """A request as it stands in the batch. path: below the base URL."""
        told = {"custom_id": custom_id, "method": "POST", "url": f"/v1/{path.lstrip('/')}", "body": body}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"

    async def prepare(self, client: Client, model: str, tag: str, lines: Sequence[bytes]) -> str:
        """Upload; may be done twice, since an uploaded file alone costs nothing. What `create` needs."""
        bound = f"tamis-{secrets.token_hex(16)}"
        head = (
            f'--{bound}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            f'--{bound}\r\nContent-Disposition: form-data; name="file"; filename="{tag}.jsonl"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        )
        content = head.encode() + b"".join(lines) + f"\r\n--{bound}--\r\n".encode()
        kind = f"multipart/form-data; boundary={bound}"
        said = await client.send("POST", "/files", content, model=model, kind=kind)
        return named(said.data, "id")

    def create(self, path: str, prepared: str, tag: str, lines: Sequence[bytes]) -> tuple[str, bytes]:
        """Path and body of the one request that must not be sent twice."""
        body = {
            "input_file_id": prepared,
            "endpoint": f"/v1/{path.lstrip('/')}",
            "completion_window": "24h",
            "metadata": {"tamis": tag},
        }
        return "/batches", json.dumps(body).encode()

    def ours(self, told: Mapping[str, Any], tag: str, requests: int) -> bool | None:
        """Whether a listed batch is the one of this tag; None: its answers will tell."""
        return (told.get("metadata") or {}).get("tamis") == tag

    def place(self, remote: str) -> str:
        """Where a batch is looked at."""
        return f"/batches/{remote}"

    def listing(self, after: str | None) -> str:
        """Where batches are listed, newest first."""
        return f"/batches?limit={PAGE}" + (f"&after={after}" if after else "")

    def made(self, told: Mapping[str, Any]) -> float:
        """When a batch was created, in Unix time."""
        at = told.get("created_at")
        return float(at) if isinstance(at, int | float) else 0.0

    def over(self, told: Mapping[str, Any]) -> bool:
        """Whether nothing more comes."""
        return told.get("status") in _OVER

    def why(self, told: Mapping[str, Any]) -> tuple[Fate, int, str]:
        """What became of requests that no file tells of, and why."""
        status = str(told.get("status"))
        listed = (told.get("errors") or {}).get("data") or []
        first = listed[0] if listed and isinstance(listed[0], dict) else {}
        words = str(first.get("message") or f"the batch is {status}")
        if status == "expired":
            return "expired", 0, words
        if status.startswith("cancel"):
            return "canceled", 0, words
        # refused as a whole: a queue that is full empties itself, all else stays wrong
        return (
            "error",
            429 if first.get("code") == "token_limit_exceeded" else 400 if status == "failed" else 500,
            words,
        )

    async def results(self, client: Client, told: Mapping[str, Any], model: str) -> AsyncIterator[Result]:
        """All that is told, in no order."""
        for name in ("output_file_id", "error_file_id"):
            file = told.get(name)
            if isinstance(file, str) and file:
                said = await client.get(f"/files/{file}/content", model=model, parse=False)
                for one in _lines(said.body):
                    response, error = one.get("response"), one.get("error")
                    custom_id = str(one.get("custom_id"))
                    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
                        status = response["status_code"]
                        fate: Fate = "answered" if 200 <= status < 300 else "error"
                        yield Result(custom_id, fate, status, response.get("body"))
                    else:
                        code = error.get("code") if isinstance(error, dict) else None
                        fate = "expired" if code == "batch_expired" else "error"
                        fate = "canceled" if code == "batch_cancelled" else fate
                        yield Result(custom_id, fate, 500, {"error": error or {"message": "no answer"}})


class Anthropic:
    """Requests are sent with the batch itself; answers and errors come as one JSONL stream."""

    most_requests, most_bytes = 100_000, 256_000_000

    def line(self, custom_id: str, path: str, body: Mapping[str, Any]) -> bytes:
        """A request as it stands in the batch."""
        told = {"custom_id": custom_id, "params": body}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")

    async def prepare(self, client: Client, model: str, tag: str, lines: Sequence[bytes]) -> str:
        """Nothing to do."""
        return ""

    def create(self, path: str, prepared: str, tag: str, lines: Sequence[bytes]) -> tuple[str, bytes]:
        """Path and body of the one request that must not be sent twice."""
        return "/messages/batches", b'{"requests":[' + b",".join(lines) + b"]}"

    def ours(self, told: Mapping[str, Any], tag: str, requests: int) -> bool | None:
        """The API takes no metadata: a batch of another size is not it, of another the answers will tell."""
        counts = told.get("request_counts")
        total = sum(n for n in counts.values() if isinstance(n, int)) if isinstance(counts, dict) else requests
        return None if total == requests else False

    def place(self, remote: str) -> str:
        """Where a batch is looked at."""
        return f"/messages/batches/{remote}"

    def listing(self, after: str | None) -> str:
        """Where batches are listed, newest first."""
        return f"/messages/batches?limit={PAGE}" + (f"&after_id={after}" if after else "")

    def made(self, told: Mapping[str, Any]) -> float:
        """When a batch was created, in Unix time."""
        import datetime

        try:
            return datetime.datetime.fromisoformat(str(told.get("created_at")).replace("Z", "+00:00")).timestamp()
        except ValueError:
            return 0.0

    def over(self, told: Mapping[str, Any]) -> bool:
        """Whether nothing more comes."""
        return told.get("processing_status") == "ended"

    def why(self, told: Mapping[str, Any]) -> tuple[Fate, int, str]:
        """What became of requests that are not told of."""
        return "error", 500, "the batch tells nothing of it"

    async def results(self, client: Client, told: Mapping[str, Any], model: str) -> AsyncIterator[Result]:
        """All that is told, in no order. The address told is not followed: a key goes where the recipe says alone."""
        said = await client.get(f"{self.place(named(told, 'id'))}/results", model=model, parse=False)
        for one in _lines(said.body):
            custom_id = str(one.get("custom_id"))
            told_of = one.get("result")
            result: dict[str, Any] = told_of if isinstance(told_of, dict) else {}
            kind = result.get("type")
            if kind == "succeeded":
                yield Result(custom_id, "answered", 200, result.get("message"))
            elif kind in ("expired", "canceled"):
                yield Result(custom_id, kind, 0, None)
            else:
                error = result.get("error") or {}
                error = error.get("error", error) if isinstance(error, dict) else {}
                yield Result(custom_id, "error", _STATUS.get(str(error.get("type")), 500), {"error": error})


#: what Anthropic's kinds of errors are over HTTP
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
SHAPES: dict[str, OpenAI | Anthropic] = {"openai": OpenAI(), "anthropic": Anthropic()}


def _lines(body: bytes) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file. What is no object tells of nobody."""
    for line in body.split(b"\n"):
        if line.strip():
            try:
                one = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(one, dict):
                yield one


def named(data: Any, name: str) -> str:
    """A name the provider gave."""
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, str) or not re.fullmatch(r"[\w.-]{1,200}", found):
        raise CallFailed("unreadable", f"the reply has no {name}")
    return found
