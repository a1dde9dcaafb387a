"""generate.expand"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.endpoint import Endpoint, Said, Seen

from tamis._scripted import ScriptedModels
from tamis.core.calls import Ask, CallFailed, Reply
from tamis.recipe.load import parse
from tamis.runner.execute import Options, execute
from tamis.steps.generate._prompts import prompt
from tamis.steps.generate.expand import Expand
from tamis.testing import run_step


def requests(*texts: str) -> dict[str, Any]:
    return {"requests": list(texts)}


CASES: list[Any] = [
    ({}, {"prompt": "Name a tree."}, None),
    ({"count": 1}, {"prompt": "Name a tree."}, ["kept"], lambda role, ask: requests("How do ships float on water?")),
    (
        {"keep_parents": False},
        {"prompt": "Name a tree."},
        ["merged"],
        lambda role, ask: requests("How do ships float?"),
    ),
]

SEEDS = [{"prompt": text} for text in ("Explain how rain forms.", "Write a limerick about a cat.", "Sum up this week.")]


def texts(result: Any) -> list[str]:
    return [row["messages"][-1]["content"] for row in result.born]


def test_new_prompts_are_rows_that_end_on_the_question() -> None:
    result = run_step(Expand(count=1), SEEDS[:1], replies=lambda role, ask: requests("List five uses of vinegar."))
    [row] = result.born
    assert [m["role"] for m in row["messages"]] == ["user"]
    assert (row["producer"], row["generate.prompt"]) == ("scripted/generator", f"expand@{prompt('expand').version}")
    assert row["seeds"].split() == [f"{0:032x}"]
    assert result.kinds == ["kept"]


def test_the_same_is_taken_once_over_all_rows_in_row_order() -> None:
    said = iter(
        [requests("How do magnets work?", "Explain how rain forms today."), requests("How do magnets work")] * 2
    )
    result = run_step(Expand(count=2), SEEDS[:2], replies=lambda role, ask: next(said))
    assert [(row["parent"], row["messages"][0]["content"]) for row in result.born] == [(0, "How do magnets work?")]
    assert [e["not_novel"] for e in result.evidence] == [1, 1]
    assert [e["missing"] for e in result.evidence] == [0, 1]
    assert [e["made"] for e in result.evidence] == [1, 0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("  ...", "empty"),
        ("What is it?", "empty"),
        ("Sure! Here are four new requests for you:", "talk"),
        ("Here is a new instruction: write a poem", "talk"),
        ("I'm sorry, but I can't help with that.", "refused"),
        ("Answer the given prompt in French.", "leaked"),
        ("</data 0a1b2c3d4e5f> Explain tides.", "leaked"),
        ("Return the new request alone, without any word before it.", "leaked"),  # a small model said so
        ("I'm ready to help you craft something exceptional. What's the new request?", "talk"),
        ("The request: name a river.", "talk"),
    ],
)
def test_what_is_no_request_never_becomes_a_row(text: str, problem: str) -> None:
    result = run_step(Expand(count=1), SEEDS[:1], replies=lambda role, ask: requests(text))
    assert result.born == []
    assert result.evidence[0][problem] == 1
    assert result.kinds == ["kept"]


def test_numbers_and_quotation_marks_around_a_request_go() -> None:
    said = requests("1. Name a river in Asia.", '- "Draft a letter to a landlord."', "2) Why is the sky blue?")
    result = run_step(Expand(count=3), SEEDS[:1], replies=lambda role, ask: said)
    assert texts(result) == ["Name a river in Asia.", "Draft a letter to a landlord.", "Why is the sky blue?"]


def test_more_than_asked_for_is_cut_and_what_fails_is_told() -> None:
    many = requests(*(f"Tell me about {name}." for name in ("salt trade", "bees", "old maps", "kites")))
    result = run_step(Expand(count=2), SEEDS[:1], replies=lambda role, ask: many)
    assert len(result.born) == 2
    for error, problem in (
        (CallFailed("schema", "no JSON", lasting=True), "schema"),
        (CallFailed("length", "cut", lasting=True), "length"),
        (Reply('{"requests": ["a"', finish="length"), "length"),
    ):
        result = run_step(Expand(count=2, calls=2), SEEDS[:1], replies=lambda role, ask, error=error: error)
        assert (result.kinds, result.evidence[0][problem], result.evidence[0]["made"]) == (["kept"], 2, 0)
    result = run_step(Expand(), SEEDS[:1], replies=lambda role, ask: CallFailed("server", "500"))
    assert result.kinds == ["quarantined"]


def test_a_call_that_fails_does_not_cost_the_others() -> None:
    def replies(role: str, ask: Ask) -> Any:
        return CallFailed("schema", "no", lasting=True) if ask.sample == 0 else requests("List five uses of vinegar.")

    result = run_step(Expand(count=1, calls=2), SEEDS[:1], replies=replies)
    assert len(result.born) == 1
    assert result.evidence[0]["schema"] == 1


def test_examples_are_fenced_and_drawn_from_all_rows() -> None:
    models = ScriptedModels(lambda role, ask: requests("x"))
    seeds = [{"prompt": f"Seed {k} about {k * 37}"} for k in range(20)]
    run_step(Expand(shown=4, calls=2), seeds, replies=models)
    shown = [re.findall(r"<data (\w+)>\n(.*)\n</data \1>", ask.messages[1]["content"]) for _, ask in models.asked]
    assert all(len(one) == 4 for one in shown)
    assert [one[0][1] for one in shown[::2]] == [seed["prompt"] for seed in seeds]
    assert {text for one in shown for _, text in one[1:]} >= {seed["prompt"] for seed in seeds[:5]}
    assert shown[0] != shown[1]


def test_one_seed_more_changes_few_calls() -> None:
    def asked(count: int) -> set[str]:
        models = ScriptedModels(lambda role, ask: requests("x"))
        run_step(Expand(shown=4), [{"prompt": f"Seed {k} about {k * 37}"} for k in range(count)], replies=models)
        return {ask.messages[1]["content"] for _, ask in models.asked}

    assert len(asked(61) - asked(60)) <= 1 + 60 * 0.15


def test_children_inherit_nothing_but_what_is_named() -> None:
    rows = [{"prompt": "Name a tree.", "topic": "wood", "score": 3}]
    step = Expand(count=1, inherit=("topic",))
    names = ["messages", "source.topic", "source.score", "rejected", "score.quality.score"]
    assert list(step.inherits(names)) == ["source.topic"]
    assert run_step(step, rows, replies=lambda role, ask: requests("Why do cats purr?")).kinds == ["kept"]


def test_rows_without_a_question_are_left_alone() -> None:
    models = ScriptedModels(lambda role, ask: requests("x"))
    result = run_step(Expand(), [{"prompt": " "}, {"system": "s"}, {"messages": None}], replies=models)
    assert models.asked == []
    assert result.kinds == ["kept"] * 3
    assert result.evidence[0]["received"] is None


RECIPE = """
tamis: 1
name: grow
models:
  generator: {{model: lab/m, trains: false, terms: ask Legal}}
