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
    assert ": rescue: “short and right”" in gated("why", row).out
    gated("decide", "filter.length", row[:10], "--unrescue", "--why", "no, it was noise")
    assert "noise" not in gated("why", row).out  # the run has not read that
    [life] = gated("why", row, "--json").json["rows"]
    [step] = [one for one in life["steps"] if one["decisions"]]
    assert step["step"] == "filter.length"
    assert [(d["kind"], d["why"], "content" in d) for d in step["decisions"]] == [("rescue", "short and right", False)]


def test_what_people_said_of_a_row_stands_in_its_life(rich: Terminal) -> None:
    first, second, third = ids(rich)
    decided(rich, first, "--reject", "--reason", "rude", "--why", "it shouts")
    assert "reject, rude: “it shouts”" in rich("why", first).out  # while the gate waits, too
    decided(rich, second, "--relabel", "kind=old")
    decided(rich, third, "--accept")
    assert rich("run", "recipe.yaml").code == 0
    assert "reject, rude: “it shouts”" in rich("why", first).out
    assert "relabel, " in rich("why", second).out
    assert "accept" in rich("why", third).out
    path = rich.folder / "decisions" / "gated.jsonl"
    path.write_text(path.read_text().replace("it shouts", "it sings"))
    assert "reject, rude" not in rich("why", first).out  # these are not the decisions that the run has read


def test_decide_needs_a_known_step_and_rows(gated: Terminal) -> None:
    gated("run", "recipe.yaml")
    assert "did you mean 'review.gate'?" in gated("decide", "review.gat").err
    assert "which rows?" in gated("decide", "review.gate", "--accept").err
    assert "no row begins with 'ffffffffffff'" in gated("decide", "review.gate", "ffffffffffff", "--accept").err


def decided(terminal: Terminal, *words: str) -> list[dict[str, str]]:
    said = terminal("decide", "review.gate", *words, "--json")
    assert said.code == 0, said.err
    return list(said.json["decisions"])


@pytest.fixture
def rich(gated: Terminal) -> Terminal:
    """A gate that takes edits, labels and points, of two people."""
    settings = "undecided: hold\n    edit: true\n    rate: true\n    labels: {kind: [new, old]}\n    reject_reasons: [invented, rude]"
    gated.write("recipe.yaml", RECIPE.replace("UNDECIDED", settings))
    assert gated("run", "recipe.yaml").code == 3
    return gated


def test_edits_labels_and_points_from_a_terminal(rich: Terminal) -> None:
    first, second, third = ids(rich)
    turns = [{"role": "user", "content": "question 0"}, {"role": "assistant", "content": "a new answer"}]
    rich.write("edit.json", json.dumps({"messages": turns}))
    [made] = decided(rich, first[:12], "--edit", "edit.json")
    assert made["kind"] == "edit"
    decided(rich, second, "--relabel", "kind=old", "--why", "an old one")
    decided(rich, third, "--rate", "4")
    told = rich("run", "recipe.yaml", "--json").json
    assert told["steps"]["review.gate"]["changed"] == 3
    rows = [json.loads(line) for line in (rich.folder / "dist/gated/data.jsonl").read_text().splitlines()]
    assert [row["messages"][-1]["content"] for row in rows[:2]] == ["a new answer", "answer number 1"]
    assert [(row["kind"], row["rating"]) for row in rows[:3]] == [("new", None), ("old", None), ("new", 4)]
    said = rich("why", first[:12]).out
    assert "changed messages" in said
    assert "{+a new +}answer[- number 0-]" in said


def test_a_decision_is_taken_back_at_the_terminal(rich: Terminal) -> None:
    first, second, _ = ids(rich)
    decided(rich, first, second, "--reject", "--reason", "rude")
    assert len(ids(rich)) == 1
    assert {one["kind"] for one in decided(rich, "--undo")} == {"undo"}
    assert len(ids(rich)) == 3  # both were one act
    decided(rich, first, "--accept")
    decided(rich, second, "--accept")
    decided(rich, first[:12], "--undo")
    assert first in ids(rich)
    assert second not in ids(rich)
    assert "bob decided nothing at 'review.gate'" in rich("decide", "review.gate", "--undo", "--who", "bob").err


