"""map.threads"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.map.threads import Threads
from tamis.testing import run_step

DATA = Path(os.environ.get("TAMIS_DATA", Path(__file__).parents[3].parent / "shared" / "data"))

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    (
        {"column": "tree"},
        {"tree": '{"role": "prompter", "text": "q", "replies": [{"role": "assistant", "text": "a", "rank": 0}]}'},
        "merged",
    ),
    ({"column": "tree"}, {"tree": '{"role": "prompter", "text": "q"}'}, "no_thread"),
    ({"column": "tree"}, {"tree": "[1]"}, "not_this_shape"),
]


def ask(text: str, *replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "prompter", "text": text, "replies": list(replies), **more}


def say(text: str, *replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "text": text, "replies": list(replies), **more}


TREE = ask(
    "q",
    say("worst", rank=2),
    say("best", ask("why", say("because", rank=None), say("so", rank=0)), ask("thanks"), rank=0, model_name="m"),
    say("mid", ask("hm"), ask("hm again"), rank=1),
    say("gone", ask("x", say("y")), rank=3, deleted=True),
)


def paths(step: Threads, *trees: Any) -> list[tuple[int, str]]:
    rows = [{"tree": tree if tree is None or isinstance(tree, str) else json.dumps(tree)} for tree in trees]
    return [(child["parent"], " ".join(m["content"] for m in child["messages"])) for child in run_step(step, rows).born]


def test_every_path_best_first_cut_after_the_last_answer() -> None:
    assert paths(Threads(column="tree"), TREE) == [
        (0, "q best why so"),
        (0, "q best why because"),
        (0, "q best"),
        (0, "q mid"),
        (0, "q worst"),
    ]


def test_roles_and_producer() -> None:
    result = run_step(Threads(column="tree", paths="best"), [{"tree": json.dumps(ask("q", say("a", model_name="m")))}])
    child = result.born[0]
    assert [(m["role"], m["content"], m["weight"]) for m in child["messages"]] == [
        ("user", "q", None),
        ("assistant", "a", None),
    ]
    assert child["producer"] == "m"
    assert result.kinds == ["merged"]


def test_the_best_path() -> None:
    assert paths(Threads(column="tree", paths="best"), TREE) == [(0, "q best why so")]
    assert paths(
        Threads(column="tree", paths="best"), ask("q", say("first"), say("ranked", rank=5), say("tie", rank=5))
    ) == [(0, "q ranked")]


def test_pairs_of_ranked_replies() -> None:
    result = run_step(Threads(column="tree", pairs=True), [{"tree": json.dumps(TREE)}])
    found = [
        (row["messages"][-1]["content"], [(m["role"], m["content"]) for m in row["rejected"]]) for row in result.born
    ]
    assert found == [("best", [("assistant", "mid")]), ("best", [("assistant", "worst")])]
    assert [m["content"] for m in result.born[0]["messages"]] == ["q", "best"]
    same = ask("q", say("a", rank=0), say("a", rank=1), say("b", rank=0))
    assert paths(Threads(column="tree", pairs=True), same) == []


def test_pairs_stand_in_the_order_of_the_tree() -> None:
    def fork(text: str) -> dict[str, Any]:
        return ask(text, say(f"{text}+", rank=0), say(f"{text}-", rank=1))

    tree = ask("q", say("one", fork("a"), rank=0), say("two", fork("b"), rank=1))
    assert paths(Threads(column="tree", pairs=True), tree) == [(0, "q one"), (0, "q one a a+"), (0, "q two b b+")]


MISFITS: list[tuple[str | None, str, str | None]] = [
    (json.dumps(TREE), "merged", None),
    (None, "not_this_shape", "tree is null"),
    ("x", "not_this_shape", "tree is no JSON"),
    ("[]", "not_this_shape", "tree is a list, not a message with replies"),
    ('{"role": "boss", "text": "x"}', "not_this_shape", "tree: unknown role 'boss'"),
    ('{"role": ["x"], "text": "x"}', "not_this_shape", "tree: unknown role"),
    ('{"role": "prompter"}', "not_this_shape", "tree has no text"),
    (json.dumps(ask("q", say("a"), {"role": "assistant"})), "not_this_shape", "tree.replies[1] has no text"),
    ('{"role": "prompter", "text": "q", "replies": "none"}', "not_this_shape", "tree.replies is a text, not a list"),
    (json.dumps(ask("q")), "no_thread", None),
    (json.dumps(say("alone")), "no_thread", None),
    (json.dumps(ask("q", say("a"), deleted=True)), "no_thread", None),
]


def test_what_is_no_tree_is_dropped_with_the_place() -> None:
    result = run_step(Threads(column="tree"), [{"tree": value} for value, *_ in MISFITS])
    assert result.outcomes == [outcome for _, outcome, _ in MISFITS]
    for evidence, (_, _, problem) in zip(result.evidence, MISFITS, strict=True):
        assert (evidence["problem"] is None) == (problem is None)
        assert (evidence["problem"] or "").startswith(problem or "")
    assert result.line == "12 in + 5 born = 5 kept + 11 dropped + 1 merged (merged 1, not_this_shape 8, no_thread 3)"


def test_deep_trees_are_no_crash() -> None:
    def chain(depth: int) -> str:
        return '{"role": "assistant", "text": "x", "replies": [' * depth + "]}" * depth

    trees = ['{"role": "user", "text": "q", "replies": [' + chain(depth) + "]}" for depth in (199, 200, 20_000)]
    result = run_step(Threads(column="tree"), [{"tree": tree} for tree in trees])
    assert result.outcomes == ["merged", "not_this_shape", "not_this_shape"]
    assert len(result.born[0]["messages"]) == 200
    assert result.evidence[1]["problem"] == "tree is nested more than 400 deep"


def test_rows_that_are_the_first_message_themselves() -> None:
    rows = [
        {"role": "prompter", "source.text": "q", "replies": json.dumps([say("a")])},
        {"role": "prompter", "source.text": "q", "replies": None},
        {"role": "prompter", "source.text": "q", "replies": "x"},
    ]
    result = run_step(Threads(), rows)
    assert result.outcomes == ["merged", "no_thread", "not_this_shape"]
    assert [m["content"] for m in result.born[0]["messages"]] == ["q", "a"]


def test_no_rows_and_no_children() -> None:
    result = run_step(Threads(column="tree"), pl.DataFrame({"source.tree": pl.Series([], dtype=pl.String)}))
    assert (result.line, result.born) == ("0 in = 0 kept", [])
    assert run_step(Threads(column="tree"), [{"tree": "x"}]).line == "1 in = 0 kept + 1 dropped (not_this_shape 1)"


def test_errors() -> None:
    with pytest.raises(UsageError, match="no column 'prompt'"):
        run_step(Threads(), [{"a": "x"}])
    with pytest.raises(ValidationError, match="there would be no pairs"):
        Threads(paths="best", pairs=True)


def leaves(node: dict[str, Any]) -> int:
    return sum(leaves(reply) for reply in node["replies"]) if node["replies"] else 1


def test_real_trees() -> None:
    path = DATA / "oasst-samples" / "en_100_tree.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no data at {path} (set TAMIS_DATA)")
    trees = [json.loads(line)["prompt"] for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line]
    result = run_step(Threads(column="tree"), [{"tree": json.dumps(tree)} for tree in trees])
    assert set(result.outcomes) <= {"merged", "no_thread"}
    assert all(
        row["messages"][-1]["role"] == "assistant" and row["messages"][0]["role"] == "user" for row in result.born
    )
    assert len(result.born) <= sum(leaves(tree) for tree in trees)
    texts = {m["content"] for row in result.born for m in row["messages"]}
    for tree in trees:
        for reply in tree["replies"]:
            assert reply["text"] in texts
