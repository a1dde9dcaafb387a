"""kill -9 at any moment of a run: what was delivered stays whole, and resuming gives the bytes of a run left alone."""

from __future__ import annotations

import random
import re
import shutil
import time
from pathlib import Path

import pytest

import tamis
from tamis.engine import store

from .conftest import Reference
from .workshop import LONG, Process, delivered, leftovers, outcome, run, set_up, small_slices, whole

MOMENTS = 50 if LONG else 4
WRITES = 40 if LONG else 2
POINTS = sorted(
    {
        point
        for path in Path(tamis.__file__).parent.rglob("*.py")
        for point in re.findall(r'\bfailpoint\("([a-z._]+)"\)', path.read_text(encoding="utf-8"))
    }
)
#: passed only where two folders cannot be exchanged in one step; passed at every file
NOT_HERE = {"deliver.moved_away", "store.write"}
SOME = ("cache.put", "run.judged", "deliver.staged", "deliver.swapped", "run.delivered")


def resume(folder: Path, reference: Reference) -> None:
    """Run again, and compare everything with a run that was left alone."""
    assert whole(folder)
    with small_slices():
        run(folder)
    assert outcome(folder) == reference.outcome
    assert leftovers(folder) == []


def killed(folder: Path, **env: str) -> None:
    """A run that does not survive."""
    said = Process(folder, "--workers", "2", **env).end()
    assert (said.code, said.err) == (-9, "")


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_at_a_random_moment(moment: int, tmp_path: Path, reference: Reference) -> None:
    folder = set_up(tmp_path / "mill")
    process = Process(folder, "--workers", "2")
    process.wait_for(".tamis/lock")
    time.sleep(random.Random(moment).uniform(0, 2.5))
    process.kill()
    process.end()
    resume(folder, reference)


def test_a_run_writes_files_one_by_one_and_each_may_be_the_last(tmp_path: Path, reference: Reference) -> None:
    counted = []
    with pytest.MonkeyPatch.context() as patch, small_slices():
        patch.setattr(store, "failpoint", counted.append)
        run(set_up(tmp_path / "counted"))
    assert len(counted) > 100
    for number in random.Random(5).sample(range(1, len(counted)), WRITES):
        folder = set_up(tmp_path / f"write-{number}")
        killed(folder, TAMIS_FAILPOINT=f"store.write:{number}")
        resume(folder, reference)
        shutil.rmtree(folder)


def test_the_points_are_found() -> None:
    assert {*SOME, *NOT_HERE} < set(POINTS)


def part(files: dict[str, str], target: str) -> dict[str, str]:
    return {name: sha for name, sha in files.items() if name.startswith(f"dist/{target}/")}


@pytest.mark.parametrize("point", [p for p in POINTS if p not in NOT_HERE] if LONG else SOME)
def test_killed_at_a_point_the_delivery_is_the_one_before_or_the_new_one(
    point: str, tmp_path: Path, reference: Reference, earlier: Path
) -> None:
    folder = tmp_path / "mill"
    shutil.copytree(earlier, folder)
    before, after = delivered(folder), reference.outcome.delivered
    assert set(before) == set(after)
    assert not set(before.values()) & set(after.values())
    killed(folder, TAMIS_FAILPOINT=point)
    now = delivered(folder)
    for target in ("chat", "table"):
        assert part(now, target) in (part(before, target), part(after, target))
    resume(folder, reference)


def test_killed_twice_and_again_while_it_resumes(tmp_path: Path, reference: Reference) -> None:
    folder = set_up(tmp_path / "mill")
    for point in ("cache.put:20", "run.judged", "deliver.staged:2"):
        killed(folder, TAMIS_FAILPOINT=point)
    resume(folder, reference)
