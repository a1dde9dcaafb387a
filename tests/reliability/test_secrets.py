"""Thousands of planted secrets: none is in anything a run leaves but the private folders, and none anywhere after a purge."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.recipe.load import load
from tamis.runner.execute import Options, RunResult, execute
from tamis.runs.ledger import Ledger
from tamis.runs.purge import purge
from tamis.runs.questions import dropped_rows
from tamis.runs.report import write_report
from tamis.runs.why import Why
from tamis.sources import _text

KEY = "a test's key, which guards nothing: 0123456789"

RECIPE = """
tamis: 1
name: secrets
seed: 3
max_quarantined: 0.2
sources:
  - {use: files, name: chats, path: "chats.jsonl"}
steps:
  - {use: map.messages, messages: turns}
  - {use: filter.length, min: 3}
  - {use: filter.listed, file: topics.csv, columns: [topic]}
  - {use: filter.refusal}
  - {use: filter.grounding, kinds: [numbers, dates, names, links, emails], max_items: 100, max_share: 0.99}
  - {use: filter.injection}
  - {use: score.spelling}
  - {use: privacy.detect}
  - {use: python, file: quote.py, function: quote}
  - {use: dedup.exact, on: prompt}
  - {use: privacy.anonymize, mode: MODE, names: [customer], region: US}
  - {use: filter.length, id: short-enough, in: all, max: 400}
  - {use: split.random, shares: {train: 0.8, test: 0.2}}
deliver:
  - {use: openai_chat, path: dist/chat}
  - {use: jsonl, path: dist/lines, row_id: id}
  - {use: parquet, path: dist/table, row_id: id}
"""
QUOTE = """
def quote(row):
    text = " ".join(m["content"] or "" for m in row["messages"])
    if "explode" in text:
        raise ValueError("cannot stand " + text[:60])
    if "quote me" in text:
        return "it says " + text[:28]
    return True
