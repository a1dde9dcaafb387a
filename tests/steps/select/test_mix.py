"""select.mix"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.core.events import Event, Warned
from tamis.recipe.model import Recipe
from tamis.runner.execute import Options, execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.filter.where import Where
from tamis.steps.map.template import Template
from tamis.steps.select.mix import Mix
from tamis.steps.split.random import Random
from tamis.testing import rows_frame, run_step


def rows(**counts: int) -> list[dict[str, Any]]:
    return [{"prompt": "?", "response": "word " * (1 + n % 4), "kind": kind} for kind, many in counts.items() for n in range(many)]  # fmt: skip


CASES: list[Any] = [
    ({"by": "kind", "weights": {"a": 1}, "rows": 1}, rows(a=2, b=1), "not_drawn"),
    ({"by": "kind", "weights": {"a": 1}}, rows(b=1, a=1), "not_in_mix"),
    ({"by": "kind", "weights": {"a": 1}, "rejected": ["0" * 32]}, rows(a=1), "rejected"),
    ({"weights": {"rows": 1}, "rows": 1}, rows(a=1), "kept"),
]


def mixed(step: Mix, some: list[dict[str, Any]]) -> Counter[str]:
    found = run_step(step, some)
    return Counter(row["source.kind"] for row in [*found.kept, *found.born])


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 90), st.sampled_from([1.0, 1.5, 2.0, 3.3]), st.sampled_from([(1, 1), (3, 1), (0.3, 0.7)]))  # fmt: skip
def test_the_mix_is_exact_and_every_row_accounted_for(
    a: int, b: int, many: int, epochs: float, weights: tuple[float, float]
) -> None:
    assume(a + b)
    step = Mix(by="kind", weights={"a": weights[0], "b": weights[1]}, rows=many, max_epochs=epochs)
    some = rows(a=a, b=b)
    found = run_step(step, some)
    told = Counter(row["source.kind"] for row in [*found.kept, *found.born])
    share = weights[0] / sum(weights)
    for kind, have, part in (("a", a, share), ("b", b, 1 - share)):
        assert told[kind] <= epochs * have
        if part * many + 1 <= epochs * have:
            assert abs(told[kind] - part * many) < 1
    times = Counter(row["parent"] for row in found.born)
    for kind in "ab":  # no row is used twice more than another of its group
        used = [times[n] + (found.kinds[n] == "kept") for n, row in enumerate(some) if row["kind"] == kind]
        assert not used or max(used) - min(used) <= 1


def test_as_much_as_can_be_had() -> None:
    assert mixed(Mix(by="kind", weights={"a": 3, "b": 1}), rows(a=40, b=10)) == {"a": 30, "b": 10}
    assert mixed(Mix(by="kind", weights={"a": 3, "b": 1}, max_epochs=2), rows(a=40, b=10)) == {"a": 60, "b": 20}


def test_which_rows_does_not_depend_on_the_others() -> None:
    ids = (
        rows_frame(rows(a=50, b=50))
        .with_row_index("n")
        .with_columns(
            (pl.col("n") * 7919).cast(pl.UInt64).alias("id.high"), pl.col("n").cast(pl.UInt64).alias("id.low")
        )
    )
    few = Mix(by="kind", weights={"a": 1, "b": 1}, rows=20)
    chosen = {row["id.low"] for row in run_step(few, ids).kept}
    assert chosen == {row["id.low"] for row in run_step(few, ids.reverse()).kept}
    many = {row["id.low"] for row in run_step(few.model_copy(update={"rows": 40}), ids).kept}
    assert chosen < many
    assert chosen != {row["id.low"] for row in run_step(few, ids, seed=7).kept}


def test_a_budget_of_text_is_never_exceeded() -> None:
    step = Mix(by="kind", weights={"a": 1, "b": 1}, budget=50, unit="words", view="response", max_epochs=3)
    found = run_step(step, rows(a=20, b=4))
    words = Counter[str]()
    for row in [*found.kept, *found.born]:
        words[row["source.kind"]] += len(row["messages"][-1]["content"].split())
    assert 21 < words["a"] <= 25
    assert 21 < words["b"] <= 25
    assert found.born  # b has 10 words, and gives 25


def heard(step: Mix, folder: Path, some: list[dict[str, Any]]) -> list[str]:
    told: list[Event] = []
    execute(recipe(folder, step, some), folder, emit=told.append)
    return [one.message for one in told if isinstance(one, Warned)]


def recipe(folder: Path, step: Any, some: list[dict[str, Any]], *more: Any) -> Recipe:
    keyed = [{"key": str(n), "kind": row["kind"], "answer": row["response"]} for n, row in enumerate(some)]
    return Recipe(
        name="mixed",
        sources=[Frames(data=keyed, name="log", id=("key",))],
        steps=[Template(user="?", assistant="{answer}"), step, *more],
        deliver=[Jsonl(path="dist/out")],
    )


def test_a_source_that_is_too_small_is_told_filled_or_refused(tmp_path: Path) -> None:
    step = Mix(by="kind", weights={"a": 1, "b": 1}, rows=20, max_epochs=2)
    (told, split) = heard(step, tmp_path / "warn", rows(a=30, b=3))
    assert told == "select.mix: with 2 epochs at most, rows lack: b (4 short, has 3)"
    assert "put `split.*` before" in split
    assert mixed(step, rows(a=30, b=3)) == {"a": 10, "b": 6}
    assert mixed(step.model_copy(update={"short": "fill"}), rows(a=30, b=3)) == {"a": 14, "b": 6}
    with pytest.raises(UsageError, match=r"b \(4 short, has 3\)"):
        run_step(step.model_copy(update={"short": "error"}), rows(a=30, b=3))


def test_a_group_that_is_not_there_is_a_slip(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'general'"):
        run_step(Mix(by="kind", weights={"genral": 1}), rows(general=3))


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"weights": {"a": -1}}, "from 0 on"),
        ({"weights": {"a": 0}}, "no group any part"),
        ({"weights": {"a": 1}, "rows": 1, "budget": 1}, "choose one"),
    ],
)
def test_what_cannot_be_a_mix_is_refused(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Mix(**fields)


def delivered(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted((folder / "dist/out").glob("*.jsonl")) for line in path.read_text().splitlines()]  # fmt: skip


def test_copies_go_through_a_whole_run_with_ids_of_their_own(tmp_path: Path) -> None:
    step = Mix(by="kind", weights={"a": 1, "b": 1}, rows=20, max_epochs=3)
    one = recipe(tmp_path, step, rows(a=30, b=4), Where(keep="kind = 'b' or key <> '0'"))
    result = execute(one, tmp_path)
    found = delivered(tmp_path)
    assert Counter(row["kind"] for row in found)["b"] == 10
    account = {step["name"]: step for step in result.manifest["steps"]}["select.mix"]
    assert (account["in"], account["born"], account["dropped"], account["kept"]) == (34, 6, 20, 20)
    assert result.outcomes["born"] == 6
    again = execute(one, tmp_path)  # from the cache
    assert delivered(tmp_path) == found
    assert again.outcomes == result.outcomes
    other = execute(one, tmp_path / "other", options=Options(workers=2))
    assert delivered(tmp_path / "other") == found
    assert other.outcomes == result.outcomes


def test_copies_of_a_row_stand_in_its_split(tmp_path: Path) -> None:
    step = Mix(by="kind", weights={"a": 1, "b": 1}, rows=40, max_epochs=5)
    one = recipe(tmp_path, Random(shares={"train": 0.5, "validation": 0.5}), rows(a=30, b=6), step)
    execute(one, tmp_path)
    where: dict[str, set[str]] = {}
    for path in sorted((tmp_path / "dist/out").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            where.setdefault(json.loads(line)["key"], set()).add(path.name)
    assert {len(names) for names in where.values()} == {1}
    assert {name for names in where.values() for name in names} == {"train.jsonl", "validation.jsonl"}


def test_by_default_the_groups_are_the_sources(tmp_path: Path) -> None:
    sources = [
        Frames(data=[{"key": f"{name}{n}", "q": f"{name} {n}"} for n in range(many)], name=name, id=("key",))
        for name, many in (("log", 30), ("faq", 5))
    ]
    one = Recipe(
        name="two",
        sources=sources,
        steps=[Template(user="{q}", assistant="yes"), Mix(weights={"log": 2, "faq": 1}, rows=24, max_epochs=2)],
        deliver=[Jsonl(path="dist/out")],
    )
    execute(one, tmp_path)
    assert Counter(row["key"][:3] for row in delivered(tmp_path)) == {"log": 16, "faq": 8}
