"""The demo recipe, end to end: each planted row's fate, the splits, the bytes."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tamis
from tamis.runs.ledger import Ledger
from tamis.runs.rows import RunRows

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes/customer-intents"
FILES = ("recipe.yaml", "inquiries.csv", "labels.csv", "test_questions.csv")

#: what was planted → where such a row may leave, for which reason, as what
ENDS: dict[str, set[tuple[str, str, str]]] = {
    "one_word": {("filter.length", "too_short", "dropped")},
    "empty": {("filter.empty", "empty", "dropped")},
    "refusal": {("filter.refusal", "refusal", "dropped"), ("assistant-speaking", "matching", "dropped")},
    "repetition": {("filter.repetition", "looping", "dropped")},
    "language": {("filter.language", "other_language", "dropped")},
    "label_slip": {("filter.listed", "not_listed", "dropped")},
    "exact_duplicate": {("dedup.exact", "duplicate", "merged")},
    "normalised_duplicate": {("dedup.exact", "duplicate", "merged")},
    "near_duplicate": {("dedup.minhash", "near_duplicate", "merged")},
    "junk": {("filter.noise", slug, "dropped") for slug in ("keyboard_mash", "repeated_unit", "placeholder")},
    "injection": {("filter.injection", "injection", "dropped")},
    "leaked_test": {("decontaminate.ngram", "question_leaked", "dropped")},
}

#: personal data and keys in rows that stay: what must not be delivered
PERSONAL = re.compile(
    r"[\w.+-]+@example\.\w+|\b555-01\d\d\b|4111 1111|WEST 1234|DE89 3704|AKIAIOSFODNN7EXAMPLE|203\.0\.113\.77"
)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fates() -> list[dict[str, str]]:
    return table(ROOT / "tests/recipes/customer_intents_fates.csv")


def copy(folder: Path) -> Path:
    """The recipe and its data, without what earlier runs left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(RECIPE / name, folder)
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tamis.Result:
    return tamis.run(copy(tmp_path_factory.mktemp("demo")) / "recipe.yaml")


@pytest.fixture(scope="module")
def delivered(result: tamis.Result) -> dict[str, list[dict[str, Any]]]:
    """split → conversations"""
    folder = result.folder.parents[2] / "dist/customer-intents"
    return {split: lines(folder / f"{split}.jsonl") for split in ("train", "validation")}


@pytest.fixture(scope="module")
def ends(result: tamis.Result) -> dict[str, tuple[str, str, str, str | None]]:
    """inquiry_id → (step, reason, outcome, the inquiry it was merged into), for rows that left"""
    ledger, rows = Ledger(result.folder), RunRows(result.folder)
    found = {}
    for partition in range(rows.count):
        names = rows.frame(partition)["source.inquiry_id"].to_list()
        for step in ledger.steps:
            part = ledger.part(step, partition)
            for line in [] if part is None else part.iter_rows(named=True):
                if line["outcome"] != "kept":
                    found[names[line["row"]]] = (
                        step["name"],
                        line["reason"],
                        line["outcome"],
                        _into(ledger, names, line),
                    )
    return found


def _into(ledger: Ledger, names: list[str], line: dict[str, Any]) -> str | None:
    if line.get("into") is None:
        return None
    (row,) = ledger.find(line["into"])
    return names[row.row]


def test_the_account(result: tamis.Result) -> None:
    assert result.account == "727 in = 500 kept + 105 dropped + 122 merged"


@pytest.mark.parametrize("reason", ENDS)
def test_each_planted_row_leaves_where_it_should(
    ends: dict[str, tuple[str, str, str, str | None]], reason: str
) -> None:
    planted = [row for row in fates() if row["reason"] == reason]
    assert planted
    for row in planted:
        step, slug, outcome, into = ends.get(row["inquiry_id"], ("kept", "", "", None))
        assert (step, slug, outcome) in ENDS[reason], row["inquiry_id"]
        if row["of"]:
            assert into == row["of"], row["inquiry_id"]


def test_each_good_row_stays(ends: dict[str, tuple[str, str, str, str | None]]) -> None:
    good = [row["inquiry_id"] for row in fates() if row["fate"] == "kept"]
    assert len(good) == 500
    assert {row: ends[row] for row in good if row in ends} == {}