"""
FIRST = ("Aurelia", "Bertrand", "Caspian", "Drusilla", "Evander", "Ferdinand", "Giselle", "Hyacinth")
LAST = ("Quackenbush", "Rumpelmeyer", "Zwingli", "Oberholtzer", "Featherstone", "Vandersloot")


def luhn(body: str) -> str:
    total = 0
    for place, c in enumerate(reversed(body)):
        d = int(c) * (2 if place % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return body + str(-total % 10)


def make(kind: str, rng: random.Random) -> str:
    """A secret of a kind, as people write it."""
    digits = "".join(str(rng.randint(0, 9)) for _ in range(24))
    letters = "".join(rng.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(40))
    mixed = "".join(rng.choice("ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789") for _ in range(60))
    if kind == "email":
        return f"{letters[:8]}.{letters[8:12]}@{letters[12:18]}.net"
    if kind == "card":
        return luhn("4" + digits[:14])
    if kind == "iban":
        body = digits[:18]
        check = 98 - int(body + "131400") % 97
        return f"DE{check:02}{body}"
    if kind == "ipv4":
        return f"{rng.randint(11, 99)}.{rng.randint(100, 250)}.{rng.randint(100, 250)}.{rng.randint(100, 250)}"
    if kind == "url_credentials":
        return f"https://{letters[:6]}:{letters[6:18]}@{letters[18:24]}.net/x"
    if kind == "phone":
        return f"+1 {rng.choice(('212', '415', '617'))} {rng.randint(200, 554)} {digits[:4]}"
    if kind == "us_ssn":
        return f"{rng.randint(100, 665):03}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"
    if kind == "api_key":
        return f"ghp_{mixed[:36]}"
    if kind == "mac":
        return ":".join(f"{rng.randint(16, 255):02x}" for _ in range(6))
    if kind == "ipv6":
        return "2a01:" + ":".join(f"{rng.randint(0x1000, 0xFFFF):x}" for _ in range(7))
    raise AssertionError(kind)


KINDS = ("email", "card", "iban", "ipv4", "url_credentials", "phone", "us_ssn", "api_key", "mac", "ipv6")


def plant(folder: Path, count: int, seed: int = 5) -> list[str]:
    """Write a source with secrets in every sort of place; returns them."""
    rng = random.Random(seed)
    secrets: list[str] = []

    def secret(kind: str | None = None) -> str:
        secrets.append(make(kind or rng.choice(KINDS), rng))
        return secrets[-1]

    lines: list[str] = []
    number = 0
    while len(secrets) < count:
        number += 1
        ending = "".join("abcdefghij"[int(d)] for d in str(number))
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)}{ending}"
        secrets.append(name)
        words = (
            f"message {number}: I am {name}, write to {secret('email')} or use {secret()} please, thank you very much"
        )
        call = [
            {
                "id": f"c{number}",
                "type": "function",
                "function": {"name": "book", "arguments": json.dumps({"who": secret(), "note": f"line\n{secret()}"})},
            }
        ]
        row: dict[str, Any] = {
            "turns": [
                {"role": "user", "content": words},
                {"role": "assistant", "content": None, "tool_calls": call},
                {"role": "tool", "tool_call_id": f"c{number}", "content": json.dumps({"found": secret()})},
                {"role": "assistant", "content": f"Done for {name.split()[0]}: {secret()}."},
            ],
            "customer": name,
            "contact": secret(),
            "meta": {"seen": [secret()]},
            "card": int(secret("card")),
            "topic": rng.choice(("orders", "billing")),
        }
        kind = number % 12
        if kind == 0:
            row["topic"] = secret("email")  # what the list does not know, quoted as evidence
        elif kind == 1:
            row["turns"][0]["content"] = f"quote me {secret('email')} or {name}"
        elif kind == 2:
            row["turns"][0]["content"] = f"explode {secret('email')} of {name}"
        elif kind == 3:
            row["turns"][-1]["content"] = f"I'm sorry, but I can't help {secret('email')} with that."
        elif kind == 4:
            row["turns"][-1]["content"] = secret("iban")
        line = json.dumps(row, ensure_ascii=number % 2 == 0)
        lines.append(line)
        if kind == 5:
            lines.append(line)  # the very same row: told apart by its occurrence, merged as a copy
        if kind == 6:
            lines.append(f'{{"turns": "{secret("email")} cut of')
    (folder / "chats.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "topics.csv").write_text("topic\norders\nbilling\n", encoding="utf-8")
    (folder / "quote.py").write_text(QUOTE, encoding="utf-8")
    return secrets


def contents(root: Path) -> Iterator[tuple[str, str]]:
    """Every file below a folder: (name, all it says): bytes as text, and the columns of Parquet files."""
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        told = [path.name, data.decode("utf-8", "replace")]
        if data[:4] == b"PAR1":
            told += [json.dumps(column.to_list(), ensure_ascii=False, default=str) for column in pl.read_parquet(path)]
        yield str(path.relative_to(root)), "\n".join(told)


def leaks(root: Path, secrets: list[str]) -> dict[str, list[str]]:
    """Which secrets stand where below a folder, as they were, or with only their signs."""
    found: dict[str, list[str]] = {}
    for name, told in contents(root):
        compact = told.replace("\\/", "/")
        mine = [secret for secret in secrets if secret in compact or _core(secret) in compact]
        if mine:
            found[name] = mine[:5]
    return found


def _core(secret: str) -> str:
    """Ten signs from the middle: a piece of a secret is a leak too."""
    middle = len(secret) // 2
    return secret[middle - 5 : middle + 5] if len(secret) >= 14 else secret


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", KEY)
    monkeypatch.setattr(_text, "SLICE", 400_000)


def run(folder: Path, mode: str) -> RunResult:
    (folder / "recipe.yaml").write_text(RECIPE.replace("MODE", mode), encoding="utf-8")
    return execute(load(folder / "recipe.yaml"), folder, Options(workers=2))


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize(("mode", "count"), [("surrogate", 5000), ("pseudonym", 300), ("tag", 300), ("mask", 300)])
def test_no_planted_secret_leaves_the_private_folders(tmp_path: Path, mode: str, count: int) -> None:
    secrets = plant(tmp_path, count)
    result = run(tmp_path, mode)
    fates = result.outcomes
    assert fates["dropped"]
    assert fates["merged"]
    assert fates["quarantined"]
    for folder in ("runs", "dist"):
        assert leaks(tmp_path / folder, secrets) == {}
    assert leaks(tmp_path / ".tamis", secrets[:40]) != {}, "the search finds nothing anywhere"
    assert not any(KEY in told for _, told in contents(tmp_path)), "the key is in the workspace"
    assert {line["message"][:10] for line in Ledger(result.folder).quarantined()} == {"(not shown"}
    purge(tmp_path)
    sources = [tmp_path / "chats.jsonl"]
    for source in sources:
        source.unlink()
    assert leaks(tmp_path, secrets) == {}
    assert_still_answers(result.folder)


def assert_still_answers(run_folder: Path) -> None:
    """`why`, `dropped` and the report after a purge: everything but the text."""
    why = Why(run_folder)
    (line,) = why.find("train.jsonl:1")
    life = why.life(line)
    assert life["outcome"] == "kept"
    assert "purged on 20" in life["text_gone"]
    rows, total = dropped_rows(Ledger(run_folder), "filter.listed", None, 5)
    assert total
    assert rows[0]["text"] is None
    assert "Personal data" in write_report(run_folder).read_text(encoding="utf-8")
