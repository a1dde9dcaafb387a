"""What was said of prompts, and the gate that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.calls import Bar, PromptGate
from tamis.core.errors import DataError
from tamis.runs import prompts
from tamis.runs.draw import draw, times_seen
from tamis.runs.prompts import Record

GATE = PromptGate("sort", "v1", "annotator", None)
ACCURATE = PromptGate("sort", "v1", "annotator", Bar("accuracy", 0.9))


def record(kind: Any = "pilot", version: str = "v1", model: str = "lab/m", **more: Any) -> Record:
    return Record(kind, "sort", version, model, **more)


def piloted(accepted: int, rejected: int = 0, **more: Any) -> list[Record]:
    says = ["accept"] * accepted + ["reject"] * rejected
    return [record(row=f"{k:032x}", verdict=one, **more) for k, one in enumerate(says)]


def missing(folder: Path, records: list[Record], gate: PromptGate = GATE, rows: int | None = 1000) -> str | None:
    prompts.append(prompts.prompt_file(folder, "sort"), records)
    return prompts.proof(gate, folder / "decisions", "lab/m", rows).missing


def test_nobody_has_looked(tmp_path: Path) -> None:
    told = missing(tmp_path, [])
    assert told is not None
    assert "people have looked at 0 of 19 pilot rows; `tamis prompt try sort` shows them" in told


def test_a_whole_pilot_opens_a_prompt_without_a_bar_and_says_so(tmp_path: Path) -> None:
    assert "looked at 18 of 19" in (missing(tmp_path, piloted(18)) or "")
    assert missing(tmp_path, [record(row="f" * 32, verdict="reject")]) is None
    warning = prompts.proof(GATE, tmp_path / "decisions", "lab/m", 1000).warning
    assert warning is not None
    assert "18 of 19 pilot rows were accepted; it declares no `bar:`" in warning


@pytest.mark.parametrize(
    "change", [{"version": "v0"}, {"model": "lab/other"}], ids=["another version", "another model"]
)
def test_what_was_said_of_another_does_not_count(tmp_path: Path, change: dict[str, str]) -> None:
    assert "looked at 0 of 19" in (missing(tmp_path, piloted(19, **change)) or "")


def test_skipped_and_undone_rows_were_not_looked_at(tmp_path: Path) -> None:
    more = [record(row=f"{0:032x}", verdict="undo"), record(row=f"{1:032x}", verdict="skip")]
    assert "looked at 17 of 19" in (missing(tmp_path, piloted(19) + more) or "")


def test_a_pilot_that_people_reject_opens_nothing(tmp_path: Path) -> None:
    assert "people accepted 9; mend the prompt" in (missing(tmp_path, piloted(9, 10)) or "")


def test_few_rows_are_their_own_pilot(tmp_path: Path) -> None:
    assert "looked at 4 of 5" in (missing(tmp_path, piloted(4), ACCURATE, rows=5) or "")
    assert missing(tmp_path, [record(row="f" * 32, verdict="accept")], ACCURATE, rows=5) is None
    assert missing(tmp_path, [], ACCURATE, rows=50) is not None


def test_the_bar_needs_its_metric(tmp_path: Path) -> None:
    assert "its accuracy is not known, and must be at least 0.9; `tamis prompt eval sort`" in (
        missing(tmp_path, piloted(19), ACCURATE) or ""
    )
    low = record("evaluation", metrics={"accuracy": {"value": 0.88, "low": 0.85, "high": 0.91}})
    assert "its accuracy is 0.88, and must be at least 0.9" in (missing(tmp_path, [low], ACCURATE) or "")
    good = record("evaluation", metrics={"accuracy": {"value": 0.93, "low": 0.89, "high": 0.95}})
    assert missing(tmp_path, [good], ACCURATE) is None
    strict = PromptGate("sort", "v1", "annotator", Bar("accuracy", 0.9, low=True))
    assert "the lower end of the interval of its accuracy is 0.89" in (missing(tmp_path, [], strict) or "")


def test_the_share_of_accepted_rows_is_a_metric_too(tmp_path: Path) -> None:
    gate = PromptGate("sort", "v1", "annotator", Bar("accepted", 0.8))
    assert missing(tmp_path, piloted(16, 3), gate) is None
    strict = PromptGate("sort", "v1", "annotator", Bar("accepted", 0.8, low=True))
    assert "is 0.624, and must be at least 0.8" in (missing(tmp_path, [], strict) or "")  # Wilson's, 16 of 19


def test_an_override_opens_it_and_is_told(tmp_path: Path) -> None:
    told = record("override", reason="checked by hand later", who="ada")
    assert missing(tmp_path, [told], ACCURATE) is None
    warning = prompts.proof(ACCURATE, tmp_path / "decisions", "lab/m").warning
    assert warning is not None
    assert "opened by ada without proof, because: checked by hand later" in warning
    other = PromptGate("sort", "v2", "annotator", None)
    assert prompts.proof(other, tmp_path / "decisions", "lab/m").missing is not None


def test_lines_come_back_as_they_were_and_a_torn_one_is_left_out(tmp_path: Path) -> None:
    path = prompts.prompt_file(tmp_path, "sort")
    said = [
        record("try", rows=("a", "b"), facts={"try": 1}),
        record(row="a", verdict="correct", answer=False, correction=["x"], comment="ähm", content="c"),
        record(row="b", verdict="accept", answer=0),
    ]
    prompts.append(path, said)
    with open(path, "ab") as file:
        file.write(b'{"kind": "pilot", "prom')
    read = prompts.read(path)
    assert [(r.kind, tuple(r.rows), r.answer, r.correction, r.comment) for r in read] == [
        (r.kind, r.rows, r.answer, r.correction, r.comment) for r in said
    ]
    assert all(r.who and r.at for r in read)
    prompts.append(path, [record("override", reason="x")])
    assert len(prompts.read(path)) == 4
    path.write_text('{"kind": "odd", "prompt": "p", "version": "v", "model": "m"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"sort.jsonl:1: not about a prompt: kind 'odd'"):
        prompts.read(path)


# -- which rows -------------------------------------------------------------------------------------

IDS = [f"{k:032x}" for k in range(100)]
HIGH, LOW = np.zeros(100, np.uint64), np.arange(100, dtype=np.uint64)


def drawn(count: int, records: list[Record] | None = None, **more: Any) -> list[int]:
    return draw(IDS, HIGH, LOW, seed=7, count=count, seen=times_seen(records or [], IDS), **more)


def test_tries_never_repeat_rows_until_all_were_seen() -> None:
    records: list[Record] = []
    shown: list[int] = []
    for _ in range(6):
        rows = drawn(19, records)
        records.append(record("try", version=f"v{len(records)}", rows=tuple(IDS[k] for k in rows)))
        shown += rows
    assert len(set(shown[:95])) == 95
    assert set(shown[:100]) == set(range(100))
    assert len(shown) == 114


def test_rows_are_drawn_by_their_ids_alone() -> None:
    some = np.array([k for k in range(100) if k % 3], np.int64)
    fewer = draw([IDS[k] for k in some], HIGH[some], LOW[some], seed=7, count=100, seen=np.zeros(len(some), np.int64))
    assert [int(some[k]) for k in fewer] == [k for k in drawn(100) if k % 3]
    assert drawn(5) != sorted(drawn(5))


def test_rows_from_each_group_in_turn_those_shown_least_first() -> None:
    groups = ["big"] * 90 + [None] * 5 + ["rare"] * 5
    first = drawn(6, per=groups)
    assert sorted(str(groups[k]) for k in first) == ["None", "None", "big", "big", "rare", "rare"]
    seen = [record("try", rows=tuple(IDS[k] for k in drawn(2, per=groups)))]
    assert {str(groups[k]) for k in drawn(1, seen, per=groups)} == {"rare"}


def test_frozen_rows_are_never_drawn() -> None:
    held = {IDS[k] for k in range(50)}
    assert min(drawn(100, without=held)) == 50
    assert prompts.frozen([record("set", rows=tuple(held))]) == held
