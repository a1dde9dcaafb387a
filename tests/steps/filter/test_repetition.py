"""filter.repetition"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.steps.filter.repetition import Repetition
from tamis.testing import run_step

STORY = (
    "Once upon a time a miller had three sons, a mill, a donkey and a cat. When he died, the eldest took the mill, the second "
    "the donkey, and nothing was left for the youngest but the cat, which asked him for a pair of boots."
)
SONG = (
    "Row, row, row your boat,\nGently down the stream.\nMerrily, merrily, merrily, merrily,\nLife is but a dream.\n\n"
    "Row, row, row your boat,\nGently up the creek.\nIf you see a crocodile,\nDon't forget to shriek."
)
TABLE = "| day | from | to |\n| --- | --- | --- |\n" + "".join(f"| {n} | 09:00 | 17:00 |\n" for n in range(1, 20))
CODE = "def area(shape):\n" + "".join(
    f"    if shape.kind == {n}:\n        return shape.width_{n} * shape.height_{n}\n" for n in range(12)
)
PASTED = "\n".join(["Please send me the invoice for June.", "Kind regards from Berlin, Anna"] * 2 + [STORY[:70]])
CASES: list[Any] = [
    ({}, {"response": STORY}, "kept"),
    ({}, {"response": SONG}, "kept"),
    ({}, {"response": TABLE}, "kept"),
    ({}, {"response": CODE}, "kept"),
    ({}, {"response": "ha" * 20}, "kept"),
    ({}, {"response": "=" * 500}, "kept"),
    ({}, {"response": "A" * 500}, "looping"),
    ({}, {"response": "asdf " * 40}, "looping"),
    ({}, {"response": STORY + " The cat said so." * 12}, "looping"),
    ({}, {"response": "这个问题的答案是这个问题的答案是" * 12}, "looping"),
    ({}, {"response": "おはようございます。" * 20}, "looping"),
    ({}, {"response": (STORY + "\n") * 3}, "looping"),
    ({}, {"response": (STORY[:110] + " Then " + STORY[:110] + " So " + STORY[:110])}, "repeated_ngrams"),
    ({"max_repeated": 1, "max_loop": 1, "max_lines": 0.3}, {"response": PASTED}, "repeated_lines"),
    ({"min_bytes": 10}, {"response": "no no no no no no no no"}, "looping"),
    ({}, {"response": ""}, "kept"),
    ({}, {"response": None}, "kept"),
]


def test_the_shares_are_told_of_kept_rows_too() -> None:
    evidence = run_step(Repetition(), [{"response": STORY}, {"response": "on and on and " * 30}]).evidence
    assert evidence[0] == {"loop": 0, "times": 0, "repeated": 0, "lines": 0}
    assert evidence[1]["loop"] > 0.99
    assert evidence[1]["repeated"] > 0.9


def responses(data: Path, name: str, field: str) -> list[dict[str, Any]]:
    path = data / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return [{"response": row[field]} for row in json.loads(gzip.decompress(path.read_bytes()))]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("gpteacher/codegen-instruct.json.gz", "response"),
        ("gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz", "response"),
        ("gpteacher/toolformer-dedupe-only-dataset.json.gz", "response"),
        ("llama-factory-demo/alpaca_en_demo.json.gz", "output"),
        ("llama-factory-demo/alpaca_zh_demo.json.gz", "output"),
    ],
)
def test_good_instruction_rows_stay(data: Path, name: str, field: str) -> None:
    outcomes = run_step(Repetition(), responses(data, name, field)).outcomes
    assert outcomes.count("kept") / len(outcomes) >= 0.99


def test_degenerate_samplings_are_found(data: Path) -> None:
    """Raw samplings of a base model, each of which runs on until it is cut off."""
    path = data / "self-instruct" / "davinci_predictions.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    texts = [json.loads(line)["response"] for line in lines if line]
    outcomes = run_step(Repetition(), [{"response": text} for text in texts]).outcomes
    assert len(outcomes) == 252
    assert outcomes.count("kept") / len(outcomes) <= 0.05
