"""Whole runs: several sources with their own mapping, users' functions, shuffled delivery, partitions of any size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import RecipeError, TooManyQuarantined
from tamis.recipe.load import parse
from tamis.runner.execute import Options, RunResult, execute


def run(folder: Path, text: str, **options: Any) -> RunResult:
    return execute(parse(text), folder, Options(**options))


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


SHUFFLED = """
tamis: 1
name: shuffled
seed: 3
order: shuffle
sources:
  - {use: files, path: rows.jsonl}
steps:
  - use: map.auto
  - use: split.random
    shares: {train: 0.8, test: 0.2}
deliver:
  - use: jsonl
    path: dist/shuffled
    row_id: id
"""


def test_a_shuffled_delivery_is_the_same_shuffle_however_rows_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tamis.runner import delivery

    records = [{"prompt": f"q{n}", "completion": f"a{n}"} for n in range(200)]
    for name in ("one", "many"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "rows.jsonl", records)
    run(tmp_path / "one", SHUFFLED)
    monkeypatch.setattr(delivery, "BUCKET_BYTES", 500)
    result = run(tmp_path / "many", SHUFFLED, workers=2)
    for split in ("train", "test"):
        paths = [tmp_path / name / "dist/shuffled" / f"{split}.jsonl" for name in ("one", "many")]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    train = lines(tmp_path / "one/dist/shuffled/train.jsonl")
    order = [int(row["prompt"][1:]) for row in train]
    assert len(order) == 160
    assert order != sorted(order)
    from tamis.runs.why import Why

    why = Why(result.folder)
    for number in (1, 80, 160):
        [found] = why.find(f"train.jsonl:{number}")
        assert found.id == train[number - 1]["id"]
        assert found.line == int(train[number - 1]["prompt"][1:]) + 1


TWO = """
tamis: 1
name: two
sources:
  - use: files
    name: chats
    path: chats.jsonl
    map: [{use: map.auto}]
  - use: files
    name: table
    path: table.csv
    map: [{use: map.template, user: "Sort: {text}", assistant: "{label}"}]
steps:
  - use: filter.length
    min: 2
    where: label = 'b'
deliver:
  - {use: openai_chat, path: dist/two}
"""


def test_each_source_is_mapped_its_own_way_and_stands_in_recipe_order(tmp_path: Path) -> None:
    write(
        tmp_path / "chats.jsonl",
        [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}],
    )
    (tmp_path / "table.csv").write_text("text,label\nfirst,a\nsecond,b\nthird,b c\n")
    result = run(tmp_path, TWO)
    told = [[m["content"] for m in row["messages"]] for row in lines(tmp_path / "dist/two/data.jsonl")]
    # 'second' is labelled b, so it meets the filter, and its answer is one word
    assert told == [["hi", "hello"], ["Sort: first", "a"], ["Sort: third", "b c"]]
    assert [s["name"] for s in result.manifest["steps"]] == ["map.auto@chats", "map.template@table", "filter.length"]
    assert result.outcomes["dropped"] == 1


MINE = """
tamis: 1
name: mine
max_quarantined: LIMIT
sources:
  - {use: files, path: rows.jsonl}
steps:
  - use: map.auto
  - use: python
    file: mine.py
    function: judge
    sets: {size: integer}
deliver:
  - {use: jsonl, path: dist/mine}
"""


def test_a_users_function_judges_sets_and_fails_row_by_row(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", [{"prompt": f"q{n}", "completion": "x" * n} for n in range(1, 9)])
    (tmp_path / "mine.py").write_text(
        "def judge(row):\n    n = len(row['completion'])\n    if n == 3: raise ValueError('three')\n    return 'long' if n > 6 else {'size': n}\n"
    )
    with pytest.raises(TooManyQuarantined, match="'python' failed on 1 of 8 rows"):
        run(tmp_path, MINE.replace("LIMIT", "0.01"))
    result = run(tmp_path, MINE.replace("LIMIT", "0.2"))
    assert result.outcomes == {"in": 8, "born": 0, "kept": 5, "dropped": 2, "merged": 0, "held": 0, "quarantined": 1}
    assert [row["size"] for row in lines(tmp_path / "dist/mine/data.jsonl")] == [1, 2, 4, 5, 6]
    (tmp_path / "mine.py").write_text("def judge(row):\n    return {'size': 0}\n")
    assert run(tmp_path, MINE.replace("LIMIT", "0")).outcomes["kept"] == 8


TREES = """
tamis: 1
name: trees
sources:
  - {use: files, path: trees.jsonl}
steps:
  - use: map.threads
    column: tree
  - use: filter.length
    min: 2
