"""The summaries recipe, end to end on a scripted endpoint: pilot, gate, judge, people's decisions, delivery."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.endpoint import Endpoint, Seen

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes/conversation-summaries"
MODELS = "  annotator: {model: local/smollm2}\n  judge: {model: local/smollm2}\n"

#: what must leave no machine and stand in no delivery
PERSONAL = re.compile(r"[\w.+-]+@example\.\w+|\b555-01\d\d\b|4111 1111|DE89 3704|AKIAIOSFODNN7EXAMPLE")

#: what was planted → where such a row leaves, for which reason, as what
ENDS = {
    "empty": ("filter.empty", "empty", "dropped"),
    "too_short": ("filter.length", "too_short", "dropped"),
    "injection": ("filter.injection", "injection", "dropped"),
    "other_language": ("filter.language", "other_language", "dropped"),
    "duplicate": ("dedup.exact", "duplicate", "merged"),
    "near_duplicate": ("dedup.minhash", "near_duplicate", "merged"),
}


def fates() -> list[dict[str, str]]:
    with (ROOT / "tests/recipes/conversation_summaries_fates.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def maker() -> Any:
    spec = importlib.util.spec_from_file_location("make_dialogues", RECIPE / "make_dialogues.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_dialogues"] = module
    spec.loader.exec_module(module)
    return module


# -- the dialogues ---------------------------------------------------------------------------------


def test_the_file_is_what_the_script_makes(tmp_path: Path) -> None:
    for name in ("make_dialogues.py", "situations.txt"):
        shutil.copy(RECIPE / name, tmp_path)
    made = tmp_path / "fates.csv"
    subprocess.run([sys.executable, str(tmp_path / "make_dialogues.py"), "--fates", str(made)], check=True)
    assert (tmp_path / "dialogues.jsonl").read_bytes() == (RECIPE / "dialogues.jsonl").read_bytes()
    assert made.read_text() == (ROOT / "tests/recipes/conversation_summaries_fates.csv").read_text()


def test_there_are_200_good_dialogues_from_more_than_60_situations() -> None:
    good = {row["dialogue_id"] for row in fates() if row["fate"] == "kept"}
    rows = [row for row in lines(RECIPE / "dialogues.jsonl") if row["dialogue_id"] in good]
    assert len(rows) == 200
    assert len({row["situation"] for row in rows}) >= 60
    assert len({row["setting"] for row in rows}) >= 4
    for row in rows:
        turns = row["dialogue"].split("\n")
        speakers = [turn.split(": ")[0] for turn in turns]
        assert len(set(speakers)) == 2, row["dialogue_id"]
        assert all(a != b for a, b in pairwise(speakers)), row["dialogue_id"]
        assert 6 <= len(turns) <= 11, row["dialogue_id"]
        assert not re.search(r"[\[\]{}|]", row["dialogue"]), row["dialogue_id"]


def test_no_two_good_dialogues_are_much_alike() -> None:
    good = {row["dialogue_id"] for row in fates() if row["fate"] == "kept"}
    grams = {}
    for row in lines(RECIPE / "dialogues.jsonl"):
        if row["dialogue_id"] in good:
            words = re.findall(r"\w+", row["dialogue"].split(":", 1)[1].lower())
            grams[row["dialogue_id"]] = {tuple(words[k : k + 3]) for k in range(len(words) - 2)}
    worst = max(combinations(grams.values(), 2), key=lambda pair: len(pair[0] & pair[1]) / len(pair[0] | pair[1]))
    assert len(worst[0] & worst[1]) / len(worst[0] | worst[1]) < 0.2


# -- the recipe ------------------------------------------------------------------------------------


class Demo(NamedTuple):
    folder: Path
    endpoint: Endpoint
    piloted: dict[str, Any]
    first: subprocess.CompletedProcess[str]
    waiting: subprocess.CompletedProcess[str]
    told: dict[str, Any]
    asked: int


def say(asked: Seen) -> str:
    """A summary made of the conversation's own words, or a verdict on one."""
    text = asked.body["messages"][-1]["content"]
    if asked.body["model"] == "critic":
        return "It names both and what was said.\nVerdict: good"
    turns = [line for line in text.split("\n") if re.match(r"[A-Z][\w ()\[\].]*: ", line)]
    speakers = list(dict.fromkeys(turn.split(": ")[0] for turn in turns))
    said = " ".join(turns[-1].split(": ", 1)[1].split()[:12])
    return f"{' and '.join(speakers)} spoke about {turns[0].split(': ', 1)[1][:60]}. It ended with: {said}"


