"""docs/prompts.md as it stands: its prompt, its recipe, and what its commands print."""

from __future__ import annotations

import csv
import json
import re
import shlex
import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.endpoint import Endpoint, Seen

from .terminal import DEMO, Terminal

PAGE = Path(__file__).parents[2] / "docs/prompts.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_says_what_happens(tamis: Terminal, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    texts = [text for language, text in blocks if language == "text"]
    prompt = next(text for text in texts if text.startswith("---"))
    recipe = next(text for language, text in blocks if language == "yaml")
    verdicts = next(text for text in texts if text.startswith('{"row"'))
    tamis.demo()
    with open(DEMO / "inquiries.csv", encoding="utf-8") as file:
        gold = {row["inquiry"].strip(): row["category"] for row in csv.DictReader(file)}
    forgotten = "".join(f"  {label}: as it says\n" for label in ("orders", "product", "subscription", "warranty"))

    def answer(asked: Seen) -> object:
        said = re.search(r"<data \w+>\n(.*)\n</data", asked.last, re.DOTALL)
        category = gold.get(said[1].strip(), "other") if said else "other"
        return {"label": category if f"- {category}: " in asked.body["messages"][0]["content"] else "other"}

    endpoint.script = answer
    tamis.write("prompts/category.md", prompt)
    tamis.write("prompts/category-2.md", prompt.replace("  other: ", f"{forgotten}  other: "))
    tamis.write("recipe.yaml", f"{recipe}connections: {{openai: {{url: {endpoint.url}}}}}\n")
    told = [json.loads(line) for line in verdicts.splitlines()]
    told += [{"row": number, "verdict": "accept"} for number in range(len(told) + 1, 20)]
    tamis.write("verdicts.jsonl", "".join(json.dumps(one) + "\n" for one in told))
    monkeypatch.setattr(sys, "stdin", StringIO())
    for text in texts:
        if not text.startswith("$ "):
            continue
        command, _, expected = text.removeprefix("$ ").partition("\n")
        said = tamis(*shlex.split(command)[1:])
        printed = said.out + said.err
        for line in filter(None, expected.splitlines()):
            shown = [one.rstrip() for one in printed.splitlines()]
            begins = line.endswith("…")
            assert any(one.startswith(line[:-1]) if begins else one == line for one in shown), f"{line}\n\n{printed}"
    assert tamis("run", "recipe.yaml", "--progress", "none").code == 0
