"""`tamis metrics`."""

from __future__ import annotations

import json

import pytest

from .terminal import Terminal

RECIPE = """
tamis: 1
name: mine
metrics:
  - {outcome: accepted, by: version}
sources:
  - use: files
    path: rows.csv
steps:
  - use: filter.where
    keep: "topic = 'a'"
deliver:
  - use: jsonl
    path: dist/mine
"""


@pytest.fixture
def mine(tamis: Terminal) -> Terminal:
    tamis.write("recipe.yaml", RECIPE)
    lines = [f"{k},{'yes' if k % 3 else 'no'},{1 + k % 2},{'ab'[k % 4 == 0]}" for k in range(60)]
    tamis.write("rows.csv", "key,accepted,version,topic\n" + "\n".join(lines) + "\n")
    assert tamis("run", "recipe.yaml").code == 0
    return tamis


def test_of_the_last_run(mine: Terminal) -> None:
    done = mine("metrics", "--outcome", "accepted", "--by", "version,topic", "--rows", "read")
    assert done.code == 0
    assert done.out.startswith("accepted: share 66.7%")
    assert "by topic" in done.out
    told = json.loads(mine("metrics", "--outcome", "accepted", "--by", "version", "--json").out)
    assert [g["rows"] for g in told["outcomes"][0]["by"][0]["groups"]] == [15, 30]


def test_of_a_file_and_against_a_file(mine: Terminal) -> None:
    told = json.loads(mine("metrics", "rows.csv", "--outcome", "accepted", "--by", "version", "--json").out)
    assert told["outcomes"][0]["rows"] == 60
    told = json.loads(mine("metrics", "--reference", "rows.csv", "--by", "topic", "--json").out)
    assert told["references"][0]["reference_rows"] == 60
    done = mine("metrics", "--reference", "read", "--by", "topic")
    assert "45 rows (kept) against 60 (read)" in done.out


def test_without_a_question_what_the_recipe_asked(mine: Terminal) -> None:
    assert mine("metrics").out.startswith("accepted: share")


def test_mistakes_are_told_with_what_is_possible(mine: Terminal) -> None:
    done = mine("metrics", "--outcome", "acepted", "--by", "version")
    assert done.code == 2
    assert "accepted" in done.err
    done = mine("metrics", "--outcome", "accepted", "--by", "version", "--rows", "filter.wher")
    assert (done.code, "filter.where" in done.err) == (2, True)
    done = mine("metrics", "--reference", "raed")
    assert (done.code, "read" in done.err) == (2, True)
