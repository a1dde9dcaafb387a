"""Gates: a run waits for people, and goes on where it was."""

from __future__ import annotations

import json
import shutil

import pytest

from .terminal import Terminal

RECIPE = """
tamis: 1
name: gated
sources:
  - use: files
    path: rows.jsonl
steps:
  - use: map.auto
  - use: review.gate
    question: Is the answer right?
    where: kind = 'new'
    UNDECIDED
  - use: filter.length
    min: 2
deliver:
  - use: jsonl
    path: dist/gated
"""


def record(number: int) -> str:
    return json.dumps(
        {
            "prompt": f"question {number}",
            "completion": f"answer number {number}",
            "kind": "new" if number < 3 else "old",
        }
    )


@pytest.fixture
def gated(tamis: Terminal) -> Terminal:
    tamis.write("recipe.yaml", RECIPE.replace("UNDECIDED", "undecided: hold"))
    tamis.write("rows.jsonl", "".join(record(n) + "\n" for n in range(5)))
    return tamis


def ids(terminal: Terminal) -> list[str]:
    return [row["id"] for row in terminal("decide", "review.gate", "--json").json["rows"]]


def test_a_gate_stops_the_run_until_every_row_is_decided(gated: Terminal) -> None:
    said = gated("run", "recipe.yaml")
    assert said.code == 3
    assert "gate 'review.gate' waits: 3 of 3 rows are undecided. Is the answer right?" in said.err
    assert "tamis decide review.gate" in said.err
    assert not (gated.folder / "dist").exists()
    first, second, third = ids(gated)
    gated("decide", "review.gate", first[:12], "--accept")
    gated("decide", "review.gate", second[:12], "--reject", "--why", "wrong")
    half = gated("run", "recipe.yaml")
    assert half.code == 3
    assert "1 of 3 rows are undecided" in half.err
    assert ids(gated) == [third]
    gated("decide", "review.gate", "--all", "--accept")
    told = gated("run", "recipe.yaml", "--json")
    assert told.code == 0
    assert told.json["run"].endswith("/1")  # the same run went on
    assert told.json["outcomes"]["kept"] == 4
    assert told.json["steps"]["review.gate"]["reasons"] == {"rejected": 1}
    [life] = gated("why", second, "--json").json["rows"]
    assert (life["outcome"], life["left_at"]) == ("dropped", "review.gate")


@pytest.mark.parametrize(
    ("undecided", "kept", "held", "dropped"), [("hold", 2, 3, 0), ("keep", 5, 0, 0), ("drop", 2, 0, 3)]
)
def test_a_closed_gate_does_with_undecided_rows_what_the_step_says(
    gated: Terminal, undecided: str, kept: int, held: int, dropped: int
) -> None:
    gated.write("recipe.yaml", RECIPE.replace("UNDECIDED", f"undecided: {undecided}"))
    assert gated("run", "recipe.yaml").code == 3
    gated("decide", "review.gate", "--close")
    outcomes = gated("run", "recipe.yaml", "--json").json["outcomes"]
    assert (outcomes["kept"], outcomes["held"], outcomes["dropped"]) == (kept, held, dropped)


def test_decisions_can_be_replayed_elsewhere(gated: Terminal) -> None:
    gated("run", "recipe.yaml")
    gated("decide", "review.gate", "--all", "--accept")
    recorded = gated.folder / "recorded.jsonl"
    shutil.move(gated.folder / "decisions/gated.jsonl", recorded)
    shutil.rmtree(gated.folder / ".tamis")
    shutil.rmtree(gated.folder / "runs")
    assert gated("run", "recipe.yaml").code == 3
    assert gated("run", "recipe.yaml", "--decisions", str(recorded), "--json").json["outcomes"]["kept"] == 5


def test_a_row_that_changed_is_asked_again(gated: Terminal) -> None:
    gated.write(
        "recipe.yaml",
        RECIPE.replace("UNDECIDED", "undecided: hold").replace(
            "path: rows.jsonl", "path: rows.jsonl\n    id: [prompt]"
        ),
    )
    gated("run", "recipe.yaml")
    gated("decide", "review.gate", "--all", "--accept")
    assert gated("run", "recipe.yaml").code == 0
    gated.write("rows.jsonl", "".join(record(n).replace("answer number 1", "another answer") + "\n" for n in range(5)))
    said = gated("run", "recipe.yaml")
    assert said.code == 3
    assert "1 of 3 rows are undecided" in said.err
    assert "about rows that changed since" in said.err


def test_a_rescued_row_meets_the_later_steps(gated: Terminal) -> None:
    gated.write("recipe.yaml", RECIPE.replace("UNDECIDED", "undecided: keep").replace("min: 2", "min: 4"))
    gated("run", "recipe.yaml")
    gated("decide", "review.gate", "--close")
    assert gated("run", "recipe.yaml").code == 1  # every answer is three words
    row = gated("dropped", "filter.length", "--json").json["rows"][0]["id"]
    said = gated("decide", "filter.length", row[:10], "--rescue", "--why", "short and right")
    assert said.code == 0
    told = gated("run", "recipe.yaml", "--json").json
    assert told["outcomes"]["kept"] == 1
    assert told["steps"]["filter.length"]["rescued"] == 1


def test_decide_needs_a_known_step_and_rows(gated: Terminal) -> None:
    gated("run", "recipe.yaml")
    assert "did you mean 'review.gate'?" in gated("decide", "review.gat").err
    assert "which rows?" in gated("decide", "review.gate", "--accept").err
    assert "no row begins with 'ffffffffffff'" in gated("decide", "review.gate", "ffffffffffff", "--accept").err
