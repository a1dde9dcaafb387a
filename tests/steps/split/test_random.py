"""split.random, and what every split shares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.errors import DataError, StepError, UsageError
from tamis.engine.allocate import seeded_order
from tamis.steps.split.random import Random
from tamis.testing import run_step


def asked(*prompts: str, **more: list[Any]) -> list[dict[str, Any]]:
    return [
        {"prompt": prompt, "response": "yes", **{k: v[i] for k, v in more.items()}} for i, prompt in enumerate(prompts)
    ]


def many(n: int) -> list[dict[str, Any]]:
    return [{"prompt": f"question {k}", "response": "yes", "key": f"k{k}"} for k in range(n)]


def with_ids(n: int, *, start: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    ids = rng.integers(0, 2**63, (start + n, 2)).astype(np.uint64)[start:]
    return pl.DataFrame({"id.high": ids[:, 0], "id.low": ids[:, 1], "text": [f"t{start + k}" for k in range(n)]})


def hex_id(frame: pl.DataFrame, row: int) -> str:
    return f"{frame['id.high'][row]:016x}{frame['id.low'][row]:016x}"


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({"together": [], "shares": {"train": 0.5, "test": 0.5}, "on_leak": "drop"}, asked("a", "A!"), "leak"),
    ({}, many(10), ["kept"] * 10),
    ({"counts": {"test": 3}}, many(10), ["kept"] * 10),
    ({"golden": ["k1"], "ids": "key"}, many(6), ["kept"] * 6),
]


@pytest.mark.parametrize(("settings", "rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], rows: Any, expected: Any) -> None:
    outcomes = run_step(Random.model_validate(settings), rows).outcomes
    assert outcomes == expected if isinstance(expected, list) else outcomes.count(expected) == 1


@pytest.mark.parametrize(
    ("shares", "n", "counts"),
    [
        ({"train": 0.8, "validation": 0.2}, 500, {"train": 400, "validation": 100}),
        ({"train": 0.8, "validation": 0.1, "test": 0.1}, 37, {"train": 29, "validation": 4, "test": 4}),
        ({"a": 0.333333333, "b": 0.333333333, "c": 0.333333334}, 100, {"a": 33, "b": 33, "c": 34}),
        ({"train": 0.999, "validation": 0.001}, 20, {"train": 19, "validation": 1}),
    ],
)
def test_counts_are_exact(shares: dict[str, float], n: int, counts: dict[str, int]) -> None:
    found = run_step(Random(shares=shares), many(n)).column("split")
    assert {name: found.count(name) for name in counts} == counts


def test_the_first_of_the_order_go_to_the_first_split() -> None:
    frame = with_ids(50)
    split = run_step(Random(shares={"a": 0.3, "b": 0.7}), frame, seed=9).column("split")
    order = seeded_order(9, frame["id.high"].to_numpy(), frame["id.low"].to_numpy())
    first = set(np.argsort(order)[:15].tolist())
    assert {k for k, name in enumerate(split) if name == "a"} == first


def test_the_order_of_rows_changes_nothing_and_the_seed_does() -> None:
    frame = with_ids(60)
    mixed = np.random.default_rng(1).permutation(60)
    split = run_step(Random(), frame, seed=1).column("split")
    assert run_step(Random(), frame[mixed], seed=1).column("split") == [split[k] for k in mixed]
    assert run_step(Random(), frame, seed=2).column("split") != split


def test_what_must_stay_together_is_ordered_by_what_it_says() -> None:
    rows = asked(*[f"question {k}" for k in range(60)])
    split = run_step(Random(), rows).column("split")
    assert run_step(Random(), rows[::-1]).column("split") == split[::-1]
    assert run_step(Random(together=()), rows[::-1]).column("split") != split[::-1]


def test_growing_moves_only_rows_at_the_border() -> None:
    before = run_step(Random(), with_ids(1000)).column("split")
    after = run_step(Random(), with_ids(1010)).column("split")[:1000]
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= 10


def test_copies_share_a_split_and_counts_stay_exact() -> None:
    prompts = [f"q{k // 3}" if k < 90 else f"single {k}" for k in range(200)]
    prompts = [p.upper() + "?" if k % 2 else p for k, p in enumerate(prompts)]
    split = run_step(Random(), asked(*prompts)).column("split")
    assert split.count("validation") == 40
    for k in range(0, 90, 3):
        assert len(set(split[k : k + 3])) == 1


def test_leaks_are_told_or_dropped_or_stop_the_run() -> None:
    rows = asked(*["same"] * 4, *[f"q{k}" for k in range(4)])
    shares = {"train": 0.5, "test": 0.5}
    told = run_step(Random(together=(), shares=shares), rows, seed=5)
    split = told.column("split")
    assert told.kinds == ["kept"] * 8
    assert {split[0], split[1], split[2], split[3]} == {"train", "test"}
    for k in range(4):
        twin = int(told.evidence[k]["leak"], 16)
        assert twin < 4
        assert split[twin] != split[k]
    assert [row["leak"] for row in told.evidence[4:]] == [None] * 4
    dropped = run_step(Random(together=(), shares=shares, on_leak="drop"), rows, seed=5)
    assert [kind for kind, name in zip(dropped.kinds, split, strict=True) if name == "test"] == ["kept"] * 4
    assert dropped.outcomes.count("leak") == split[:4].count("train")
    with pytest.raises(StepError, match=r"4 rows have a copy in another split, the first 0{32} \((train|test)\)"):
        run_step(Random(together=(), shares=shares, on_leak="error"), rows, seed=5)


def test_leaks_looks_at_what_it_is_told() -> None:
    rows = [{"prompt": f"q{k}", "response": "same"} for k in range(4)]
    half = {"a": 0.5, "b": 0.5}
    assert run_step(Random(shares=half), rows).evidence == [{}] * 4
    assert all(row["leak"] for row in run_step(Random(shares=half, leaks=("response",)), rows).evidence)


def test_golden_rows_and_no_others_are_the_golden_split() -> None:
    rows = [*many(20), {"prompt": "QUESTION 3!", "response": "yes", "key": "twin"}]
    result = run_step(Random(golden=("k3", "k7", "gone"), ids="key"), rows)
    split = result.column("split")
    assert [k for k, name in enumerate(split) if name == "test"] == [3, 7]
    assert split.count("validation") == 4
    assert result.evidence[20]["leak"] == f"{3:032x}"


def test_golden_rows_fill_the_share_of_their_split() -> None:
    shares = {"train": 0.5, "test": 0.5}
    split = run_step(Random(golden=("k1", "k2", "k3"), ids="key", shares=shares), many(10)).column("split")
    assert split[1:4] == ["test"] * 3
    assert split.count("test") == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ids.txt", "k1\r\n\nk4\n"),
        ("ids.csv", "id,note\nk1,x\nk4,\n"),
        ("ids.jsonl", '{"id": "k1"}\n{"id": "k4"}\n'),
        ("ids.tsv", "id\tnote\nk1\tx\nk4\t\n"),
    ],
)
def test_golden_files(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    step = Random.model_validate({"golden": str(path), "ids": "key"})
    assert step.files() == (str(path),)
    split = run_step(step, many(10)).column("split")
    assert [k for k, where in enumerate(split) if where == "test"] == [1, 4]


def test_golden_parquet_by_row_id(tmp_path: Path) -> None:
    frame, path = with_ids(12), tmp_path / "ids.parquet"
    pl.DataFrame({"id": [hex_id(frame, 2), hex_id(frame, 11)]}).write_parquet(path)
    split = run_step(Random(golden=path), frame).column("split")
    assert [k for k, where in enumerate(split) if where == "test"] == [2, 11]


def test_no_row_named_earlier_changes_split(tmp_path: Path) -> None:
    frame, path = with_ids(100), tmp_path / "earlier.jsonl"
    before = run_step(Random(), frame).column("split")
    path.write_text(
        "".join(json.dumps({"id": hex_id(frame, k), "split": name}) + "\n" for k, name in enumerate(before))
    )
    grown = with_ids(300)
    free = run_step(Random(), grown, seed=4).column("split")
    pinned = run_step(Random(earlier=path), grown, seed=4).column("split")
    assert free[:100] != before
    assert pinned[:100] == before
    assert pinned.count("validation") == 60


def test_copies_follow_rows_named_earlier(tmp_path: Path) -> None:
    path = tmp_path / "earlier.csv"
    path.write_text("id,split\nk0,validation\n")
    rows = [*many(10), *[{"prompt": "Question 0", "response": "no", "key": f"n{k}"} for k in range(3)]]
    split = run_step(Random(earlier=path, ids="key"), rows).column("split")
    assert [split[0], *split[10:]] == ["validation"] * 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shares": {"train": 0.8, "validation": 0.1}}, "add up to 0.9, not to 1"),
        ({"shares": {"train": 1.5, "test": -0.5}}, "share of 'train' is 1.5"),
        ({"shares": {}}, "add up to 0"),
        ({"shares": {"train": 1, "test": 0}}, "share of 'test' is 0"),
        ({"counts": {"train": 5}}, "both a share and a count"),
        ({"counts": {"test": 0}}, "at least 1 row"),
        ({"shares": {"../x": 1}}, "cannot name a split"),
        ({"golden": ["x"], "golden_split": "a/b"}, "cannot name a split"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Random.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        ({}, asked("a"), "1 rows are too few for train, validation"),
        ({"counts": {"test": 9}}, many(10), "too few for train, validation, test"),
        ({}, asked("a", "A", "a."), "3 rows form 1 groups that must stay together"),
        ({"golden": ["zz"]}, many(5), "'zz' is no row id"),
        ({"golden": ["zz"], "ids": "key"}, many(5), "not one of the 1 golden ids"),
        ({"golden": ["zz"], "ids": "kye"}, many(5), "no column 'kye'; did you mean"),
    ],
)
def test_impossible_data_is_told(settings: dict[str, Any], rows: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        run_step(Random.model_validate(settings), rows)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("e.jsonl", '{"id": "k1", "split": "dev"}\n', "names the split 'dev'"),
        ("e.jsonl", '{"split": "train"}\n', "record 1 has no field 'id'"),
        ("e.jsonl", "{\n", "no list of row ids"),
        ("e.txt", "k1\n", "names no split"),
        ("gone.csv", None, "cannot read"),
    ],
)
def test_bad_files_are_told(tmp_path: Path, name: str, text: str | None, words: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises((DataError, UsageError), match=words):
        run_step(Random(earlier=path, ids="key"), many(5))


def test_no_rows_are_no_mistake() -> None:
    assert run_step(Random(), []).kinds == []


def test_rows_without_text_are_split_too() -> None:
    result = run_step(Random(shares={"a": 0.5, "b": 0.5}), [{"x": k} for k in range(4)])
    assert sorted(result.column("split")) == ["a", "a", "b", "b"]
    assert result.not_applicable == [False] * 4
