"""trl_kto: answers with true or false, from pairs, labels and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

import tamis
from tamis.runner.convert import convert
from tamis.sinks.checks import check_file
from tamis.sinks.trl_kto import TrlKto
from tamis.steps.map.kto import Kto
from tamis.testing import run_step

from .turns import BAD, GOOD, TOOLS, bot, table, user

PAIRS = TrlKto(path="out")
LABELS = TrlKto(path="out", label="label")
SCORES = TrlKto(path="out", score="score", threshold=3)


def lines(sink: TrlKto, frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bytes(sink.encode(frame)).decode().split("\n")[:-1]]


def test_a_pair_becomes_two_lines_the_better_first() -> None:
    frame = table(*GOOD, tools=[None, TOOLS, None, None, None])
    assert PAIRS.check(frame) == []
    assert PAIRS.lines(frame) == 10
    found = lines(PAIRS, frame)
    assert [row["label"] for row in found] == [True, False] * 5
    assert [row["completion"][0]["content"] for row in found[:4]] == ["A", "B", "b", "c"]
    for better, worse in zip(found[::2], found[1::2], strict=True):
        assert better["prompt"] == worse["prompt"]
    assert [row.get("tools") for row in found[:4]] == [None, None, TOOLS, TOOLS]
    assert all("weight" not in m for row in found for m in row["prompt"] + row["completion"])


def test_bad_pairs_are_refused_as_pairs() -> None:
    found = PAIRS.check(table(*[row for bad, _ in BAD for row in (bad, GOOD[0])]))
    assert [position for position, _ in found] == list(range(0, 2 * len(BAD), 2))


def test_labels_from_a_column() -> None:
    frame = table(*[([user(), bot()], None)] * 3, source__label=[True, False, None])
    assert LABELS.check(frame) == [(2, "no_label: the column 'label' holds no true or false")]
    assert LABELS.lines(frame[:2]) == 2
    assert [row["label"] for row in lines(LABELS, frame[:2])] == [True, False]


def test_labels_that_are_texts_or_numbers_are_no_labels() -> None:
    for values in (["true", "false"], [1, 0]):
        frame = table(*[([user(), bot()], None)] * 2, source__label=values)
        assert [k for k, _ in LABELS.check(frame)] == [0, 1]


def test_labels_from_a_score() -> None:
    frame = table(*[([user(), bot()], None)] * 5, judge__score=[3.0, 2.999, 4, None, float("nan")])
    assert [k for k, _ in SCORES.check(frame)] == [3, 4]
    assert [row["label"] for row in lines(SCORES, frame[:3])] == [True, False, True]


@pytest.mark.parametrize(
    ("messages", "rejected", "label", "why"),
    [
        ([user(), bot("A")], [bot("B")], True, "two_labels"),
        ([user()], None, True, "no_completion"),
        ([bot("A")], None, True, "no_prompt"),
        ([user(), bot(" ")], None, False, "empty_content"),
        ([user(), bot(None)], None, False, "no_content"),
        ([user(), bot("A", weight=0)], None, True, "weight"),
        ([user(), bot("A", tool_calls="{")], None, True, "no JSON"),
    ],
)
def test_answers_that_say_nothing_are_refused(messages: Any, rejected: Any, label: bool, why: str) -> None:
    [(position, told)] = LABELS.check(table(([user(), bot()], None), (messages, rejected), source__label=[True, label]))
    assert position == 1
    assert why in told


def test_an_answer_not_to_be_learnt_may_be_a_bad_one() -> None:
    assert LABELS.check(table(([user(), bot("A", weight=0)], None), source__label=[False])) == []


def test_settings_that_cannot_be_meant() -> None:
    with pytest.raises(ValidationError, match="not both"):
        TrlKto(path="out", label="a", score="b", threshold=1)
    with pytest.raises(ValidationError, match="belong together"):
        TrlKto(path="out", score="b")


def test_what_is_delivered_is_read_back(tmp_path: Path) -> None:
    frame = table(*GOOD)
    path = tmp_path / "train.jsonl"
    path.write_bytes(PAIRS.encode(frame))
    assert [p.rule for p in check_file(path, "trl_kto")] == []
    rows = [
        {f"source.{k}": v if k == "label" else json.dumps(v) for k, v in row.items()} for row in lines(PAIRS, frame)
    ]
    back = run_step(Kto(), rows)
    assert back.outcomes == ["kept"] * 10
    assert back.rows[0]["messages"] == GOOD[0][0]
    told = convert(str(path), "kto", tmp_path / "again.jsonl")
    assert (told["written"], told["lost"]) == (10, {})
    assert (tmp_path / "again.jsonl").read_text() == path.read_text()


def test_a_run_counts_the_lines_of_pairs(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Question {k}?", "chosen": f"good {k}", "rejected": f"bad {k}" if k else f"good {k}"}
        for k in range(6)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "recipe.yaml").write_text(
        "tamis: 1\nname: pairs\nmax_quarantined: 1\nsources:\n  - {use: files, path: rows.jsonl}\nsteps:\n"
        "  - use: map.preference\ndeliver:\n  - {use: trl_kto, path: dist/kto}\n  - {use: openai_dpo, path: dist/dpo}\n"
    )
    result = tamis.run(tmp_path / "recipe.yaml")
    assert result.account == "6 in = 5 kept + 1 quarantined"
    assert len((tmp_path / "dist/kto/data.jsonl").read_text().splitlines()) == 10
    assert len((tmp_path / "dist/dpo/data.jsonl").read_text().splitlines()) == 5