def test_the_splits_are_exact_and_stratified(delivered: dict[str, list[dict[str, Any]]]) -> None:
    assert {split: len(rows) for split, rows in delivered.items()} == {"train": 400, "validation": 100}
    counts = {
        split: Counter(json.loads(row["messages"][2]["content"])["category"] for row in rows)
        for split, rows in delivered.items()
    }
    whole = counts["train"] + counts["validation"]
    assert len(whole) == 9
    for category, rows in whole.items():
        assert abs(counts["train"][category] - 0.8 * rows) <= 1, category
        assert abs(counts["validation"][category] - 0.2 * rows) <= 1, category


def test_each_conversation_is_one_prompt_and_the_label_as_json(delivered: dict[str, list[dict[str, Any]]]) -> None:
    pairs = {(row["category"], row["sub_category"]) for row in table(RECIPE / "labels.csv")}
    systems = set()
    for row in [*delivered["train"], *delivered["validation"]]:
        assert list(row) == ["messages"]
        assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
        assert all(list(message) == ["role", "content"] for message in row["messages"])
        system, _, answer = (message["content"] for message in row["messages"])
        systems.add(system)
        label = json.loads(answer)
        assert answer == json.dumps(label)
        assert list(label) == ["category", "sub_category"]
        assert (label["category"], label["sub_category"]) in pairs
    assert systems == {"Classify the user message into a category and sub-category and output the result as JSON."}


def test_each_delivered_label_is_the_one_of_its_inquiry(result: tamis.Result) -> None:
    labels = {row["inquiry_id"]: (row["category"], row["sub_category"]) for row in table(RECIPE / "inquiries.csv")}
    for row in result.to_dicts():
        label = json.loads(row["messages"][2]["content"])
        assert (label["category"], label["sub_category"]) == labels[row["source.inquiry_id"]]


def test_damaged_texts_are_repaired(result: tamis.Result) -> None:
    texts = {row["source.inquiry_id"]: row["messages"][1]["content"] for row in result.to_dicts()}
    repaired = [row["inquiry_id"] for row in fates() if row["reason"] == "fixed_mojibake"]
    tidied = [row["inquiry_id"] for row in fates() if row["reason"] == "fixed_whitespace"]
    assert texts["INQ-00003"].startswith("The drill’s gearbox has gone after seven months – it’s clearly a fault")
    for name in repaired:
        assert not any(mark in texts[name] for mark in ("â€", "Ã", "Â")), texts[name]
    for name in tidied:
        text = texts[name]
        assert text == text.strip()
        assert not any(mark in text for mark in ("  ", "\u00a0", "\u200b", "\n\n\n", " \n")), repr(text)


def test_untouched_texts_are_untouched(result: tamis.Result) -> None:
    before = {row["inquiry_id"]: row["inquiry"] for row in table(RECIPE / "inquiries.csv")}
    after = {row["source.inquiry_id"]: row["messages"][1]["content"] for row in result.to_dicts()}
    plain = [row["inquiry_id"] for row in fates() if row["reason"] == "kept"]
    changed = {name for name in plain if after[name] != before[name]}
    assert len(changed) == 4, "who signs or is greeted by name"
    for name in changed:
        parts = map(re.escape, after[name].split("[PERSON]"))
        assert re.fullmatch(r"[^\n]{2,40}".join(parts), before[name]), after[name]


def test_personal_data_and_keys_are_replaced(result: tamis.Result) -> None:
    before = {row["inquiry_id"]: row["inquiry"] for row in table(RECIPE / "inquiries.csv")}
    after = {row["source.inquiry_id"]: row["messages"][1]["content"] for row in result.to_dicts()}
    personal = [row["inquiry_id"] for row in fates() if row["reason"] == "contains_pii"]
    assert len(personal) == 27
    kinds: Counter[str] = Counter()
    for name in personal:
        found = PERSONAL.findall(before[name])
        tags = re.findall(r"\[(?:EMAIL|PHONE|CARD|IBAN|API_KEY|IPV4)\]", after[name])
        assert len(tags) == len(found), after[name]
        kinds.update(tags)
    assert set(kinds) == {"[EMAIL]", "[PHONE]", "[CARD]", "[IBAN]", "[API_KEY]", "[IPV4]"}


