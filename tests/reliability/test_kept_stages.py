"""Stages are found as one entry for each partition: what comes of it is what a run from scratch says, whatever rots."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from tamis.core.row import id_text
from tamis.engine import store
from tamis.recipe.load import load
from tamis.runner.execute import Options, execute
from tamis.runner.foresee import foresee
from tamis.runs import decisions as decided
from tamis.runs.decisions import Decision
from tamis.runs.ledger import Ledger

from .workshop import LONG, Outcome, outcome, records, run, set_up, small_slices, write_lines

STEPS = ".tamis/cache/steps"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that ran. To be copied, not used."""
    folder = set_up(tmp_path_factory.mktemp("known") / "mill", rows=150)
    with small_slices(16_000):
        run(folder)
    return folder


@pytest.fixture(scope="module")
def expected(known: Path) -> Outcome:
    return outcome(known)


@pytest.fixture
def folder(known: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(known, tmp_path / "mill"))


def again(folder: Path, **options: object) -> set[str]:
    """Run it as a new process would; the row steps that judged something."""
    store._verified.clear()
    with small_slices(16_000):
        manifest = run(folder, **options).manifest  # type: ignore[arg-type]
    asked = {step["name"]: step["in"] - manifest["reused_rows"][step["name"]] for step in manifest["steps"]}
    return {name for name, rows in asked.items() if rows and name not in ("dedup.exact", "split.stratified")}


def from_scratch(folder: Path) -> Outcome:
    """What a run says that finds nothing."""
    bare = folder.with_name("bare")
    shutil.rmtree(bare, ignore_errors=True)
    shutil.copytree(folder, bare, ignore=shutil.ignore_patterns(".tamis", "dist", "runs"))
    again(bare)
    return outcome(bare)


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "recipe.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