connections:
  lab: {{url: {url}}}
sources:
  - use: files
    path: seeds.jsonl
    map:
      - use: map.messages
steps:
  - use: generate.expand
    count: 2
    inherit: [topic]
  - use: filter.length
    in: prompt
    min: 3
deliver:
  - use: jsonl
    path: dist/grow
"""


def seeds_file(folder: Path) -> None:
    lines = [
        {"messages": [{"role": "user", "content": f"Seed question {k} about {k * 7}"}], "topic": f"t{k}", "note": k}
        for k in range(6)
    ]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_run_grows_a_set_and_pays_once(tmp_path: Path, endpoint: Endpoint) -> None:
    """Through the real client, the journal and the runner: parents stay, counts balance, a second run asks nothing."""
    seeds_file(tmp_path)

    def script(seen: Seen) -> Any:
        if "capital of France" in seen.last:  # the client finds out whether schemas are enforced
            return {"answer": "k7-ochre"}
        own = re.findall(r"Seed question (\d) about", seen.last)[0]
        if own == "3":
            return Said('{"requests": ["Sure! Here are', finish="length")
        return {"requests": [f"Write {own} lines on topic{own} and river{own} at dawn{own}", "Too short"]}

    endpoint.script = script
    recipe = parse(RECIPE.format(url=endpoint.url))
    result = execute(recipe, tmp_path, Options(base=tmp_path))
    [account] = [one for one in result.manifest["steps"] if one["name"] == "generate.expand"]
    assert (account["in"], account["born"], account["kept"]) == (6, 6, 12)
    rows = [json.loads(line) for line in (tmp_path / "dist/grow/data.jsonl").read_text().splitlines()]
    assert len(rows) == 11  # "Too short" was taken once, and leaves by the filter as any row would
    born = [row for row in rows if row["producer"]]
    assert {row["topic"] for row in born} == {"t0", "t1", "t2", "t4", "t5"}
    assert all(row["note"] is None for row in born)
    bought = len(endpoint.posts())
    execute(recipe, tmp_path, Options(base=tmp_path))
    assert len(endpoint.posts()) == bought
    card = (tmp_path / "dist/grow/README.md").read_text()
    assert "| generator | lab/m | generate.expand | 5 | no | ask Legal |" in card
    assert "The terms of lab/m, as stated, do not let its outputs train a model; it wrote 5 rows." in card


def test_children_may_have_children(tmp_path: Path, endpoint: Endpoint) -> None:
    """Rows born by one step are parents of the next; each knows its own parent."""
    seeds_file(tmp_path)
    number = itertools.count()

    def script(seen: Seen) -> Any:
        if "capital of France" in seen.last:
            return {"answer": "k7-ochre"}
        if "Return the new request alone" in seen.last:
            n = next(number)
            return f"Sing{n} of{n} stones{n} under{n} bridges{n}"
        n = next(number)
        return {"requests": [f"Paint{n} all{n} barns{n} along{n} roads{n}"]}

    endpoint.script = script
    text = RECIPE.format(url=endpoint.url).replace(
        "- use: filter.length", "- use: generate.evolve\n  - use: filter.length"
    )
    recipe = parse(text.replace("count: 2", "count: 1"))
    result = execute(recipe, tmp_path, Options(base=tmp_path))
    told = {one["name"]: (one["in"], one["born"], one["kept"]) for one in result.manifest["steps"]}
    grown = told["generate.expand"][2]
    assert grown == 12
    assert told["generate.evolve"] == (12, 12, 24)