def test_no_file_for_others_holds_personal_data(result: tamis.Result) -> None:
    root = result.folder.parents[2]
    looked = [path for part in ("dist", "runs") for path in (root / part).rglob("*") if path.is_file()]
    assert {"train.jsonl", "report.html", "manifest.json"} <= {path.name for path in looked}
    for path in looked:
        text = path.read_bytes().decode("utf-8", "ignore")
        if path.suffix == ".parquet":
            text = str(pl.read_parquet(path).rows())
        assert PERSONAL.search(text) is None, path


def test_the_report_shows_leaked_questions_although_personal_data_are_replaced(result: tamis.Result) -> None:
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    _, _, section = page.partition('<section id="contamination"')
    section = re.sub(r"<[^>]+>", "", section.partition("</section>")[0])
    assert "TEST-01" in section
    assert "gets stuck and then calls for help all night" in section
    assert "Not shown" not in page


def test_every_delivered_row_is_traced_to_its_line(result: tamis.Result) -> None:
    ledger, rows = Ledger(result.folder), RunRows(result.folder)
    starts, number = {}, 2  # the header is line 1; a quoted cell may span lines
    for row in table(RECIPE / "inquiries.csv"):
        starts[row["inquiry_id"]] = number
        number += 1 + row["inquiry"].count("\n")
    placed = ledger.delivered()
    assert sum(frame.height for frame in placed.values()) == 500
    for frame in placed.values():
        for partition, row in frame.select("partition", "row").iter_rows():
            found = ledger.at(partition, row)
            assert Path(found.file).name == "inquiries.csv"
            assert found.line == starts[rows.frame(partition)["source.inquiry_id"][row]]


def test_a_file_with_just_three_columns_gives_the_same_conversations(
    tmp_path: Path, delivered: dict[str, list[dict[str, Any]]]
) -> None:
    folder = copy(tmp_path)
    rows = table(folder / "inquiries.csv")
    with (folder / "inquiries.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, ["inquiry", "category", "sub_category"], extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    result = tamis.run(folder / "recipe.yaml")
    assert result.outcomes == {
        "in": 727,
        "born": 0,
        "kept": 500,
        "dropped": 105,
        "merged": 122,
        "held": 0,
        "quarantined": 0,
    }
    again = {split: lines(folder / f"dist/customer-intents/{split}.jsonl") for split in delivered}
    assert {split: len(found) for split, found in again.items()} == {"train": 400, "validation": 100}

    def conversations(found: dict[str, list[dict[str, Any]]]) -> set[str]:
        return {json.dumps(row) for split in found.values() for row in split}

    assert conversations(again) == conversations(delivered)


def hashes(folder: Path) -> dict[str, str]:
    """file → sha256, of the delivered data"""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "dist/customer-intents").glob("*.jsonl"))
    }


#: what must make no difference: name → (arguments, environment)
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "one worker": (["--workers", "1"], {}),
    "two processes": (["--workers", "2", "--executor", "processes"], {}),
    "another hash seed and zone": (["--workers", "2"], {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland"}),
    "no locale, ASCII": (
        [],
        {"PYTHONHASHSEED": "0", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ),
    "one thread of Polars": ([], {"POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_bytes_do_not_depend_on_how_it_is_run(way: str, tmp_path: Path, result: tamis.Result) -> None:
    arguments, environment = WAYS[way]
    folder = copy(tmp_path / "a b")
    command = [sys.executable, "-m", "tamis", "run", str(folder / "recipe.yaml"), "--progress", "plain", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert result.account in done.stdout.decode()
    expected = hashes(result.folder.parents[2])
    assert list(expected) == ["train.jsonl", "validation.jsonl"]
    assert hashes(folder) == expected


def test_running_again_judges_nothing_and_changes_nothing(tmp_path: Path, result: tamis.Result) -> None:
    folder = copy(tmp_path)
    first = tamis.run(folder / "recipe.yaml")
    before = hashes(folder)
    second = tamis.run(folder / "recipe.yaml")
    assert second.folder != first.folder
    assert second.outcomes == first.outcomes
    assert hashes(folder) == before == hashes(result.folder.parents[2])
    reused = second.manifest["reused_rows"]
    assert all(reused[step["name"]] == step["in"] for step in second.manifest["steps"]), reused
