"""Two Batch APIs on a loopback endpoint: `Endpoint.other = OpenAIBatches(...)`, as their references describe them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from tests.endpoint import Raw, Seen, Status, reset

#: custom ids as Anthropic demands them
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def said(body: dict[str, Any]) -> dict[str, Any]:
    """A chat reply to a body, in both APIs' fields."""
    text = "re: " + body["messages"][-1]["content"]
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "input_tokens": 1, "output_tokens": 1}
    whole = {"id": "x", "model": body["model"], "choices": [{"index": 0, "message": {"content": text}}]}
    return {**whole, "content": [{"type": "text", "text": text}], "usage": usage}


class Batches:
    """What both have. polls: looks until a batch is over; fate: what becomes of a request, by its text (default: an
    answer); cut: the connection is torn after the next batch was made; every: kept batches, in order of their making."""

    def __init__(self) -> None:
        self.polls = 1
        self.fate: Callable[[str], str] = lambda text: "answered"
        self.cut = self.lose = 0
        self.every: list[dict[str, Any]] = []
        self.looks = 0

    def texts(self) -> list[list[str]]:
        """The requests of each batch, by what they say."""
        return [[body["messages"][-1]["content"] for _, body in one["rows"]] for one in self.every]

    def json(self, value: Any) -> Raw:
        return Raw(json.dumps(value).encode(), good=True)

    def made(self, one: dict[str, Any]) -> Raw:
        """Keep a batch, and say so, or not."""
        if self.lose:
            self.lose -= 1
            return reset()
        ids = [custom_id for custom_id, _ in one["rows"]]
        assert len(set(ids)) == len(ids), "custom ids are unique"
        assert all(ID.fullmatch(custom_id) for custom_id in ids)
        assert len({body["model"] for _, body in one["rows"]}) == 1, "one model a batch"
        self.every.append({**one, "looks": 0})
        if self.cut:
            self.cut -= 1
            return reset()
        return self.json(self.told(self.every[-1]))

    def told(self, one: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def listed(self, asked: Seen) -> Raw:
        return self.json({"object": "list", "data": [self.told(o) for o in self.every[::-1]], "has_more": False})


class OpenAIBatches(Batches):
    """files, files/ID/content, batches, batches/ID. status: of batches that are over."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.status = "completed"
        self.errors: Any = None

    def __call__(self, asked: Seen) -> Any:
        path = asked.path.removeprefix("/v1")
        if asked.method == "POST" and path == "/files":
            assert asked.headers["Content-Type"].startswith("multipart/form-data; boundary=")
            bound = asked.headers["Content-Type"].partition("boundary=")[2].encode()
            parts = asked.raw.split(b"--" + bound)
            assert b'name="purpose"\r\n\r\nbatch\r\n' in parts[1]
            assert b'name="file"; filename="' in parts[2]
            name = f"file-{len(self.files)}"
            self.files[name] = parts[2].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            return self.json({"id": name, "object": "file", "purpose": "batch"})
        if match := re.fullmatch(r"/files/([\w-]+)/content", path):
            return Raw(self.files[match[1]], kind="application/jsonl")
        if asked.method == "POST" and path == "/batches":
            body = asked.body
            assert set(body) <= {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}
            assert body["completion_window"] == "24h"
            assert body["endpoint"] in ("/v1/chat/completions", "/v1/embeddings")
            rows = []
            for line in self.files[body["input_file_id"]].splitlines():
                one = json.loads(line)
                assert set(one) == {"custom_id", "method", "url", "body"}
                assert (one["method"], one["url"]) == ("POST", body["endpoint"])
                rows.append((one["custom_id"], one["body"]))
            return self.made({"id": f"batch_{len(self.every)}", "rows": rows, "metadata": body["metadata"]})
        if path == "/batches":
            return self.listed(asked)
        for one in self.every:
            if path == f"/batches/{one['id']}":
                self.looks += 1
                one["looks"] += 1
                return self.json(self.told(one))
        return Status(404)

    def told(self, one: dict[str, Any]) -> dict[str, Any]:
        over = one["looks"] > self.polls
        whole = {"id": one["id"], "object": "batch", "metadata": one["metadata"], "created_at": int(time.time())}
        if not over:
            return {**whole, "status": "in_progress", "output_file_id": None, "error_file_id": None, "errors": None}
        good, bad = [], []
        for custom_id, body in one["rows"]:
            fate = self.fate(body["messages"][-1]["content"])
            response = {"status_code": 200, "request_id": "r", "body": said(body)}
            if fate == "answered":
                good.append({"id": "1", "custom_id": custom_id, "response": response, "error": None})
            elif fate == "expired":
                error = {"code": "batch_expired", "message": "This request could not be executed in time."}
                bad.append({"id": "1", "custom_id": custom_id, "response": None, "error": error})
            elif fate != "silent":
                body = {"error": {"message": f"told {fate}", "type": "x", "code": None}}
                response = {"status_code": int(fate), "request_id": "r", "body": body}
                bad.append({"id": "1", "custom_id": custom_id, "response": response, "error": None})
        names = []
        for kind, lines in (("output", good), ("error", bad)):
            name = f"{one['id']}-{kind}" if lines and self.status != "failed" else None
            if name is not None:
                self.files[name] = b"".join(json.dumps(line).encode() + b"\n" for line in lines[::-1])
            names.append(name)
        told = {"status": self.status, "output_file_id": names[0], "error_file_id": names[1], "errors": self.errors}
        return {**whole, **told}


class AnthropicBatches(Batches):
    """messages/batches, messages/batches/ID, messages/batches/ID/results."""

    def __call__(self, asked: Seen) -> Any:
        path = asked.path.removeprefix("/v1")
        assert asked.headers["anthropic-version"] == "2023-06-01"
        if asked.method == "POST" and path == "/messages/batches":
            assert set(asked.body) == {"requests"}
            rows = []
            for one in asked.body["requests"]:
                assert set(one) == {"custom_id", "params"}
                assert one["params"]["max_tokens"] >= 1
                assert not one["params"].get("stream")
                rows.append((one["custom_id"], one["params"]))
            return self.made({"id": f"msgbatch_{len(self.every)}", "rows": rows})
        if path == "/messages/batches":
            return self.listed(asked)
        for one in self.every:
            if path == f"/messages/batches/{one['id']}":
                self.looks += 1
                one["looks"] += 1
                return self.json(self.told(one))
            if path == f"/messages/batches/{one['id']}/results":
                return Raw(b"".join(self.line(*row) for row in one["rows"][::-1]), kind="application/x-jsonl")
        return Status(404)

    def line(self, custom_id: str, body: dict[str, Any]) -> bytes:
        fate = self.fate(body["messages"][-1]["content"])
        if fate == "answered":
            result: dict[str, Any] = {"type": "succeeded", "message": said(body)}
        elif fate in ("expired", "canceled"):
            result = {"type": fate}
        else:
            kind = {"400": "invalid_request_error", "500": "api_error", "529": "overloaded_error"}[fate]
            error = {"type": kind, "message": f"told {fate}"}
            result = {"type": "errored", "error": {"type": "error", "error": error}}
        return json.dumps({"custom_id": custom_id, "result": result}).encode() + b"\n"

    def told(self, one: dict[str, Any]) -> dict[str, Any]:
        over = one["looks"] > self.polls
        counts = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        counts["succeeded" if over else "processing"] = len(one["rows"])
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        whole = {"id": one["id"], "type": "message_batch", "created_at": at, "request_counts": counts}
        url = f"https://elsewhere.example/{one['id']}/results" if over else None
        return {**whole, "processing_status": "ended" if over else "in_progress", "results_url": url}
