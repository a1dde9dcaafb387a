"""dedup.exact"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.engine.hashing import Keys
from tamis.engine.same import survivors
from tamis.steps.dedup.exact import Exact
from tamis.testing import run_step


def said(*answers: str | None, **more: list[Any]) -> list[dict[str, Any]]:
    return [
        {"prompt": "ask", "response": answer, **{k: v[i] for k, v in more.items()}} for i, answer in enumerate(answers)
    ]


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({}, said("Yes.", "yes"), "duplicate"),
    ({"on": "response"}, said("Yes.", "No.", "YES!"), ["kept", "kept", "duplicate"]),
    ({"on": "response", "normalise": "none"}, said("Yes.", "yes.", "Yes."), ["kept", "kept", "duplicate"]),
    ({"on": "response", "normalise": "case"}, said("Yes", "YES", "yes."), ["kept", "duplicate", "kept"]),
    (
        {"on": "response", "normalise": ["digits"]},
        said("order 1", "order 22", "Order 1"),
        ["kept", "duplicate", "kept"],
    ),
    ({"on": "response", "keep": "last"}, said("a", "A", "b"), ["duplicate", "kept", "kept"]),
    ({"on": "response", "keep": "longest"}, said("yes", "yes!!", "yes"), ["duplicate", "kept", "duplicate"]),
    ({"on": "response", "max_per_key": 2}, said("a", "A", "a."), ["kept", "kept", "duplicate"]),
    ({"on": "response"}, said("", "!", " ", None), ["kept"] * 4),
    ({"on": "response", "hash": "sha256"}, said("a", "A", "b"), ["kept", "duplicate", "kept"]),
    ({"on": "response", "verify": True}, said("a", "A", "b"), ["kept", "duplicate", "kept"]),
    ({"on": ["prompt", "column:lang"]}, said("a", "b", "c", lang=["en", "de", "en"]), ["kept", "kept", "duplicate"]),
    ({"on": "column:lang"}, said("a", "b", "c", lang=["en", "de", "en"]), ["kept", "kept", "duplicate"]),
    (
        {"on": "response", "keep": "column", "by": "score"},
        said("a", "a", "a", "b", score=[1.5, None, 4.0, 0.0]),
        ["duplicate", "duplicate", "kept", "kept"],
    ),
    (
        {"on": "response", "keep": "column", "by": "score", "order": "lowest"},
        said("a", "a", "a", score=[None, 2, 1]),
        ["duplicate", "duplicate", "kept"],
    ),
    (
        {"on": "response", "keep": "column", "by": "day"},
        said("a", "a", day=["2024-02-01", "2024-10-01"]),
        ["duplicate", "kept"],
    ),
]


@pytest.mark.parametrize(("settings", "rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], rows: Any, expected: Any) -> None:
    outcomes = run_step(Exact.model_validate(settings), rows).outcomes
    assert outcomes == (expected if isinstance(expected, list) else ["kept", expected])


def test_copies_are_merged_into_the_row_that_stays_and_counted() -> None:
    result = run_step(Exact(on="response", keep="longest"), said("a", "b", "A!!", "a.", "b"))
    assert result.into == [2, None, None, 2, 1]
    assert [row["copies"] for row in result.evidence] == [3, 2, 3, 3, 2]
    assert result.kinds == ["merged", "kept", "kept", "merged", "merged"]


def test_rows_without_a_copy_have_no_figure() -> None:
    assert [row["copies"] for row in run_step(Exact(on="response"), said("a", "b", "", "")).evidence] == [None] * 4


def test_ties_go_to_the_first_row() -> None:
    result = run_step(Exact(on="response", keep="column", by="score"), said("a", "a", "a", score=[1, 7, 7]))
    assert result.outcomes == ["duplicate", "kept", "duplicate"]
    assert result.into == [1, None, 1]


def test_a_null_view_is_kept_and_not_applicable() -> None:
    result = run_step(Exact(on="response"), [{"prompt": "a"}, {"prompt": "a"}])
    assert result.outcomes == ["kept", "kept"]
    assert result.not_applicable == [True, True]


def test_numbers_and_languages_are_not_one() -> None:
    rows = said("What is 1.5?", "What is 15?", "Sort in C", "Sort in C#", "Sort in C++", "a ≠ b", "a = b")
    assert run_step(Exact(on="response"), rows).kinds == ["kept"] * 7


def test_verify_takes_back_what_only_a_hash_calls_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_key(parts: Any, rules: Any, algorithm: Any) -> Keys:
        n = len(parts[0].offsets) - 1
        return Keys(np.ones(n, np.uint64), np.ones(n, np.uint64), np.ones(n, np.bool_))

    monkeypatch.setattr("tamis.steps.dedup.exact.keys", one_key)
    rows = said("a", "b", "A.", "c")
    assert run_step(Exact(on="response"), rows).outcomes == ["kept"] + ["duplicate"] * 3
    assert run_step(Exact(on="response", verify=True), rows).outcomes == ["kept", "kept", "duplicate", "kept"]
    both = Exact(on=("prompt", "column:lang"), verify=True)
    assert run_step(both, said("a", "b", "c", lang=[None, "", None])).outcomes == ["kept", "kept", "duplicate"]


def test_every_hash_finds_the_same_copies() -> None:
    rng = np.random.default_rng(5)
    rows = said(*[f"text é {n}" for n in rng.integers(0, 40, 120)])
    found = [run_step(Exact(on="response", hash=name), rows).into for name in ("xxh3", "md5", "sha256")]
    assert found[0] == found[1] == found[2]
    assert any(into is not None for into in found[0])


def test_survivors_against_a_dictionary() -> None:
    rng = np.random.default_rng(9)
    key, worth = rng.integers(0, 12, 200), rng.integers(0, 4, 200)
    found = Keys(key.astype(np.uint64), np.zeros(200, np.uint64), key != 3)
    for most in (1, 2, 5):
        into, copies = survivors(found, worth, most)
        for k in range(12):
            rows = [i for i in range(200) if key[i] == k]
            ranked = sorted(rows, key=lambda i: (-worth[i], i))
            kept = rows if k == 3 else ranked[:most]
            assert [i for i in rows if into[i] < 0] == sorted(kept)
            assert all(into[i] == ranked[0] for i in rows if into[i] >= 0)
            assert all(copies[i] == (1 if k == 3 else len(rows)) for i in rows)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"keep": "column"}, "needs `by`"),
        ({"by": "score"}, "has no effect"),
        ({"on": []}, "`on` is empty"),
        ({"on": "answer"}, "unknown view 'answer'"),
        ({"max_per_key": 0}, "greater than or equal to 1"),
        ({"hash": "crc"}, "xxh3"),
        ({"normalise": ["spaces"]}, "whitespace"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Exact.model_validate(settings)


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(UsageError, match="no column 'scor'; did you mean"):
        run_step(Exact(keep="column", by="scor"), said("a", score=[1]))


def test_what_it_reads() -> None:
    assert Exact(on=("prompt", "column:lang"), keep="column", by="score").reads() == ("messages", "lang", "score")


def test_system_prompts_alone_are_no_copies() -> None:
    rows = [{"system": "Be kind.", "prompt": p, "response": "ok"} for p in ("a", "b", "a")]
    assert run_step(Exact(), rows).outcomes == ["kept", "kept", "duplicate"]


def test_a_hundred_thousand_characters_and_none() -> None:
    rows = pl.DataFrame(
        {"text": ["x" * 100_000, "X" * 100_000 + "!", "x" * 99_999, None, ""]}, schema={"text": pl.String}
    )
    assert run_step(Exact(on="text"), rows).outcomes == ["kept", "duplicate", "kept", "kept", "kept"]
