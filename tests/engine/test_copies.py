"""Near copies in whole runs: the same whatever the slices and workers, thresholds moved without comparing again."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import tamis
from tamis.core.errors import UsageError
from tamis.engine import copies, near_texts, neardup, scratch
from tamis.engine.text import to_text

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
            monkeypatch.setattr(copies, "KEY_BYTES", 1000)
            monkeypatch.setattr(copies, "_SLOTS", 100)
            monkeypatch.setattr(near_texts, "BLOCK", 600)
            monkeypatch.setattr(neardup, "_CHUNK", 7)
            monkeypatch.setattr(neardup, "_PART", 16)
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


@pytest.mark.parametrize("size", [10, 1000, 100_000])
def test_what_is_put_away_is_read_again(size: int) -> None:
    """In memory or in a file, at any place, from any thread."""
    some = scratch.Scratch(1500)
    stores = [some.store(size), some.store(size)]
    whole = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)
    pieces = [whole[k : k + 97] for k in range(0, size, 97)]
    with ThreadPoolExecutor(3) as pool:
        for store in stores:
            list(pool.map(lambda k, store=store: store.put(97 * k, pieces[k]), reversed(range(len(pieces)))))
    for store in stores:
        assert (store.get(0, size) == whole).all()
        assert (store.get(size // 3, size // 2) == whole[size // 3 : size // 2]).all()
        more = store.get(size // 2, size, 8)
        assert (more[: size - size // 2] == whole[size // 2 :]).all()
        assert len(more) == size - size // 2 + 8
        assert len(store.get(3, 3)) == 0


@pytest.mark.parametrize("block", [1, 40, 10_000])
@pytest.mark.parametrize("most", [0, 1 << 20])
@pytest.mark.parametrize("gap", [0, 25, 4096])
def test_texts_of_pairs_are_found_again(block: int, most: int, gap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_texts, "BLOCK", block)
    monkeypatch.setattr(near_texts, "_GAP", gap)
    rng = np.random.default_rng(4)
    strings = [["".join(rng.choice(list("abc"), rng.integers(0, 30))) for _ in range(60)] for _ in range(2)]
    sizes = np.array([[len(one) for one in view] for view in strings], np.uint32).T
    root, at = np.sort(rng.integers(0, 15, 60)).astype(np.int32), rng.permutation(60).astype(np.int32)
    needed = np.flatnonzero(rng.random(60) < 0.8)
    texts = near_texts.Texts(needed, root, at, sizes, scratch.Scratch(most))
    for some in np.array_split(needed[np.argsort(at[needed])], 4):
        for view in range(2):
            texts.put(some, view, to_text(pl.Series([strings[view][k] for k in some], dtype=pl.String)))
    for _ in range(50):
        a, b = (rng.choice(needed, 5).astype(np.int32) for _ in range(2))
        if rng.random() < 0.5:
            a, b = np.full(5, a[0]), np.full(5, b[0])
        for view in range(2):
            data, places = texts.batch(view, a, b)
            read = [[bytes(data[p : p + n]).decode() for p, n in ((p, q - p), (r, s - r))] for p, q, r, s in places]
            assert read == [[strings[view][i], strings[view][j]] for i, j in zip(a, b, strict=True)]


def test_rows_that_are_compared_stand_in_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_texts, "BLOCK", 100)
    root = np.repeat(np.arange(40), 3).astype(np.int32)
    sizes = np.full((120, 1), 10, np.uint32)
    sizes[60:63] = 500  # a group larger than a block is parted
    block = near_texts.Texts(np.arange(120), root, np.arange(120, dtype=np.int32), sizes, scratch.Scratch(0)).block
    assert all(len(set(block[root == k])) == (3 if k == 20 else 1) for k in range(40))
    assert max(np.bincount(np.delete(block, range(60, 63)))) <= 13


def test_rows_in_a_chain_are_cut_where_few_pairs_tie_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty groups, each row of which is compared with those of its group, and with one of the next: all is one component."""
    monkeypatch.setattr(near_texts, "BLOCK", 8 * 256)
    group = np.random.default_rng(3).permutation(np.repeat(np.arange(40), 16))
    members = [np.flatnonzero(group == k) for k in range(40)]
    inside = [(i, j) for rows in members for i in rows for j in rows if i < j]
    bridges = [(i, rows[k % 16]) for k, rows in enumerate(members[1:]) for i in members[k][:2]]
    a, b = np.sort(np.array(inside + bridges, np.int32), axis=1).T
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    sizes = np.full((len(group), 1), 8, np.uint32)
    needed, root = near_texts.tied(a, b, sizes)
    assert needed.tolist() == list(range(640))
    assert np.bincount(root).max() * 8 <= near_texts.BLOCK  # two groups or more
    block = near_texts.Texts(needed, root, np.arange(640, dtype=np.int32), sizes, scratch.Scratch(0)).block
    assert (block[a] != block[b]).mean() < 0.1
    few, alone = near_texts.tied(a[:1], b[:1], np.full((640, 1), 1 << 31, np.uint32))
    assert (few.tolist(), alone.tolist()) == ([a[0], b[0]], list(range(640)))  # together too large