def stages(folder: Path) -> dict[Path, dict[str, object]]:
    """The entries of stages, and what they say."""
    found = {}
    for path in sorted((folder / STEPS).glob("*/*/entry.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))["facts"]
        if "applied" in facts:
            found[path] = facts
    return found


def named(folder: Path) -> dict[str, list[Path]]:
    """Every file that a stage's entry rests on, by its kind."""
    found: dict[str, list[Path]] = {"stage": list(stages(folder))}
    for facts in stages(folder).values():
        parts = [("part", fp, "part.parquet") for fp in facts["parts"] if fp is not None]  # type: ignore[attr-defined]
        gathered = [("gathered", fp, "gathered.parquet") for fp, _ in facts["gathered"]]  # type: ignore[attr-defined]
        layers = [("layer", *one["stored"][:2]) for one in facts["layers"]]  # type: ignore[attr-defined]
        for what, fp, name in [*parts, *gathered, *layers]:
            entry = folder / STEPS / fp[:2] / fp
            found.setdefault(what, []).append(entry / name)
            found.setdefault(f"entry of a {what}", []).append(entry / "entry.json")
    return found


def test_a_stage_is_served_without_looking_at_its_steps(folder: Path, expected: Outcome) -> None:
    gone = list((folder / STEPS).rglob("outcome.parquet"))
    assert gone
    for path in gone:
        path.unlink()
    assert again(folder) == set()
    assert outcome(folder) == expected


def test_workers_in_processes_of_their_own_find_the_same(
    folder: Path, expected: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMIS_SLICE_BYTES", "16000")
    before = set(stages(folder))
    for path in (folder / STEPS).rglob("outcome.parquet"):
        path.unlink()
    assert again(folder, kind="processes") == set()
    assert outcome(folder) == expected
    assert set(stages(folder)) == before


@pytest.mark.parametrize(
    "what", ["stage", "part", "entry of a part", "gathered", "entry of a gathered", "layer", "entry of a layer"]
)
def test_a_flipped_bit_in_what_a_stage_rests_on_is_never_served(what: str, folder: Path, expected: Outcome) -> None:
    rng = random.Random(what)
    paths = sorted(named(folder)[what])
    for path in paths if LONG else rng.sample(paths, 2):
        times, data = path.stat(), bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(7)
        path.write_bytes(bytes(data))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        again(folder)
        assert outcome(folder) == expected, path


@pytest.mark.parametrize("what", ["part", "gathered", "layer"])
def test_what_a_stage_rests_on_may_be_gone(what: str, folder: Path, expected: Outcome) -> None:
    for path in named(folder)[what]:
        if path.exists():
            shutil.rmtree(path.parent)
    again(folder)
    assert outcome(folder) == expected


def test_a_step_changed_in_the_middle_and_back(folder: Path, expected: Outcome) -> None:
    edit(folder, "filter.length, min: 2", "filter.length, min: 4")
    assert again(folder) == {"filter.length"}
    assert outcome(folder) == from_scratch(folder) != expected
    edit(folder, "filter.length, min: 4", "filter.length, min: 2")
    assert again(folder) == set()
    assert outcome(folder) == expected


def test_a_condition_is_part_of_what_a_stage_is(folder: Path, expected: Outcome) -> None:
    edit(folder, "{use: filter.empty, in: prompt}", "{use: filter.empty, in: prompt, where: \"topic = 'orders'\"}")
    again(folder)
    assert outcome(folder) == from_scratch(folder)
    edit(folder, "{use: filter.roles}", "{use: filter.length, max: 12, where: \"topic = 'orders'\", id: filter.roles}")
    again(folder)
    assert outcome(folder) == from_scratch(folder)
    edit(folder, "max: 12, where: \"topic = 'orders'\"", "max: 12, where: \"topic = 'billing'\"")
    again(folder)
    assert outcome(folder) == from_scratch(folder)


def test_a_row_taken_back_and_dropped_again(folder: Path, expected: Outcome) -> None:
    rows = [name for name, life in expected.lives.items() if any(step == "not-spam" for step, *_ in life[3])]
    desk = folder / "decisions/mill.jsonl"
    decided.append(desk, [Decision("rescue", "not-spam", row=rows[0]), Decision("rescue", "not-spam", row=rows[1])])
    assert again(folder) <= {"filter.roles", "short-enough"}, "only what comes after it sees rows it had not seen"
    taken = outcome(folder)
    assert taken == from_scratch(folder)
    assert taken.accounts != expected.accounts
    decided.append(desk, [Decision("rescue", "not-spam", row=rows[1], content="0" * 32)])
    again(folder)
    stale = outcome(folder)
    assert stale == from_scratch(folder)
    assert next(one for one in stale.accounts if one["name"] == "not-spam")["stale"] == 1
    again(folder)
    assert outcome(folder) == stale, "what is stale is told each time"


def test_a_partition_that_changed_and_one_between_the_others(folder: Path) -> None:
    with open(folder / "chats-1.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "one more", "completion": "an answer to it", "topic": "orders"}) + "\n")
    write_lines(folder / "chats-1b.jsonl", [{**row, "prompt": f"new {row['prompt']}"} for row in records(9, seed=8)])
    before = set(stages(folder))
    again(folder)
    assert outcome(folder) == from_scratch(folder)
    fresh = set(stages(folder)) - before
    assert 0 < len(fresh) < len(before), "partitions that are as they were have no other entries"


def test_what_was_gathered_of_fewer_rows_is_not_taken_for_all(folder: Path) -> None:
    for path in named(folder)["gathered"]:
        if path.exists():
            shutil.rmtree(path.parent)
    edit(folder, "drop: \"topic = 'spam'\"", "drop: \"topic in ('spam', 'orders', 'billing')\"")
    again(folder)  # gathers again, of a third of the rows, under the same names
    edit(folder, "drop: \"topic in ('spam', 'orders', 'billing')\"", "drop: \"topic = 'spam'\"")
    edit(folder, "dedup.exact, on: prompt", "dedup.exact, on: prompt, max_per_key: 2")  # decides anew from the same
    again(folder)
    assert outcome(folder) == from_scratch(folder)


def test_layers_that_grew_since_are_told_from_those_that_a_stage_had(folder: Path) -> None:
    edit(
        folder,
        "  - {use: clean.unicode}\n",
        "  - {use: filter.where, id: early, drop: \"topic = 'spam'\"}\n  - {use: clean.unicode}\n",
    )
    again(folder)
    strict = outcome(folder)
    edit(folder, "id: early, drop: \"topic = 'spam'\"", "id: early, drop: \"topic = 'none'\"")
    again(folder)
    assert outcome(folder) == from_scratch(folder)
    edit(folder, "id: early, drop: \"topic = 'none'\"", "id: early, drop: \"topic = 'spam'\"")
    assert again(folder) == set()
    assert outcome(folder) == strict


def test_the_plan_knows_nothing_of_stages(folder: Path) -> None:
    def to_judge() -> dict[str, int]:
        store._verified.clear()
        with small_slices(16_000):
            told = foresee(load(folder / "recipe.yaml"), folder)["steps"]
        return {step["step"]: step["to_judge"] for step in told if step["to_judge"]}

    before = set(stages(folder))
    assert to_judge() == {}
    edit(folder, "filter.length, min: 2", "filter.length, min: 4")
    assert "filter.length" in to_judge()
    assert "clean.whitespace" not in to_judge()
    assert set(stages(folder)) == before


def test_a_fresh_run_and_a_deleted_cache_find_nothing(folder: Path, expected: Outcome) -> None:
    with small_slices(16_000):
        manifest = execute(load(folder / "recipe.yaml"), folder, Options(workers=2, fresh=True)).manifest
    assert manifest["reused_rows"]["clean.unicode"] == 0
    assert outcome(folder) == expected
    shutil.rmtree(folder / STEPS)
    assert "clean.unicode" in again(folder)
    assert outcome(folder) == expected


def test_why_a_row_left_is_told_alike(folder: Path, known: Path) -> None:
    again(folder)
    first, second = Ledger(known / "runs/mill/1"), Ledger(folder / "runs/mill/2")
    assert [one["name"] for one in first.steps] == [one["name"] for one in second.steps]
    for a, b in zip(first.steps, second.steps, strict=True):
        assert list(a["reasons"].items()) == list(b["reasons"].items()), "in the same order, too"
        for index in range(len(first.partitions())):
            one, other = first.part(a, index), second.part(b, index)
            assert (one is None) == (other is None)
            assert one is None or other is None or one.equals(other)
    high, low = (first.rows(0)[name][0] for name in ("id.high", "id.low"))
    assert id_text(high, low) == id_text(*(second.rows(0)[name][0] for name in ("id.high", "id.low")))
