"""Near copies in whole runs: the same whatever the slices and workers, thresholds moved without comparing again."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tamis
from tamis.core.errors import UsageError
from tamis.engine import copies, neardup, scratch

WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "pe") for b in ("ra", "sti", "tum", "vex", "zol", "bin", "dor")]


def rows(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Made-up rows, a third of them edited copies of others."""
    rng = random.Random(seed)
    found: list[dict[str, Any]] = []
    for number in range(count):
        if found and rng.random() < 0.35:
            words = rng.choice(found)["completion"].split(" ")
            for k in rng.sample(range(len(words)), rng.randrange(0, 12)):
                words[k] = rng.choice(WORDS)
        else:
            words = [rng.choice(WORDS) + rng.choice(WORDS) for _ in range(rng.randrange(20, 60))]
        text = " ".join(words)
        found.append({"prompt": f"question {number % 7}", "completion": text.upper() if rng.random() < 0.2 else text})
    return found


def recipe(**fields: Any) -> tamis.Recipe:
    steps = [tamis.step("map.auto"), tamis.step("dedup.minhash", **{"on": "response", **fields})]
    return tamis.Recipe(name="near", steps=steps)


def told(result: tamis.Result) -> pl.DataFrame:
    """All that left, and what is left."""
    left = result.dropped("dedup.minhash", limit=None).drop("file")
    return pl.concat([left, result.to_polars()], how="diagonal_relaxed")


@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.95, 0.4])
def test_a_threshold_that_is_moved_gives_what_a_run_from_scratch_gives(threshold: float, tmp_path: Path) -> None:
    data = rows(400)
    first = tamis.run(recipe(threshold=0.8), data, workspace=tmp_path / "moved")
    moved = first.rethreshold(threshold)
    scratch = tamis.run(recipe(threshold=threshold), data, workspace=tmp_path / "scratch")
    assert told(moved).equals(told(scratch), null_equal=True)
    assert moved.outcomes["merged"] != first.outcomes["merged"]


def test_thresholds_of_views_are_moved_too(tmp_path: Path) -> None:
    data = rows(200)
    first = tamis.run(recipe(on={"prompt": 0.9, "response": 0.8}), data, workspace=tmp_path / "moved")
    for moved in (first.rethreshold({"prompt": 0.65, "response": 0.65}), first.rethreshold(0.65)):
        scratch = tamis.run(
            recipe(on={"prompt": 0.65, "response": 0.65}), data, workspace=tmp_path / f"scratch-{moved.folder.name}"
        )
        assert told(moved).equals(told(scratch), null_equal=True)
        assert moved.outcomes["merged"] > first.outcomes["merged"] > 0


def test_nothing_is_compared_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tamis.run(recipe(threshold=0.8), rows(200), workspace=tmp_path)

    def never(*given: Any) -> Any:
        raise AssertionError("sketched or compared again")

    monkeypatch.setattr(copies, "find", never)
    monkeypatch.setattr(copies, "gather", never)
    monkeypatch.setattr(neardup, "sketch", never)
    assert first.rethreshold(0.61).outcomes["merged"] > first.outcomes["merged"]
    with pytest.raises(AssertionError, match="compared again"):
        first.rethreshold(0.5)


def test_what_cannot_be_moved_is_told(tmp_path: Path) -> None:
    first = tamis.run(recipe(), rows(20), workspace=tmp_path)
    with pytest.raises(UsageError, match=r"no step 'dedup\.minhas' in this recipe; did you mean"):
        first.rethreshold(0.7, "dedup.minhas")
    with pytest.raises(UsageError, match=r"'map\.auto' has no threshold"):
        first.rethreshold(0.7, "map.auto")
    with pytest.raises(UsageError, match="opened"):
        tamis.Result.open(tmp_path).rethreshold(0.7)


@pytest.mark.parametrize("keep", ["first", "longest"])
def test_slices_workers_and_files_for_texts_change_nothing(
    keep: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(500)))
    steps = [tamis.step("map.auto"), tamis.step("dedup.minhash", on="response", keep=keep)]
    whole = tamis.Recipe(name="near", sources=[tamis.source("files", path=str(tmp_path / "a.jsonl"))], steps=steps)
    reference = told(tamis.run(whole, workspace=tmp_path / "reference"))
    assert reference.height == 500
    for size, workers, small in ((5_000, 1, True), (20_000, 3, False)):
        monkeypatch.setattr("tamis.sources._text.SLICE", size)
        if small:
            monkeypatch.setattr(copies, "TEXT_BYTES", 1000)
            monkeypatch.setattr(copies, "SKETCH_BYTES", 1000)
            monkeypatch.setattr(neardup, "_CHUNK", 7)
        assert told(tamis.run(whole, workspace=tmp_path / f"{size}", workers=workers)).equals(
            reference, null_equal=True
        )
        monkeypatch.undo()


def test_against_a_delivery_of_this_recipe(tmp_path: Path) -> None:
    data = rows(300)
    first = tamis.Recipe(name="first", steps=recipe().steps, deliver=[tamis.sink("jsonl", path="dist/first")])
    delivered = tamis.run(first, data[:150], workspace=tmp_path)
    (tmp_path / "second.yaml").write_text(
        "tamis: 1\nname: second\nsources: []\nsteps:\n- use: map.auto\n- use: dedup.minhash\n  on: response\n"
        "  against: dist/first\n"
    )
    second = tamis.run(tmp_path / "second.yaml", data[150:], workspace=tmp_path)
    left = second.dropped("dedup.minhash", limit=None)
    near = left.filter(pl.col("reason") == "near_earlier")
    assert near.height > 10
    assert near["into"].null_count() == near.height
    places = near["evidence"].struct.field("earlier")
    assert places.str.contains(r"^[a-z_]*\.jsonl:\d+").all()
    kept = delivered.outcomes["kept"]
    both = tamis.run(tamis.Recipe(name="both", steps=recipe().steps), data, workspace=tmp_path / "both")
    assert both.outcomes["kept"] == kept + second.outcomes["kept"]
    again = tamis.run(tmp_path / "second.yaml", data[150:], workspace=tmp_path)
    assert set(again.steps.filter(pl.col("step") == "dedup.minhash")["reused"]) == {150}
    for path in (tmp_path / "dist/first").glob("*.jsonl"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:10]))
    fewer = tamis.run(tmp_path / "second.yaml", data[150:], workspace=tmp_path)
    assert fewer.outcomes["dropped"] < second.outcomes["dropped"]


def test_scratch_arrays_beyond_memory_are_files_that_keep_what_is_written() -> None:
    some = scratch.Scratch(100)
    small, large = some.bytes(60), some.bytes(10_000)
    large[:] = 7
    for _ in range(40):
        some.rest()
    assert int(large.sum()) == 70_000
    assert len(small) == 60
    assert len(some.bytes(0)) == 0
