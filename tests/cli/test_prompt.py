"""`tamis prompt`: verdicts by keys and by file, examples, and opening the gate with a reason."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest

from tamis.runs import prompts
from tests.endpoint import Endpoint

from .terminal import Terminal

PROMPT = "---\nlabels: [billing, delivery]\nEXTRA---\nInquiry: {inquiry}\n"


@pytest.fixture
def prompted(tamis: Terminal, endpoint: Endpoint) -> Terminal:
    endpoint.script = lambda asked: {"label": "delivery" if "parcel" in asked.last else "billing"}
    tamis.write("prompts/intent.md", PROMPT.replace("EXTRA", "examples: {count: 2}\n"))
    lines = [f"{k},{'where is my parcel' if k % 3 else 'I was charged twice'} no {k}" for k in range(40)]
    tamis.write("in.csv", "id,inquiry\n" + "\n".join(lines) + "\n")
    tamis.write(
        "recipe.yaml",
        f"""
tamis: 1
name: intents
models: {{annotator: lab/m}}
connections: {{lab: {{url: {endpoint.url}}}}}
sources: [{{use: files, path: in.csv, id: [id]}}]
steps: [{{use: annotate.label, prompt: prompts/intent.md}}]
deliver: [{{use: jsonl, path: dist/intents}}]
""",
    )
    return tamis


class Keyboard(io.StringIO):
    """A terminal somebody types at."""

    def isatty(self) -> bool:
        return True


def keys(monkeypatch: pytest.MonkeyPatch, pressed: str, *typed: str) -> None:
    """What is pressed, and what is typed where a text is asked for."""
    each: Iterator[str] = iter(pressed)
    texts: Iterator[str] = iter(typed)
    monkeypatch.setattr(sys, "stdin", Keyboard())
    monkeypatch.setattr(click, "getchar", lambda echo=False: next(each))
    monkeypatch.setattr(click, "prompt", lambda *words, **more: next(texts))


def lines(terminal: Terminal) -> list[dict[str, Any]]:
    text = (terminal.folder / "decisions/prompts/intent.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_rows_and_answers_side_by_side_decided_by_keys(prompted: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    keys(monkeypatch, "amrcxsuaq", "why not", "billing")
    said = prompted("prompt", "try", "intent", "--rows", "6")
    assert said.code == 0, said.err
    told = [(r.get("verdict"), r.get("correction"), r.get("comment")) for r in lines(prompted) if r["kind"] == "pilot"]
    assert told == [
        ("accept", None, None),
        ("reject", None, "why not"),
        ("correct", "billing", None),
        ("skip", None, None),
        ("undo", None, None),
        ("accept", None, None),
    ]
    assert "row 1 of 6" in said.out
    assert "where is my parcel" in said.out
    assert "4 of 6 rows have a verdict; of all 4 looked at, 2 were accepted" in said.out
    keys(monkeypatch, "q")
    assert "row 5 of 6" in prompted("prompt", "try", "intent").out  # it goes on where it was


def test_nobody_at_the_keyboard_sees_the_rows(prompted: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    said = prompted("prompt", "try", "prompts/intent.md", "--rows", "2")
    assert said.out.count("inquiry: ") == 2
    assert "the gate is closed: prompt 'intent'" in said.out


def test_verdicts_from_a_file_open_the_gate_and_the_run_goes_on(prompted: Terminal) -> None:
    waiting = prompted("run", "recipe.yaml", "--progress", "none")
    assert waiting.code == 3
    assert 'Hint: tamis prompt override intent --reason "…" opens it without proof' in waiting.err
    shown = prompted("prompt", "try", "intent", "--json").json
    assert len(shown["rows"]) == 19
    assert not shown["gate"]["open"]
    verdicts = [{"row": one["row"][:9], "verdict": "accept"} for one in shown["rows"][:18]]
    verdicts.append({"row": 19, "verdict": "correct", "correction": "billing", "comment": "about money"})
    prompted.write("verdicts.jsonl", "".join(json.dumps(one) + "\n" for one in verdicts))
    done = prompted("prompt", "try", "intent", "--decisions", "verdicts.jsonl", "--json").json
    assert done["rows"][18]["correction"] == "billing"
    assert done["gate"]["open"]
    assert prompted("run", "recipe.yaml", "--progress", "none").code == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"row": 1}', "is no decision"),
        ('{"row": 99, "verdict": "accept"}', "99 is no row of this try, which has rows 1 to 19"),
        ('{"row": 1, "verdict": "acept"}', "did you mean 'accept'?"),
        ('{"row": 1, "verdict": "correct", "correction": "refund"}', "no label 'refund'"),
        ("[1]", "v.jsonl:2: no decision"),
        ("{", "v.jsonl:2: no JSON"),
    ],
)
def test_verdicts_that_cannot_be_meant(prompted: Terminal, line: str, words: str) -> None:
    prompted.write("v.jsonl", '{"row": 2, "verdict": "accept"}\n' + line + "\n")
    said = prompted("prompt", "try", "intent", "--decisions", "v.jsonl")
    assert said.code == 2
    assert words in said.err
    path = prompted.folder / "decisions/prompts/intent.jsonl"
    assert not path.exists() or [r["kind"] for r in lines(prompted)] == ["try"]  # all or none


def test_examples_and_override(prompted: Terminal) -> None:
    prompted("prompt", "try", "intent", "--json")
    prompted.write("v.jsonl", '{"row": 1, "verdict": "accept"}\n{"row": 2, "verdict": "reject"}\n')
    version = prompted("prompt", "try", "intent", "--decisions", "v.jsonl", "--json").json["version"]
    assert prompted("prompt", "examples", "intent", "--json").json["examples"] == 1
    assert (prompted.folder / "prompts/intent.examples.jsonl").exists()
    said = prompted("prompt", "override", "intent", "--reason", "checked by hand later", "--json").json
    assert said["version"] != version
    run = prompted("run", "recipe.yaml", "--progress", "plain")
    assert run.code == 0
    assert "without proof, because: checked by hand later" in run.err
    assert prompts.read(prompted.folder / "decisions/prompts/intent.jsonl")[-1].kind == "override"
    assert prompted("prompt", "override", "intent", "--reason", " ").code == 2


def test_help_names_what_is_there(prompted: Terminal) -> None:
    said = prompted("prompt", "--help")
    for name in ("try", "examples", "override"):
        assert f"\n  {name} " in said.out
    assert prompted("prompt", "tri").code == 2
