"""The e-mail recipe, end to end: the log is what the script makes, each planted row's fate, the plan, the delivery."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("wordllama")
pytest.importorskip("evoc")

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes/email-replies"
PERSONAL = re.compile(r"[\w.+-]+@example\.\w+|555[-. ]?01\d\d\b|4111 1111|DE89 3704|GB82 WEST")

#: what was planted → the steps at which such a row may leave
LEAVES = {
    "junk_settings": {"junk-name", "junk-profession", "junk-company"},
    "junk_instruction": {"junk-instruction"},
    "injection": {"filter.injection"},
    "newsletter": {"filter.newsletter"},
    "hallucinated": {"filter.grounding"},
    "empty": {"filter.empty", "map.edits"},
    "duplicate": {"dedup.exact"},
    "old_version": {"not read"},
}


def planted(what: str = "") -> list[dict[str, str]]:
    with (RECIPE / "planted.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if not what or row["what"] == what]


def generations(sql: str) -> list[Any]:
    connection = sqlite3.connect(f"{(RECIPE / 'log.db').as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


# -- the log ---------------------------------------------------------------------------------------


def test_the_log_is_what_the_script_makes_byte_by_byte(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(RECIPE / "make_log.py"), "--into", str(tmp_path)], check=True)
    assert (tmp_path / "planted.csv").read_bytes() == (RECIPE / "planted.csv").read_bytes()
    assert (tmp_path / "log.db").read_bytes() == (RECIPE / "log.db").read_bytes()


def test_there_are_2500_drafts_from_300_situations() -> None:
    assert generations("SELECT count(*), count(DISTINCT id) FROM generations") == [(2500, 2500)]
    names = re.findall(r"(?m)^# (\S+) \|", (RECIPE / "situations.txt").read_text(encoding="utf-8"))
    assert len(names) == len(set(names)) >= 300
    for text in generations("SELECT instruction || received_message || generated_text FROM generations"):
        assert not re.search(r"\{\w+[=}]|¶", text[0]), text


def test_newer_versions_are_sent_more_often_and_changed_less() -> None:
    rows = generations(
        "SELECT avg(accepted), avg(CASE WHEN accepted THEN edit_distance END) FROM generations "
        "GROUP BY template_version ORDER BY template_version"
    )
    assert len(rows) == 4
    assert [rate for rate, _ in rows] == sorted(rate for rate, _ in rows)
    assert rows[0][1] > 2 * rows[-1][1]


def test_distances_are_levenshteins() -> None:
    def slow(one: str, other: str) -> int:
        above = list(range(len(other) + 1))
        for k, a in enumerate(one, 1):
            row = [k]
            for j, b in enumerate(other, 1):
                row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
            above = row
        return above[-1]

    some = generations(
        "SELECT generated_text, sent_text, edit_distance FROM generations WHERE edit_distance > 0 ORDER BY id LIMIT 8"
    )
    assert [slow(draft, sent) for draft, sent, _ in some] == [told for *_, told in some]
    assert generations("SELECT count(*) FROM generations WHERE (sent_text IS NULL) != (edit_distance IS NULL)") == [
        (0,)
    ]


# -- the recipe ------------------------------------------------------------------------------------


class Demo(NamedTuple):
    folder: Path
    told: dict[str, Any]
    ends: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    from tamis.runs.ledger import Ledger
    from tamis.runs.rows import RunRows

    folder = tmp_path_factory.mktemp("emails")
    for name in ("recipe.yaml", "query.sql", "log.db", "decisions.jsonl"):
        shutil.copy(RECIPE / name, folder)
    command = [sys.executable, "-m", "tamis", "run", "recipe.yaml", "--decisions", "decisions.jsonl", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    ledger, rows = Ledger(folder / told["run"]), RunRows(folder / told["run"])
    ends: dict[str, tuple[str, str]] = {}
    for partition in range(rows.count):
        names = rows.frame(partition)["source.id"].to_list()
        ends |= dict.fromkeys(names, ("kept", ""))
        for step in ledger.steps:
            part = ledger.part(step, partition)
            for line in [] if part is None else part.iter_rows(named=True):
                if line["outcome"] != "kept":
                    ends[names[line["row"]]] = (step["name"], line["reason"])
    return Demo(folder, told, ends)


@pytest.mark.parametrize("what", sorted(LEAVES))
def test_each_planted_row_leaves_where_it_should(demo: Demo, what: str) -> None:
    left = {row["id"]: demo.ends.get(row["id"], ("not read", ""))[0] for row in planted(what)}
    assert len(left) >= 10
    assert {row: step for row, step in left.items() if step not in LEAVES[what]} == {}


def test_of_a_mail_that_came_twice_one_stays(demo: Demo) -> None:
    pairs = [(row["id"], row["of"]) for row in planted("near_duplicate")]
    assert len(pairs) == 30
    merged = [any(demo.ends[row][0] == "dedup.minhash" for row in pair) for pair in pairs]
    assert all(merged)


def test_only_english_and_german_stay(demo: Demo) -> None:
    other = [demo.ends.get(row["id"], ("not read", ""))[0] for row in planted("other_language")]
    assert Counter(other)["filter.language"] >= 8
    # a short one may pass; most that users sent do not
    assert sum(step in ("kept", "select.plan") for step in other) <= 2
    german = [row for (row,) in generations("SELECT id FROM generations WHERE template = 'reply-de'")]
    assert not {demo.ends.get(row, ("not read", ""))[0] for row in german} & {"filter.language"}


def test_good_drafts_leave_only_because_of_what_users_did_copies_or_the_plan(demo: Demo) -> None:
    dirty = {row["id"] for row in planted()}
    steps = Counter(step for row, (step, _) in demo.ends.items() if row not in dirty)
    assert steps.keys() <= {"kept", "map.edits", "dedup.minhash", "select.plan", "filter.grounding", "dedup.exact"}
    assert steps["filter.grounding"] <= 10


def delivered(demo: Demo) -> list[dict[str, Any]]:
    splits = ("train", "validation")
    return [row for split in splits for row in lines(demo.folder / f"dist/email-replies-rows/{split}.jsonl")]


def test_the_plan_holds(demo: Demo) -> None:
    outcomes = demo.told["outcomes"]
    assert (outcomes["kept"], outcomes["held"], outcomes["quarantined"]) == (800, 0, 0)
    rows = delivered(demo)
    clusters = Counter(row["cluster"] for row in rows)
    assert len(clusters) == 25
    assert min(clusters.values()) >= 20
    assert not [warning for warning in demo.told["warnings"] if "select.plan" in warning]
    assert Counter(row["template_class"] for row in rows) == {"general": 400, "specific": 400}
    assert {row["template_version"] for row in rows} <= {3, 4}
    assert min(row["created_at"] for row in rows) >= "2026-05-01"


def test_people_chose_the_clustering_and_the_manifest_says_why(demo: Demo) -> None:
    (choice,) = json.loads((demo.folder / demo.told["run"] / "manifest.json").read_text())["choices"]
    assert (choice["chosen"], choice["who"], choice["clusters"]) == ("by-wish", "linguist", choice["looked"])
    assert "declining from asking" in choice["why"]
    recorded = lines(RECIPE / "decisions.jsonl")
    assert {one["value"]["clustering"].rsplit("-", 1)[0] for one in recorded if one["kind"] == "look"} == {
        "by-mail", "by-density", "by-wish",
    }  # fmt: skip


def test_for_a_row_that_people_rejected_another_came(demo: Demo) -> None:
    from tamis.runs.ledger import Ledger

    rejected = {one["row"] for one in lines(RECIPE / "decisions.jsonl") if one["kind"] == "reject"}
    assert rejected
    ledger = Ledger(demo.folder / demo.told["run"])
    left = [life[-1] for row in rejected for life in [ledger.life(ledger.find(row)[0])]]
    assert {(one["step"], one["reason"]) for one in left} == {("select.plan", "rejected")}
    assert len(delivered(demo)) == 800


def test_without_decisions_the_run_waits_for_people(demo: Demo, tmp_path: Path) -> None:
    for name in ("recipe.yaml", "query.sql", "log.db"):
        shutil.copy(RECIPE / name, tmp_path)
    command = [sys.executable, "-m", "tamis", "run", "recipe.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "74 of 74 clusters are still to be looked at" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_metrics_are_told_by_user_and_beside_what_was_read(demo: Demo) -> None:
    told = json.loads((demo.folder / demo.told["run"] / "metrics.json").read_text())
    tables = {(one["outcome"], one["which"]): one for one in told["outcomes"]}
    assert tables.keys() == {("accepted", "read"), ("edit_distance", "read"), ("retained_30d", "read"), ("edit_distance", "review.clusters")}  # fmt: skip
    accepted = tables["accepted", "read"]
    assert (accepted["rows"], accepted["users"]) == (1906, 199)
    ((_, old), (_, new)) = generations(
        "SELECT template_version, avg(accepted) FROM generations WHERE created_at >= '2026-05-01' "
        "AND template_version > 2 GROUP BY template_version ORDER BY template_version"
    )
    version = {g["group"]: g for one in accepted["by"] if one["column"] == "template_version" for g in one["groups"]}
    assert [version[name]["value"] for name in ("3", "4")] == pytest.approx([old, new])
    assert version["4"]["difference_low"] > 0
    assert tables["retained_30d", "read"]["each_user_once"] is True
    against = {one["reference"]: one for one in told["references"]}
    assert {name: one["reference_rows"] for name, one in against.items()} == {"read": 1906, "review.clusters": 1116}
    assert (
        against["review.clusters"]["by"][0]["adjusted"] > 0.05
    )  # the plan left the shares of the clusters as they were


def test_the_delivery_is_what_users_sent_without_personal_data(demo: Demo) -> None:
    asked = 0
    by_split: dict[str, set[str]] = {}
    for split in ("train", "validation"):
        for row in lines(demo.folder / f"dist/email-replies/{split}.jsonl"):
            assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
            text = "\n".join(message["content"] for message in row["messages"])
            assert not PERSONAL.search(text)
            assert not re.search(r"(?m)^From: [A-Z]\w+ [A-Z]\w+$", text)
            asked += "[PHONE]" in text or "[EMAIL]" in text
        rows = lines(demo.folder / f"dist/email-replies-rows/{split}.jsonl")
        assert all(row["messages"][-1]["content"] == row["sent_text"].strip() for row in rows)
        by_split[split] = {row["user_id"] for row in rows}
    assert asked >= 10
    assert not by_split["train"] & by_split["validation"]