def workspace(folder: Path, endpoint: Endpoint) -> Path:
    """The recipe with its two lines changed, and where the other endpoint is."""
    for name in ("recipe.yaml", "dialogues.jsonl", "prompts/summary.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(RECIPE / name, folder / name)
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    assert MODELS in text
    other = "  annotator: {model: script/writer}\n  judge: {model: script/critic}\n"
    place = f"connections:\n  script: {{url: {endpoint.url}}}\n"
    (folder / "recipe.yaml").write_text(place + text.replace(MODELS, other), encoding="utf-8")
    return folder


def tamis(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tamis", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    if importlib.util.find_spec("tamis.steps.score.judge") is None:
        pytest.skip("there is no score.judge")
    with Endpoint(say) as endpoint:
        folder = workspace(tmp_path_factory.mktemp("summaries"), endpoint)
        first = tamis(folder, "run", "recipe.yaml")
        shown = json.loads(tamis(folder, "prompt", "try", "summary", "--json").stdout)
        verdicts = "".join(json.dumps({"row": row["number"], "verdict": "accept"}) + "\n" for row in shown["rows"])
        (folder / "verdicts.jsonl").write_text(verdicts)
        tried = tamis(folder, "prompt", "try", "summary", "--decisions", "verdicts.jsonl")
        assert tried.returncode == 0, tried.stderr
        waiting = tamis(folder, "run", "recipe.yaml")
        rows = json.loads(tamis(folder, "decide", "review", "--json").stdout)["rows"]
        tamis(folder, "decide", "review", rows[0]["id"], "--reject", "--why", "it leaves out who pays")
        tamis(folder, "decide", "review", "--all", "--accept")
        done = tamis(folder, "run", "recipe.yaml", "--json")
        assert done.returncode == 0, done.stderr
        yield Demo(folder, endpoint, shown, first, waiting, json.loads(done.stdout), len(endpoint.posts()))


def test_nothing_is_asked_about_all_rows_before_the_pilot_was_looked_at(demo: Demo) -> None:
    assert demo.first.returncode == 3
    assert "people have looked at 0 of 19 pilot rows" in demo.first.stderr
    assert len(demo.piloted["rows"]) == 19


def test_then_people_decide_on_a_sample(demo: Demo) -> None:
    assert demo.waiting.returncode == 3
    assert "gate 'review' waits: 20 of 20 rows are undecided" in demo.waiting.stderr


def test_every_row_is_accounted_for(demo: Demo) -> None:
    outcomes = demo.told["outcomes"]
    assert (outcomes["in"], outcomes["merged"], outcomes["held"], outcomes["quarantined"]) == (218, 9, 0, 0)
    assert outcomes["kept"] == 199
    assert demo.told["steps"]["review"]["reasons"] == {"rejected": 1}


def test_each_planted_row_leaves_where_it_should(demo: Demo) -> None:
    from tamis.runs.ledger import Ledger
    from tamis.runs.rows import RunRows

    ledger, rows = Ledger(demo.folder / demo.told["run"]), RunRows(demo.folder / demo.told["run"])
    ends = {}
    for partition in range(rows.count):
        names = rows.frame(partition)["source.dialogue_id"].to_list()
        for step in ledger.steps:
            part = ledger.part(step, partition)
            for line in [] if part is None else part.iter_rows(named=True):
                if line["outcome"] != "kept":
                    ends[names[line["row"]]] = (step["name"], line["reason"], line["outcome"])
    planted = {row["dialogue_id"]: ENDS[row["reason"]] for row in fates() if row["fate"] == "left"}
    assert {name: end for name, end in ends.items() if end[0] != "review"} == planted


def test_what_leaves_the_machine_holds_no_personal_data(demo: Demo) -> None:
    planted = [row for row in lines(RECIPE / "dialogues.jsonl") if PERSONAL.search(row["dialogue"])]
    assert len(planted) == 10
    asked = [seen.raw.decode() for seen in demo.endpoint.posts()]
    assert len(asked) > 400
    assert not [text for text in asked if PERSONAL.search(text)]
    assert any("[EMAIL]" in text for text in asked)


def test_the_delivery_is_conversations_and_their_summaries_split_by_situation(demo: Demo) -> None:
    folder = demo.folder / "dist/conversation-summaries"
    splits = {split: lines(folder / f"{split}.jsonl") for split in ("train", "validation")}
    assert sum(map(len, splits.values())) == 199
    assert 0.15 <= len(splits["validation"]) / 199 <= 0.25
    openings = {}
    for split, rows in splits.items():
        for row in rows:
            assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
            system, dialogue, summary = (message["content"] for message in row["messages"])
            assert system == "Summarise the conversation in two or three sentences."
            assert " spoke about " in summary
            assert not PERSONAL.search(dialogue + summary)
            openings[dialogue] = split
    by_situation: dict[str, set[str]] = {}
    for row in lines(RECIPE / "dialogues.jsonl"):
        if row["dialogue"] in openings:
            by_situation.setdefault(row["situation"], set()).add(openings[row["dialogue"]])
    assert Counter(map(len, by_situation.values())).keys() == {1}


def test_the_same_again_asks_nothing_and_recorded_decisions_can_be_replayed(demo: Demo) -> None:
    again = tamis(demo.folder, "run", "recipe.yaml", "--json")
    assert again.returncode == 0
    assert len(demo.endpoint.posts()) == demo.asked
    recorded = demo.folder / "recorded.jsonl"
    shutil.move(demo.folder / "decisions/conversation-summaries.jsonl", recorded)
    shutil.rmtree(demo.folder / "runs")
    assert tamis(demo.folder, "run", "recipe.yaml").returncode == 3
    replayed = tamis(demo.folder, "run", "recipe.yaml", "--decisions", str(recorded), "--json")
    assert json.loads(replayed.stdout)["outcomes"] == demo.told["outcomes"]
    assert len(demo.endpoint.posts()) == demo.asked
