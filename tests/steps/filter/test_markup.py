"""filter.markup"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tamis.steps.filter.markup import Markup
from tamis.testing import run_step

PAGE = '<div class="nav"><a href="/">Home</a><a href="/shop">Shop</a></div><script>var a = 1; b(a);</script>'
SHEET = ".nav { color: #fff; margin: 0 auto; }\n.nav a:hover { color: red; }\nbody { font-size: 12px; }"
DUMP = json.dumps({"status": "ok", "items": [{"id": k, "name": f"item {k}"} for k in range(9)]})
BYTES = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg=="
TABLE = "| day | from | to |\n| --- | --- | --- |\n" + "".join(f"| {n} | 09:00 | 17:00 |\n" for n in range(1, 9))
PROSE = "Ada Lovelace wrote the first program. She worked with Charles Babbage; their letters (1842) tell how <b>she</b> did."


def answer(text: str | None, prompt: str = "Who was Ada Lovelace?") -> dict[str, Any]:
    return {"prompt": prompt, "response": text}


CASES: list[Any] = [
    ({}, answer(PAGE), "tags"),
    ({}, answer("&nbsp;&nbsp;&raquo; &copy; &nbsp;&middot;&nbsp;&laquo; Ada"), "tags"),
    ({}, answer(SHEET), "code"),
    ({}, answer("var dataLayer = window.dataLayer || [];\nga('create', 'UA-1');\nga('send', 'pageview');"), "code"),
    ({}, answer(DUMP), "data"),
    ({}, answer(f"Image: {BYTES}"), "encoded"),
    ({}, answer(TABLE), "table"),
    ({}, answer(PAGE, "Write the HTML of a menu."), "kept"),
    ({}, answer(DUMP, "Answer in JSON."), "kept"),
    ({}, answer(TABLE, "Make a table of opening hours."), "kept"),
    ({}, answer(SHEET, "比较两个函数。"), "kept"),
    ({"asked": False}, answer(PAGE, "Write the HTML of a menu."), "tags"),
    ({}, answer(f"```html\n{PAGE}\n```"), "kept"),
    ({}, answer(PROSE), "kept"),
    ({"max_share": 0.02}, answer(PROSE), "tags"),
    ({}, answer(PROSE + PAGE), "kept"),
    ({"min_bytes": 500}, answer(PAGE), "kept"),
    ({}, answer("We know that \\frac{a}{b} = \\sqrt{c}; so \\sum_{i=1}^{n} a_{i} < 1 and f(x) > 0."), "kept"),
    (
        {},
        answer("Look here: https://example.com/a/very/long/path/that/goes/on/and/on/2023/09/13/and/on/for/ever"),
        "kept",
    ),
    ({}, answer("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"), "kept"),
    ({"in": "text"}, {"text": PAGE}, "tags"),
    ({"in": "column:page"}, {"page": SHEET}, "code"),
    ({}, answer(""), "kept"),
    ({}, answer(None), "kept"),
]


def test_the_share_is_told_of_kept_rows_too() -> None:
    evidence = run_step(Markup(), [answer(PROSE), answer("Plain."), answer(DUMP, "Give me JSON.")]).evidence
    assert 0 < evidence[0]["share"] < 0.1
    assert evidence[0]["kind"] == "tags"
    assert evidence[1] == {"share": 0, "kind": None}
    assert evidence[2]["share"] == 1


def read(data: Path, name: str) -> str:
    path = data / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return gzip.decompress(path.read_bytes()).decode()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("gpteacher/codegen-instruct.json.gz", 0.999),
        ("gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz", 1.0),
        ("gpteacher/toolformer-dedupe-only-dataset.json.gz", 1.0),
        ("llama-factory-demo/alpaca_en_demo.json.gz", 1.0),
        ("llama-factory-demo/alpaca_zh_demo.json.gz", 1.0),
    ],
)
def test_good_answers_stay(data: Path, name: str, kept: float) -> None:
    rows = [
        answer(row.get("response") or row.get("output"), f"{row['instruction']}\n{row['input']}")
        for row in json.loads(read(data, name))
    ]
    outcomes = run_step(Markup(), rows).outcomes
    assert outcomes.count("kept") / len(outcomes) >= kept


def test_web_texts_stay(data: Path) -> None:
    lines = read(data, "llama-factory-demo/c4_demo.jsonl.gz").split("\n")
    rows = [{"text": json.loads(line)["text"]} for line in lines if line]
    assert run_step(Markup.model_validate({"in": "text"}), rows).line == "300 in = 300 kept"


def test_unfenced_pages_are_found_where_nobody_asked(data: Path) -> None:
    rows = json.loads(read(data, "gpteacher/codegen-instruct.json.gz"))
    pages = [
        row["response"] for row in rows if re.match(r"\s*<(?:!DOCTYPE|html|form|table|ul|div|style)", row["response"])
    ]
    outcomes = run_step(Markup(), [answer(page) for page in pages]).outcomes
    assert len(pages) >= 5
    assert 1 - outcomes.count("kept") / len(outcomes) >= 0.8
