"""What a user sees: answers, account, mistakes, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tamis.cli import COMMANDS

from .terminal import Terminal

RECIPE = """
tamis: 1
name: mine
sources:
  - use: files
    path: rows.jsonl
steps:
  - use: map.auto
  - use: filter.length
    min: 2
  - use: dedup.exact
    on: response
deliver:
  - use: openai_chat
    path: dist/mine
"""

ROWS = [
    ("q1", "a fine answer"),
    ("q2", "no"),
    ("q3", "A fine answer!"),
    ("q4", "another answer"),
    ("q5", "a third answer"),
]


def rows(*pairs: tuple[str, str]) -> str:
    return "".join(json.dumps({"prompt": p, "completion": c}) + "\n" for p, c in pairs)


@pytest.fixture
def mine(tamis: Terminal) -> Terminal:
    tamis.write("recipe.yaml", RECIPE)
    tamis.write("rows.jsonl", rows(*ROWS))
    return tamis


def test_run_accounts_for_every_row_and_says_where_everything_is(mine: Terminal) -> None:
    said = mine("run", "recipe.yaml")
    assert said.code == 0
    assert "5 in = 3 kept + 1 dropped + 1 merged" in said.out
    assert "dist/mine/data.jsonl (3 rows)" in said.out
    assert "filter.length: 5 in = 4 kept + 1 dropped (too_short 1)" in said.err
    delivered = [
        json.loads(line)["messages"][1]["content"]
        for line in (mine.folder / "dist/mine/data.jsonl").read_text().splitlines()
    ]
    assert delivered == ["a fine answer", "another answer", "a third answer"]


def test_run_json_is_one_object_with_the_whole_account(mine: Terminal) -> None:
    told = mine("run", "recipe.yaml", "--json").json
    assert told["outcomes"] == {"in": 5, "born": 0, "kept": 3, "dropped": 1, "merged": 1, "held": 0, "quarantined": 0}
    assert told["steps"]["filter.length"]["reasons"] == {"too_short": 1}
    assert told["steps"]["dedup.exact"]["merged"] == 1
    [item] = told["delivered"]
    assert (item["target"], item["rows"], len(item["sha256"])) == ("openai_chat", 3, 64)
    assert Path(item["path"]).read_bytes()
    assert Path(told["run"]).is_dir()
    assert Path(told["report"]).exists()


def test_why_answers_by_id_prefix_line_text_and_delivered_line(mine: Terminal) -> None:
    mine("run", "recipe.yaml")
    [by_line] = mine("why", "rows.jsonl:3", "--json").json["rows"]
    assert (by_line["outcome"], by_line["left_at"], by_line["line"]) == ("merged", "dedup.exact", 3)
    survivor = by_line["steps"][-1]["into"]
    [by_prefix] = mine("why", survivor[:10], "--json").json["rows"]
    assert (by_prefix["id"], by_prefix["line"]) == (survivor, 1)
    assert by_prefix["delivered"] == [{"file": "data", "line": 1}]
    [by_text] = mine("why", "another answer", "--json").json["rows"]
    assert by_text["line"] == 4
    [by_place] = mine("why", "data.jsonl:2", "--json").json["rows"]
    assert by_place["id"] == by_text["id"]
    short = mine("why", "rows.jsonl:2")
    assert "dropped at filter.length" in short.out
    assert "too_short" in short.out
    assert "length 1" in short.out


def test_why_shows_some_rows_and_says_that_there_are_more(mine: Terminal) -> None:
    mine.write("rows.jsonl", rows(*[(f"question {n}", f"answer number {n}") for n in range(400)]))
    mine("run", "recipe.yaml")
    for question in ("answer number", "0"):  # by text; by the beginning of an id
        said = mine("why", question)
        assert said.out.startswith("more than 20 rows, the first of them:\n")
        assert len(said.out.splitlines()) == 21
        told = mine("why", question, "--json").json
        assert (len(told["rows"]), told["more"]) == (20, True)
    assert mine("why", "answer number 17", "--json").json["more"] is False


def test_why_of_nothing_is_a_usage_error(mine: Terminal) -> None:
    mine("run", "recipe.yaml")
    said = mine("why", "nowhere to be found")
    assert said.code == 2
    assert "no row 'nowhere to be found'" in said.err
    assert "Traceback" not in said.err


def test_dropped_shows_reason_evidence_and_text(mine: Terminal) -> None:
    mine("run", "recipe.yaml")
    told = mine("dropped", "filter.length", "--json").json
    assert told["total"] == 1
    assert told["rows"][0]["reason"] == "too_short"
    assert told["rows"][0]["evidence"] == {"length": 1}
    assert told["rows"][0]["text"] == "q2 ⏎ no"
    assert "too_short 1" in mine("dropped").out
    wrong = mine("dropped", "filter.lenght")
    assert wrong.code == 2
    assert "did you mean 'filter.length'?" in wrong.err


def test_diff_tells_rows_won_and_the_line_of_the_recipe(mine: Terminal) -> None:
    mine("run", "recipe.yaml")
    mine.write("recipe.yaml", RECIPE.replace("min: 2", "min: 1"))
    mine("run", "recipe.yaml")
    told = mine("diff", "1", "2", "--json").json
    assert told["won"]["rows"] == 1
    assert told["won"]["ways"] == [{"from": "filter.length", "to": "kept", "rows": 1}]
    assert (told["lost"]["rows"], told["moved"]["rows"], told["new"]["rows"]) == (0, 0, 0)
    # min: 1 is the default, so it disappears from the recipe as the manifest keeps it
    assert [line for line in told["recipe"] if line.startswith(("-", "+"))] == ["-  min: 2"]


def test_plan_says_what_is_cached_and_judges_nothing(mine: Terminal) -> None:
    before = mine("plan", "recipe.yaml", "--json").json
    assert [s["to_judge"] for s in before["steps"]] == [5, 5, 5]
    assert not (mine.folder / "dist").exists()
    mine("run", "recipe.yaml")
    after = mine("plan", "recipe.yaml", "--json").json
    assert [s["to_judge"] for s in after["steps"]] == [0, 0, 0]
    assert [s["in"] for s in after["steps"]] == [5, 5, 4]
    mine.write("recipe.yaml", RECIPE.replace("min: 2", "min: 3"))
    changed = mine("plan", "recipe.yaml", "--json").json
    assert [(s["to_judge"], s["certain"]) for s in changed["steps"]] == [(0, True), (5, True), (5, False)]


def test_plan_knows_columns_that_steps_have_yet_to_make(mine: Terminal) -> None:
    scored = "  - use: score.spelling\n  - {use: filter.quantile, column: score.spelling.typo_share, share: 0.5}\n"
    mine.write("recipe.yaml", RECIPE.replace("deliver:", f"{scored}deliver:"))
    plan = mine("plan", "recipe.yaml", "--json")
    assert plan.code == 0, plan.err
    assert [s["to_judge"] for s in plan.json["steps"]] == [5] * 5


def test_every_problem_of_a_recipe_is_told_at_once(mine: Terminal) -> None:
    mine.write("recipe.yaml", RECIPE.replace("min: 2", "mim: 2").replace("on: response", "on: respons"))
    said = mine("run", "recipe.yaml")
    assert said.code == 2
    assert "2 problems" in said.err
    assert "did you mean 'min'?" in said.err
    assert not (mine.folder / "runs").exists()


def test_an_unknown_column_is_told_before_anything_is_judged(mine: Terminal) -> None:
    extra = "  - use: filter.where\n    keep: length(promt) > 1\n  - use: split.stratified\n    by: categori\n    shares: {a: 0.5, b: 0.5}\n"
    mine.write("recipe.yaml", RECIPE.replace("deliver:", extra + "deliver:"))
    said = mine("run", "recipe.yaml")
    assert said.code == 2
    assert "categori" in said.err
    assert "promt" in said.err
    assert "filter.length: " not in said.err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["run"], "Missing argument 'RECIPE'"),
        (["runn"], "did you mean 'run'?"),
        (["run", "none.yaml"], "no recipe none.yaml"),
        (["run", "recipe.yaml", "--wrokers", "2"], "No such option"),
        (["run", "recipe.yaml", "--workers", "0"], "0 is not in the range"),
        (["steps", "filter.lenth"], "did you mean 'filter.length'?"),
        (["check", "rows.jsonl", "--for", "opnai_chat"], "did you mean 'openai_chat'?"),
        (["convert", "rows.jsonl", "--to", "alpca", "-o", "x.jsonl"], "did you mean 'alpaca'?"),
        (["why", "x"], "Hint: tamis run RECIPE makes one; -w FOLDER names the workspace"),
        (["diff", "1", "2"], "no runs under"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(mine: Terminal, words: list[str], part: str) -> None:
    said = mine(*words)
    assert said.code == 2, said
    assert part in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_missing_input_names_what_was_looked_for(mine: Terminal) -> None:
    mine.write("recipe.yaml", RECIPE.replace("rows.jsonl", "nowhere/*.jsonl"))
    said = mine("run", "recipe.yaml")
    assert said.code == 1
    assert "nowhere/*.jsonl" in said.err


def test_all_missing_inputs_are_told_at_once(mine: Terminal) -> None:
    more = "  - {use: files, name: a, path: gone.csv}\n  - {use: files, name: b, path: row.jsonl}\nsteps:"
    mine.write("recipe.yaml", RECIPE.replace("steps:", more))
    said = mine("run", "recipe.yaml")
    assert said.code == 1
    assert "tamis: 2 sources cannot be read\n  no file gone.csv" in said.err
    assert "no file row.jsonl" in said.err
    assert "did you mean 'rows.jsonl'?" in said.err


def test_a_key_that_is_no_column_is_told_as_such(mine: Terminal) -> None:
    mine.write("recipe.yaml", RECIPE.replace("path: rows.jsonl", "path: rows.jsonl\n    id: [promt]"))
    said = mine("run", "recipe.yaml")
    assert said.code == 1
    assert "source 'files' has no column 'promt'; did you mean 'prompt'?" in said.err


def test_an_output_that_tamis_did_not_make_is_never_overwritten(mine: Terminal) -> None:
    mine.write("dist/mine/precious.txt", "mine")
    said = mine("run", "recipe.yaml")
    assert said.code == 2
    assert "was not made by tamis" in said.err
    assert (mine.folder / "dist/mine/precious.txt").read_text() == "mine"


def test_too_many_bad_lines_end_the_run_with_code_4_and_say_where(mine: Terminal) -> None:
    mine.write("rows.jsonl", rows(*ROWS) + "{broken\n")
    said = mine("run", "recipe.yaml")
    assert said.code == 4
    assert "rows.jsonl:6" in said.err
    assert "accept the loss with `max_quarantined: 0.167`" in said.err
    assert not (mine.folder / "dist").exists()
    mine.write("recipe.yaml", RECIPE.replace("name: mine", "name: mine\nmax_quarantined: 0.5"))
    told = mine("run", "recipe.yaml", "--json").json
    assert told["outcomes"] == {"in": 6, "born": 0, "kept": 3, "dropped": 1, "merged": 1, "held": 0, "quarantined": 1}
    [line] = mine("dropped", "read", "--json").json["lines"]
    assert (line["line"], line["cause"]) == (6, "invalid_json")
    card = (mine.folder / "dist/mine/README.md").read_text()
    assert "| `rows.jsonl` | 5 | 1 |" in card


def test_a_file_in_another_encoding_is_told_how_to_mend(mine: Terminal) -> None:
    (mine.folder / "rows.csv").write_bytes(b"prompt,completion\n" + "caf\u00e9,tr\u00e8s bien\n".encode("latin-1") * 3)
    mine.write("recipe.yaml", RECIPE.replace("rows.jsonl", "rows.csv"))
    said = mine("run", "recipe.yaml")
    assert said.code == 4
    assert "iconv -f WINDOWS-1252 -t UTF-8 rows.csv > utf8-rows.csv" in said.err
    assert "accept the loss" not in said.err, "no row would be left"


def test_when_no_row_is_kept_nothing_is_delivered(mine: Terminal) -> None:
    mine.write("recipe.yaml", RECIPE.replace("min: 2", "min: 200"))
    said = mine("run", "recipe.yaml")
    assert said.code == 1
    assert "no row was kept" in said.err
    assert not (mine.folder / "dist").exists()
    assert "too_short 5" in mine("dropped").out


def test_rows_that_a_target_refuses_are_quarantined_and_counted(mine: Terminal) -> None:
    mine.write("rows.jsonl", rows(*ROWS) + json.dumps({"prompt": "q6", "completion": ""}) + "\n")
    mine.write(
        "recipe.yaml", RECIPE.replace("name: mine", "name: mine\nmax_quarantined: 0.3").replace("min: 2", "min: 0")
    )
    told = mine("run", "recipe.yaml", "--json").json
    assert told["outcomes"]["quarantined"] == 1
    assert told["steps"]["deliver"]["quarantined"] == 1
    assert told["delivered"][0]["rows"] == told["outcomes"]["kept"]
    [life] = mine("why", "rows.jsonl:6", "--json").json["rows"]
    assert (life["outcome"], life["left_at"]) == ("quarantined", "deliver")
    assert "deliver                  1 quarantined" in mine("dropped").out


def test_init_proposes_a_recipe_that_runs(tamis: Terminal) -> None:
    tamis.demo()
    said = tamis("init", "inquiries.csv", "-o", "proposed.yaml", "--json")
    assert said.code == 0
    assert tamis("run", "proposed.yaml", "--json").json["outcomes"]["kept"] > 400
    again = tamis("init", "inquiries.csv", "-o", "proposed.yaml")
    assert again.code == 2
    assert "is there already" in again.err


@pytest.mark.parametrize(
    ("row", "target", "kept"),
    [
        (
            {"prompt": "Is it {}?", "chosen": "Yes, {}", "rejected": "No"},
            "trl_preference",
            ["prompt", "chosen", "rejected"],
        ),
        ({"prompt": "Is it {}?", "completion": "Yes, {}", "label": True}, "trl_kto", ["prompt", "completion", "label"]),
    ],
)
def test_init_delivers_what_makes_the_rows_what_they_are(
    row: dict[str, object], target: str, kept: list[str], tamis: Terminal
) -> None:
    made = [{k: v.format(n) if isinstance(v, str) else v for k, v in row.items()} for n in range(40)]
    tamis.write("rows.jsonl", "".join(json.dumps(one) + "\n" for one in made))
    assert tamis("init", "rows.jsonl").code == 0
    assert f"use: {target}" in (tamis.folder / "recipe.yaml").read_text()
    assert tamis("run", "recipe.yaml").code == 0
    first = json.loads((tamis.folder / "dist/rows/train.jsonl").read_text().splitlines()[0])
    assert list(first) == kept


def test_init_tells_lines_that_cannot_be_read(tamis: Terminal) -> None:
    tamis.write("cut.csv", 'id,q\n1,"one, two"\n2,"never closed\n3,x\n')
    said = tamis("init", "cut.csv", "-o", "r.yaml")
    assert said.code == 0
    assert "cut.csv:3 cannot be read (unclosed_quote): a quote opened here is never closed" in said.err + said.out


def test_init_says_why_no_row_could_be_read(tamis: Terminal) -> None:
    tamis.write("cut.jsonl", '{"a": 1')
    said = tamis("init", "cut.jsonl", "-o", "r.yaml")
    assert said.code == 1
    assert "no row could be read: cut.jsonl:1 cannot be read (" in said.err
    assert not (tamis.folder / "r.yaml").exists()


def test_convert_writes_every_row_it_can_and_says_what_is_lost(tamis: Terminal) -> None:
    records = [
        {"instruction": "Add", "input": "1 2", "output": "3"},
        {"instruction": "Say hi", "input": "", "output": "hi"},
    ]
    tamis.write("alpaca.json", json.dumps(records))
    told = tamis("convert", "alpaca.json", "--to", "openai", "-o", "chat.jsonl", "--json").json
    assert (told["in"], told["written"], told["left"], told["unreadable"]) == (2, 2, 0, 0)
    lines = [json.loads(line) for line in (tamis.folder / "chat.jsonl").read_text().splitlines()]
    assert lines[0]["messages"] == [{"role": "user", "content": "Add\n1 2"}, {"role": "assistant", "content": "3"}]
    assert tamis("check", "chat.jsonl", "--for", "openai_chat", "--json").json["error"] == 0


def test_convert_tells_columns_that_the_new_shape_has_no_place_for(tamis: Terminal) -> None:
    row = {"prompt": "1+1?", "chosen": "2", "rejected": "3", "score": 7, "empty": None}
    tamis.write("pairs.jsonl", json.dumps(row) + "\n" + json.dumps({**row, "score": None}) + "\n")
    said = tamis("convert", "pairs.jsonl", "--to", "preference", "-o", "out.jsonl")
    assert "column score: not held by preference, lost from 1 rows" in said.out
    assert "empty" not in said.out
    tamis.write("asked.jsonl", json.dumps({"messages": [{"role": "assistant", "content": "Hello"}]}) + "\n")
    assert (
        "left: 1 rows, alpaca needs a question"
        in tamis("convert", "asked.jsonl", "--to", "alpaca", "-o", "a.jsonl").out
    )


def test_check_ends_with_code_1_where_there_are_errors(tamis: Terminal) -> None:
    tamis.write("bad.jsonl", '{"messages": [{"role": "user", "content": "hi"}]}\n')
    said = tamis("check", "bad.jsonl", "--for", "openai_chat")
    assert said.code == 1
    assert "bad.jsonl:1" in said.out


def test_doctor_finds_a_flipped_byte(mine: Terminal) -> None:
    mine("run", "recipe.yaml")
    assert mine("doctor").code == 0
    victim = sorted((mine.folder / ".tamis/cache").rglob("outcome.parquet"))[0]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    said = mine("doctor")
    assert said.code == 1
    assert "not the ones written" in said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(tamis: Terminal, command: str) -> None:
    said = tamis(command, "--help")
    assert said.code == 0
    assert "Example:" in said.out
    assert f"tamis {command}" in said.out.split("Example:")[1]
    assert "--json" in said.out


def test_more_unreadable_lines_than_are_kept_by_name_are_counted_all(mine: Terminal) -> None:
    mine.write("rows.jsonl", rows(*ROWS) + "{broken\n" * 12_345)
    mine.write("recipe.yaml", RECIPE.replace("name: mine", "name: mine\nmax_quarantined: 1.0"))
    assert mine("run", "recipe.yaml", "--json").json["outcomes"]["quarantined"] == 12_345
    assert "12,345 lines could not be read" in mine("dropped").out
    assert "12,345 lines could not be read; the first 1,000 are kept by name" in mine("dropped", "read").err
    assert mine("dropped", "read", "--json").json["total"] == 12_345
    assert mine("dropped", "--json").json["read"] == 12_345
