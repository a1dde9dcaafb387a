"""filter.truncated"""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tamis.steps.filter.truncated import Truncated
from tamis.testing import run_step


def answer(text: str | None) -> dict[str, Any]:
    return {"prompt": "Please.", "response": text}


PROSE = "The kettle boils at a hundred degrees. Wait a minute before you pour it."
STEPS = "1. Boil the water in a kettle.\n2. Add the tea and stir."
CODE = "def area(shape):\n    total = 0\n    for side in shape:\n        total += side\n    return total"
CASES: list[Any] = [
    ({}, answer(PROSE), "kept"),
    ({}, answer(PROSE[:60]), "cut_sentence"),
    ({}, answer(PROSE + " Then stir it and add"), "cut_sentence"),
    ({}, answer("We walked along the river and then we went to the"), "cut_sentence"),
    ({}, answer(PROSE + " You need a cup, a spoon, some good tea leaves,"), "cut_sentence"),
    ({}, answer(PROSE + " Here is what you need for it:"), "cut_sentence"),
    ({}, answer(PROSE + " Use a good pot (made of cast iron"), "open_bracket"),
    ({}, answer(STEPS + "\n3. Wait for a mi"), "cut_item"),
    ({}, answer(STEPS + "\n3."), "bare_mark"),
    ({}, answer("Here you are:\n```python\nprint(1)\nprint("), "open_fence"),
    ({}, answer("We solve the equation as follows.\n\\[ x = \\frac{a}{b}"), "open_formula"),
    ({}, answer("水沸了以后等一分钟。然后把茶叶放进杯子里慢慢地"), "cut_sentence"),
    ({}, answer("水沸了以后等一分钟。"), "kept"),
    ({}, answer("Here you are:\n```python\nprint(1)\n```"), "kept"),
    ({}, answer(CODE), "kept"),
    ({}, answer(CODE[: CODE.index("shape:\n") + 6]), "open_block"),
    ({}, answer("int main() {\n  int a = 1;\n  int b = 2;"), "open_bracket"),
    ({}, answer("int main() {\n  int a = 1;\n}"), "kept"),
    ({}, answer("total = 0\nmean = sum(total"), "open_bracket"),
    ({}, answer(f"#!/bin/sh\nfind . -name 'a' -and -newer {'b ' * 9}"), "kept"),
    ({}, answer("Paris"), "kept"),
    ({}, answer("The capital of France is Paris"), "kept"),
    ({}, answer("Call me Ishmael: A Tale of Whales, Ships and the Sea"), "kept"),
    ({}, answer("- apples and pears\n- bread without salt\n- a bag of flour"), "kept"),
    ({}, answer("Thank you for the tea. It was very good. I hope to see you soon.\n\nBest regards,\nAnna Lee"), "kept"),
    ({}, answer("Roses are red,\nViolets are blue,\nSugar is sweet,\nAnd so are you"), "kept"),
    ({}, answer("I love tea! It keeps me warm in winter. #tea #winter"), "kept"),
    ({}, answer("The page is here. You can read all of it at https://example.com/tea/leaves"), "kept"),
    ({}, answer("| a | b |\n| - | - |\n| one and two | three of the"), "kept"),
    ({}, answer("He said that he would come. “I will be there.”"), "kept"),
    ({}, answer("The sum is easy to find. All in all there are 42 (forty-two)"), "kept"),
    ({}, answer("Great job! 🎉"), "kept"),
    ({"min_score": 0.95}, answer(PROSE[:60]), "kept"),
    ({}, answer(""), "kept"),
    ({}, answer(None), "kept"),
]


def test_the_sign_and_the_score_are_told() -> None:
    evidence = run_step(Truncated(), [answer(STEPS + "\n3."), answer(PROSE)]).evidence
    assert evidence[0]["sign"] == "bare_mark"
    assert evidence[0]["score"] == pytest.approx(0.9)
    assert evidence[1] == {"sign": None, "score": 0}


def good(data: Path, name: str) -> list[str]:
    path = data / name
    if not path.exists():
        pytest.skip(f"no {path}")
    rows = json.loads(gzip.decompress(path.read_bytes()))
    return [row.get("response") or row.get("output") or "" for row in rows]


SETS = [
    ("gpteacher/codegen-instruct.json.gz", 0.998, 0.58),
    ("gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz", 0.995, 0.86),
    ("llama-factory-demo/alpaca_en_demo.json.gz", 0.985, 0.78),  # five of the nine dropped are cut off in the set
    ("llama-factory-demo/alpaca_zh_demo.json.gz", 0.99, 0.74),
]


@pytest.mark.parametrize(("name", "kept", "found"), SETS)
def test_the_figures_of_the_docs_hold(data: Path, name: str, kept: float, found: float) -> None:
    """Complete answers, and the same cut at a random character (a fifth to 97% of them)."""
    texts = good(data, name)
    rng = random.Random(7)
    cut = [text[: int(len(text) * rng.uniform(0.2, 0.97))] for text in texts if len(text) >= 200]
    whole = run_step(Truncated(), [answer(text) for text in texts]).outcomes
    assert whole.count("kept") / len(whole) >= kept
    outcomes = run_step(Truncated(), [answer(text) for text in cut]).outcomes
    assert 1 - outcomes.count("kept") / len(outcomes) >= found


def test_a_cut_in_an_open_fence_is_always_found(data: Path) -> None:
    path = data / "arena-answers" / "gpt-4-0314.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    turns = [turn for line in lines if line for turn in json.loads(line)["messages"]]
    texts = [turn["content"]["answer"] for turn in turns if turn["role"] == "assistant"]
    cut = [text[: match.end() + 40] for text in texts if (match := re.search(r"^```\w+\n", text, re.MULTILINE))]
    cut = [text for text in cut if text.count("```") == 1]
    assert len(cut) > 100
    assert set(run_step(Truncated(), [answer(text) for text in cut]).outcomes) == {"open_fence"}
