"""What models were asked and said, kept for good: no planted secret is in it, nor did any leave the machine."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from zstandard import ZstdDecompressor

from tamis.recipe.load import parse
from tamis.runner.execute import execute
from tests.endpoint import Endpoint, Seen

ROWS = 60
MAGIC = b"\x28\xb5\x2f\xfd"  # of zstd


def planted(k: int, rng: random.Random) -> list[str]:
    """An e-mail address, a telephone number, a card's number, a key."""
    letters = "".join(rng.choices("abcdefghijkmnpqrstuvwxyz0123456789", k=36))
    body = f"4{rng.randrange(10**14):014}"
    card = next(f"{body}{d}" for d in range(10) if luhn(f"{body}{d}"))
    return [
        f"{letters[:9]}@post-{k}.org",
        f"+49 151 {rng.randrange(10**8):08}",
        card,
        f"ghp_{letters.title().replace('0', 'q')}",
    ]


def unpacked(blob: bytes) -> str:
    return (ZstdDecompressor().decompress(blob) if blob.startswith(MAGIC) else blob).decode()


def luhn(number: str) -> bool:
    digits = [int(d) for d in number[::-1]]
    return sum(digits[0::2]) % 10 == -sum(sum(divmod(2 * d, 10)) for d in digits[1::2]) % 10


def test_no_secret_is_sent_or_recorded(tmp_path: Path) -> None:
    rng = random.Random(5)
    secrets: list[str] = []
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as file:
        for k in range(ROWS):
            email, phone, card, key = planted(k, rng)
            secrets += [email, phone, card, key]
            call = {"id": f"c{k}", "function": {"name": "pay", "arguments": json.dumps({"card": card, "key": key})}}
            turns: list[dict[str, Any]] = [
                {"role": "user", "content": f"Order {k}: write to {email} or call {phone}."},
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": f"c{k}", "content": json.dumps({"paid": True, "with": card})},
                {"role": "assistant", "content": f"Paid with {card}; the key is {key}. " + "Anything else? " * (k % 7)},
            ]
            file.write(json.dumps({"id": k, "messages": turns}) + "\n")

    def judge(asked: Seen) -> Any:
        return {"why": f"it says {asked.last[-40:]}", "level": "good"}

    with Endpoint(judge) as endpoint:
        text = f"""
tamis: 1
name: recorded
models: {{judge: lab/gpt-5}}
connections: {{lab: {{url: {endpoint.url}, retries: 0}}}}
sources: [{{use: files, path: in.jsonl, id: [id]}}]
steps:
  - {{use: map.messages, messages: messages}}
  - {{use: privacy.anonymize}}
  - {{use: score.judge, canaries: 0, failed: keep}}
deliver: [{{use: jsonl, path: dist/recorded}}]
"""
        execute(parse(text), tmp_path)
        sent = "\n".join(post.raw.decode() for post in endpoint.posts())
    [journal] = (tmp_path / ".tamis" / "recorded").rglob("*.sqlite")
    with closing(sqlite3.connect(journal)) as base:
        kept = [blob for row in base.execute("SELECT request, reply FROM replies") for blob in row if blob is not None]
    recorded = "\n".join(unpacked(blob) for blob in kept)
    assert "[CARD]" in sent
    assert "[CARD]" in recorded
    assert len(endpoint.posts()) >= ROWS
    for secret in secrets:
        inside = secret[2:-2]
        assert inside not in sent
        assert inside not in recorded