def test_the_last_word_is_had_at_the_terminal(gated: Terminal) -> None:
    gated.write("recipe.yaml", RECIPE.replace("UNDECIDED", "reviewers: 2\n    consensus: all"))
    gated("run", "recipe.yaml")
    for who, kind in (("ann", "--accept"), ("bob", "--reject")):
        decided(gated, "--all", kind, "--who", who)
    assert "3 of 3 rows are undecided, 3 of them because reviewers differ" in gated("run", "recipe.yaml").err
    assert "(reviewers differ)" in gated("decide", "review.gate").out
    decided(gated, "--all", "--accept", "--adjudicate", "--who", "lead")
    assert gated("run", "recipe.yaml", "--json").json["outcomes"]["kept"] == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--edit", "nowhere.json"), "--edit 'nowhere.json' cannot be used"),
        (("--edit", "{"), "--edit '{' cannot be used"),
        (("--relabel", "kind"), "--relabel 'kind' has no value"),
        (("--relabel", "kin=old"), "did you mean 'kind'?"),
        (("--reject", "--reason", "rud"), "did you mean 'rude'?"),
        (("--accept", "--rate", "3"), "one decision at a time, not accept and rate"),
        (("--swap",), "did not merge row"),
    ],
)
def test_what_makes_no_decision_is_told(rich: Terminal, words: tuple[str, ...], message: str) -> None:
    said = rich("decide", "review.gate", ids(rich)[0], *words)
    assert (said.code, "Traceback" in said.err) == (2, False)
    assert message in said.err
    assert not (rich.folder / "decisions").exists()


def test_another_copy_stays(tamis: Terminal) -> None:
    tamis.write(
        "recipe.yaml",
        RECIPE.replace(
            "review.gate\n    question: Is the answer right?\n    where: kind = 'new'\n    UNDECIDED",
            "dedup.exact\n    on: response",
        ),
    )
    lines = [record(n).replace(f"number {n}", "same") for n in range(3)]
    tamis.write("rows.jsonl", "\n".join(lines) + "\n")
    tamis("run", "recipe.yaml")
    merged = [row["id"] for row in tamis("dropped", "dedup.exact", "--json").json["rows"]]
    assert len(merged) == 2
    tamis("decide", "dedup.exact", merged[1][:12], "--swap", "--why", "the newest")
    tamis("run", "recipe.yaml")
    left = [row["id"] for row in tamis("dropped", "dedup.exact", "--json").json["rows"]]
    assert merged[1] not in left
    assert set(merged) - set(left) == {merged[1]}
    tamis("decide", "dedup.exact", merged[1], "--split")
    assert tamis("run", "recipe.yaml", "--json").json["outcomes"]["kept"] == 3


def test_two_decisions_at_once_are_none(gated: Terminal) -> None:
    gated("run", "recipe.yaml")
    row = ids(gated)[0]
    said = gated("decide", "review.gate", row, "--accept", "--reject")
    assert (said.code, said.out) == (2, "")
    assert "one decision at a time, not accept and reject" in said.err
    assert len(ids(gated)) == 3


def test_a_label_where_none_is_asked_says_what_would_allow_it(gated: Terminal) -> None:
    gated("run", "recipe.yaml")
    said = gated("decide", "review.gate", ids(gated)[0], "--relabel", "kind=old")
    assert said.code == 2
    assert "gate 'review.gate' takes no labels\nHint: labels: {COLUMN: [VALUE, …]} allows them" in said.err


def test_decisions_that_are_not_there_are_not_taken_for_none(gated: Terminal) -> None:
    said = gated("run", "recipe.yaml", "--decisions", "decisions/gatd.jsonl")
    assert said.code == 2
    assert "no decisions file decisions/gatd.jsonl" in said.err
    assert not (gated.folder / "runs").exists()
