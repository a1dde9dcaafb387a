"""decontaminate.exact"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tamis.engine.testsets import read_items
from tamis.steps.decontaminate.exact import Exact
from tamis.testing import run_step

ITEMS = str(Path(__file__).with_name("items.jsonl"))
ITEM = {item.id: item for item in read_items(Path(ITEMS))}
HENS, ANSWER = ITEM["hens"].question, ITEM["hens"].answers[0]
SETTINGS: dict[str, Any] = {"against": [ITEMS]}
CASES: list[Any] = [
    (SETTINGS, {"prompt": f"Please: {HENS.upper()}", "response": "No."}, "question_leaked"),
    (SETTINGS, {"prompt": "Hens?", "response": f"Well. {ANSWER}"}, "answer_leaked"),
    (SETTINGS, {"prompt": HENS.replace("farmer", "man", 1)}, "kept"),
    (SETTINGS, {"prompt": HENS.replace("1,200", "1,300")}, "kept"),
    ({**SETTINGS, "match": "equal"}, {"prompt": f"Please: {HENS}"}, "kept"),
    ({**SETTINGS, "match": "equal"}, {"prompt": f"  {HENS.lower()}\n"}, "question_leaked"),
    ({**SETTINGS, "match": "equal"}, {"prompt": "Which gas do plants take in"}, "question_leaked"),
    (SETTINGS, {"prompt": "Which gas do animals take in?"}, "kept"),
]


def test_an_item_that_begins_twice_is_found() -> None:
    """The beginning of the item stands in the row, and then the item: the search must go back."""
    words = HENS.split(" ")
    for k in (3, 8, 9, 12, 20):
        row = {"prompt": " ".join(words[:k]) + " " + HENS}
        assert run_step(Exact(against=(ITEMS,)), [row]).outcomes == ["question_leaked"]


def test_it_finds_no_more_than_stands_there() -> None:
    rows = [{"prompt": item.question, "response": "Hm."} for item in ITEM.values()]
    result = run_step(Exact(against=(ITEMS,)), rows)
    assert result.outcomes.count("kept") == 0
    assert [e["item"] for e in result.evidence] == list(ITEM)
    assert all(e["coverage"] == 1 for e in result.evidence)