deliver:
  - {use: openai_chat, path: dist/trees}
"""


def test_children_stand_after_their_parents_and_the_account_balances(tmp_path: Path) -> None:
    def tree(question: str, *answers: str) -> dict[str, Any]:
        replies = [{"role": "assistant", "text": text, "rank": n} for n, text in enumerate(answers)]
        return {"tree": {"role": "prompter", "text": question, "replies": replies}}

    write(tmp_path / "trees.jsonl", [tree("q1", "a one", "no"), tree("q2"), tree("q3", "a three")])
    result = run(tmp_path, TREES)
    assert result.outcomes == {"in": 3, "born": 3, "kept": 2, "dropped": 2, "merged": 2, "held": 0, "quarantined": 0}
    told = [row["messages"][-1]["content"] for row in lines(tmp_path / "dist/trees/data.jsonl")]
    assert told == ["a one", "a three"]
    from tamis.runs.why import Why

    why = Why(result.folder)
    [child] = why.find("data.jsonl:1")
    life = why.life(child)
    assert (life["file"], life["line"]) == ("trees.jsonl", 1)
    [parent] = why.ledger.find(life["born_from"])
    assert why.life(parent)["outcome"] == "merged"
    again = run(tmp_path, TREES)
    assert again.manifest["reused_rows"]["map.threads"] == 3


def test_every_preflight_problem_is_told_together(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", [{"prompt": "q", "completion": "a"}])
    text = """
tamis: 1
name: wrong
sources:
  - {use: files, path: rows.jsonl}
steps:
  - use: map.auto
  - use: filter.length
    in: column:titel
  - use: filter.where
    keep: lenght > 3
  - use: dedup.exact
    where: nothing = 1
"""
    with pytest.raises(RecipeError) as caught:
        run(tmp_path, text)
    assert len(caught.value.problems) == 3, caught.value
    for part in ("'filter.length'", "titel", "'filter.where'", "lenght", "'dedup.exact'", "nothing"):
        assert part in str(caught.value)


def test_two_recipes_in_one_workspace_do_not_share_what_makes_an_id(tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", [{"prompt": "q", "completion": "a"}])
    write(tmp_path / "two.jsonl", [{"prompt": "q", "completion": "a", "extra": "e"}])
    text = "tamis: 1\nname: NAME\nsources:\n  - {use: files, path: NAME.jsonl}\nsteps:\n  - use: map.auto\n"
    run(tmp_path, text.replace("NAME", "one"))
    assert run(tmp_path, text.replace("NAME", "two")).manifest["warnings"] == [
        "only 1 rows: fewer than 100 are rarely enough to fine-tune on"
    ]


def test_a_row_that_lost_a_passage_is_not_warned_of_as_a_copy(tmp_path: Path) -> None:
    notice = "Please do not reply to this message, since nobody reads what is sent to this address."
    rows = [{"prompt": f"question {n} of many", "completion": f"Answer {n}. {notice}"} for n in range(12)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = run(
        tmp_path,
        "tamis: 1\nname: r\nsources: [{use: files, path: rows.jsonl}]\n"
        "steps: [{use: map.auto}, {use: dedup.substring, min_length: 10, min_count: 3}]\n"
        "deliver: [{use: jsonl, path: out}]\n",
    )
    answers = [row["messages"][1]["content"] for row in lines(tmp_path / "out" / "data.jsonl")]
    assert answers == [f"Answer 0. {notice}", *(f"Answer {n}." for n in range(1, 12))]
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "dedup.substring" in page
    assert "name another row" not in page
    assert "names another row that it is like" not in page


@pytest.mark.parametrize("workers", [1, 2])
def test_a_decision_over_all_rows_takes_no_more_workers_than_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from tamis.engine import executor, neardup

    taken: list[int] = []

    def pool(count: int) -> ThreadPoolExecutor:
        taken.append(count)
        return ThreadPoolExecutor(count)

    monkeypatch.setattr(executor, "_cores", lambda: 8)
    monkeypatch.setattr(neardup, "ThreadPoolExecutor", pool)
    words = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
    ]
    write(tmp_path / "rows.jsonl", [{"prompt": f"{' '.join(words)} {n}", "completion": "yes"} for n in range(3)])
    recipe = (
        "tamis: 1\nname: r\nsources: [{use: files, path: rows.jsonl}]\nsteps: [{use: map.auto}, {use: dedup.minhash}]\n"
    )
    result = run(tmp_path, recipe, workers=workers)
    assert result.outcomes["merged"] == 2
    assert taken == [workers]
    assert executor.default_workers() == 8
