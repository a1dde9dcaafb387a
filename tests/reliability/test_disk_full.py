"""A full disk, or one that may not be written: one message, exit code 1, nothing half-published, and it goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tamis.core.errors import DiskFull

from .conftest import Reference
from .workshop import LONG, delivered, leftovers, outcome, run, set_up, small_slices, tamis, whole

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts something for the length of a test; skips where that is not allowed."""
    mounted: list[Path] = []

    def do(*words: str) -> Path:
        place = tmp_path / f"mount-{len(mounted)}"
        place.mkdir()
        command = ["mount", *words, str(place)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no `mount` here")
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield do
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def filled(place: Path, left: int) -> Iterator[None]:
    """A file system with `left` bytes to spare."""
    state = os.statvfs(place)
    filler = place / "filler"
    filler.write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - left)))
    yield
    filler.unlink()


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="there is no `prlimit` here")
@pytest.mark.parametrize(
    ("limit", "place"), [(10, ".tamis/lock"), (5_000, ".tamis/raw/slices/"), (60_000, "dist/.chat.new/")]
)
def test_a_file_that_cannot_grow_is_told_in_one_message(
    limit: int, place: str, tmp_path: Path, reference: Reference
) -> None:
    folder = set_up(tmp_path / "mill")
    said = tamis(folder, limit=limit)
    first, second, end = said.err.split("\n")
    assert (said.code, said.out, end) == (1, "", "")
    assert first.startswith("tamis: disk full at ")
    assert place in first or limit == 10
    assert second == "Hint: make room and run again; what was done is kept"
    assert not list((folder / "dist").glob("[!.]*"))
    with small_slices():
        run(folder)
    assert outcome(folder) == reference.outcome
    assert leftovers(folder) == []


def test_a_disk_that_fills_up_at_any_point(mount: Mount, reference: Reference) -> None:
    disk = mount("-t", "tmpfs", "-o", "size=8m", "tmpfs")
    ends = []
    for left in range(0, 6 << 20, 1 << 13 if LONG else 500_000):
        folder = set_up(disk / "mill")
        with filled(disk, left), small_slices():
            try:
                run(folder)
                ends.append("done")
            except DiskFull as error:
                assert f"disk full at {folder}" in str(error)
                ends.append("full")
            assert whole(folder)
        with small_slices():
            run(folder)
        assert outcome(folder) == reference.outcome
        assert leftovers(folder) == []
        shutil.rmtree(folder)
        if ends[-1] == "done":
            break
    assert ends.count("full") >= 3
    assert ends[-1] == "done", "the last had room enough"


def test_a_delivery_that_does_not_fit_leaves_the_one_before(mount: Mount, earlier: Path) -> None:
    disk = mount("-t", "tmpfs", "-o", "size=8m", "tmpfs")
    folder = disk / "mill"
    shutil.copytree(earlier, folder)
    before = delivered(folder)
    assert len(before) >= 4
    with filled(disk, 300_000), small_slices(), pytest.raises(DiskFull):
        run(folder)
    assert delivered(folder) == before
    assert whole(folder)


def test_a_disk_without_a_free_file_entry(mount: Mount) -> None:
    disk = mount("-t", "tmpfs", "-o", "size=20m,nr_inodes=150", "tmpfs")
    folder = set_up(disk / "mill")
    with small_slices(), pytest.raises(DiskFull, match=r"disk full at .*\.tamis/"):
        run(folder)
    subprocess.run(["mount", "-o", "remount,nr_inodes=2000", str(disk)], check=True)
    with small_slices():
        assert run(folder).outcomes["kept"] > 400


def test_a_folder_that_may_not_be_written(mount: Mount, tmp_path: Path) -> None:
    folder = set_up(tmp_path / "mill", rows=10)
    place = mount("--bind", str(folder))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
    said = tamis(place)
    assert said.code == 1
    assert said.err.startswith(f"tamis: no right to write {place}/.tamis: Read-only file system")
    assert not (folder / ".tamis").exists()


def test_a_delivery_that_may_not_be_written(mount: Mount, tmp_path: Path) -> None:
    folder = set_up(tmp_path / "mill", rows=10)
    (folder / "dist").mkdir()
    place = mount("--bind", str(folder / "dist"))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    (folder / "recipe.yaml").write_text(text.replace("dist/chat", f"{place}/chat"), encoding="utf-8")
    said = tamis(folder)
    assert said.code == 1
    assert said.err.startswith(f"tamis: no right to write {place}/.chat.new: Read-only file system")
