"""generate.fill"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.endpoint import Endpoint, Seen

from tamis._scripted import ScriptedModels
from tamis.core.calls import Ask, CallFailed
from tamis.core.events import Warned
from tamis.recipe.load import parse
from tamis.runner.execute import Options, execute
from tamis.steps.generate.fill import Fill
from tamis.testing import run_step

WORDS = [
    f"{a}{b}"
    for a in ("amber", "birch", "cedar", "dune", "ember", "fjord")
    for b in ("gate", "hill", "isle", "jar", "kiln")
]


def fresh() -> Any:
    """Requests of words that were not used before, as many as asked for."""
    used = iter(range(10**6))

    def replies(role: str, ask: Ask) -> Any:
        count = int(re.findall(r"Write (\d+) new", ask.messages[1]["content"])[0])
        return {
            "requests": [
                f"{WORDS[k % 30]} {WORDS[(k * 7 + 3) % 30]} number{k}" for k in (next(used) for _ in range(count))
            ]
        }

    return replies


ROWS = [
    *({"prompt": f"parcel question {k} {WORDS[k]}", "topic": "delivery"} for k in range(6)),
    *({"prompt": f"money matter {k} {WORDS[-k]}", "topic": "money"} for k in range(2)),
    {"prompt": "unlabelled", "topic": None},
]
CASES: list[Any] = [
    ({"by": "topic", "plan": "even"}, ROWS, None),
    ({"by": "topic", "plan": {"money": 3}, "keep_parents": True}, ROWS, ["kept"] * 9, fresh()),
]


def born(result: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in result.born:
        counts[row["source.topic"]] = counts.get(row["source.topic"], 0) + 1
    return counts


@pytest.mark.parametrize(
    ("settings", "made"),
    [
        ({"plan": "even"}, {"money": 4}),
        ({"plan": {"money": 5, "delivery": 3}}, {"money": 3}),
        ({"plan": {"money": 0.5, "delivery": 0.5}, "total": 20}, {"money": 8, "delivery": 4}),
        ({"plan": {"money": 0.25, "delivery": 0.5, "praise": 0.25}}, {"money": 1, "praise": 3}),
        ({"plan": {"delivery": 2}}, {}),
    ],
)
def test_the_plan_is_filled_and_not_overfilled(settings: dict[str, Any], made: dict[str, int]) -> None:
    result = run_step(Fill(by="topic", **settings), ROWS, replies=fresh())
    assert born(result) == made
    assert set(result.kinds) == {"kept"}


def test_calls_are_spread_over_the_rows_of_the_value_and_show_them() -> None:
    models = ScriptedModels(fresh())
    run_step(Fill(by="topic", plan={"delivery": 26}, count=2, spare=0), ROWS, replies=models)
    assert len(models.asked) == 10
    for _, ask in models.asked:
        shown = re.findall(r"<data (\w+)>\n(.*)\n</data \1>", ask.messages[1]["content"])
        assert len(shown) == 6
        assert all("parcel question" in text for _, text in shown)
        assert "The class: delivery" in ask.messages[1]["content"]
    assert len({ask.messages[1]["content"] + str(ask.sample) for _, ask in models.asked}) == 10


def test_a_value_without_rows_is_described_by_words_and_by_the_others() -> None:
    models = ScriptedModels(fresh())
    step = Fill(by="topic", plan={"praise": 2}, count=2, spare=0, descriptions={"praise": "Customers say thank you."})
    assert born(run_step(step, ROWS, replies=models)) == {"praise": 2}
    said = models.asked[0][1].messages[1]["content"]
    assert "Customers say thank you." in said
    assert "Of another class, " in said


def test_what_is_like_a_row_or_left_over_is_counted() -> None:
    said = {"requests": ["parcel question 3 ambergate", "A wholly new matter here", "Another thing altogether now"]}
    result = run_step(Fill(by="topic", plan={"money": 3}, count=3, spare=0), ROWS, replies=lambda role, ask: said)
    assert [row["messages"][0]["content"] for row in result.born] == ["A wholly new matter here"]
    asked = next(e for e in result.evidence if e["received"])
    assert (asked["not_novel"], asked["surplus"], asked["made"]) == (1, 1, 1)


def test_what_fails_is_told_and_costs_its_row_only_where_it_may_go_better() -> None:
    lasting = CallFailed("schema", "no", lasting=True)
    result = run_step(Fill(by="topic", plan={"money": 3}), ROWS, replies=lambda role, ask: lasting)
    assert (born(result), set(result.kinds), sum(e["schema"] for e in result.evidence)) == ({}, {"kept"}, 1)
    result = run_step(Fill(by="topic", plan={"money": 3}), ROWS, replies=lambda role, ask: CallFailed("server", "500"))
    assert result.kinds.count("quarantined") == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"plan": {}}, "names a number"),
        ({"plan": {"a": -1}}, "names a number"),
        ({"plan": {"a": 3.5}}, "whole numbers"),
        ({"plan": {"a": 0.5, "b": 0.4}, "total": 10}, "come to 1"),
    ],
)
def test_plans_that_mean_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Fill.model_validate({"by": "topic", **settings})


RECIPE = """
tamis: 1
name: fill
models:
  generator: {{model: lab/m}}
connections:
  lab: {{url: {url}}}
sources:
  - use: files
    path: rows.jsonl
    map:
      - use: map.messages
steps:
  - use: generate.fill
    by: topic
    plan: even
    count: 2
deliver:
  - use: jsonl
    path: out
"""


def test_a_run_tells_what_is_still_lacking(tmp_path: Path, endpoint: Endpoint) -> None:
    lines = [
        {"messages": [{"role": "user", "content": row["prompt"]}], "topic": row["topic"]}
        for row in ROWS
        if row["topic"]
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def script(seen: Seen) -> Any:
        return (
            {"answer": "k7-ochre"} if "capital of France" in seen.last else {"requests": ["Refund my ticket, please"]}
        )

    endpoint.script = script
    events: list[Any] = []
    result = execute(parse(RECIPE.format(url=endpoint.url)), tmp_path, Options(base=tmp_path), emit=events.append)
    rows = [json.loads(line) for line in (tmp_path / "out/data.jsonl").read_text().splitlines()]
    assert [row["topic"] for row in rows].count("money") == 3
    told = [event.message for event in events if isinstance(event, Warned)]
    assert "generate.fill: topic 'money': 3 of 4 rows are still lacking" in told
    [account] = [one for one in result.manifest["steps"] if one["name"] == "generate.fill"]
    assert (account["in"], account["born"], account["kept"]) == (8, 1, 9)
