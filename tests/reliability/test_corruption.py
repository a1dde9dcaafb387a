"""Bytes that rot on disk: noticed at the next run, computed again or named, and never served."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.core.errors import TamisError
from tamis.engine import store

from .workshop import LONG, Outcome, outcome, run, set_up, small_slices


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workspace that ran once. To be copied, not used."""
    folder = set_up(tmp_path_factory.mktemp("small") / "mill", rows=60)
    with small_slices(8_000):
        run(folder)
    return folder


@pytest.fixture(scope="module")
def expected(small: Path) -> Outcome:
    return outcome(small)


def files(folder: Path) -> list[Path]:
    """Every file a run left under `.tamis`."""
    return sorted(path for path in (folder / ".tamis").rglob("*") if path.is_file() and path.name != "lock")


def kind(path: Path) -> str:
    """What a file is: its name, and for entries what they are of."""
    beside = "+".join(sorted(other.stem for other in path.parent.glob("*.parquet")))
    return f"{path.name} of {beside}" if path.name == "entry.json" else path.name


def again(small: Path, folder: Path, harm: Callable[[Path], None], name: str | None = None) -> Path:
    """A copy of the workspace, harmed, as a new process finds it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(small, folder)
    harm(folder if name is None else folder / name)
    store._verified.clear()
    return folder


def flip(path: Path, at: float) -> None:
    """Change one bit of a file, and not its times."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[min(len(data) - 1, int(at * len(data)))] ^= 1 << random.Random(f"{path.name}{at}").randrange(7)
    path.write_bytes(bytes(data))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def check(folder: Path, expected: Outcome, what: str) -> None:
    """The next run does as if nothing had happened, or stops with a message that names the file."""
    try:
        with small_slices(8_000):
            run(folder)
    except TamisError as error:
        assert ".tamis/raw/pinned" in str(error), f"{what}: {error}"
        return
    now = outcome(folder)
    assert now.delivered == expected.delivered, what
    assert now == expected, what


def test_a_flipped_bit_anywhere_is_never_served(small: Path, expected: Outcome, tmp_path: Path) -> None:
    rng = random.Random(3)
    by_kind: dict[str, list[Path]] = {}
    for path in files(small):
        by_kind.setdefault(kind(path), []).append(path)
    assert {"base.parquet", "outcome.parquet", "changes.parquet", "decision.parquet", "part.parquet"} <= set(by_kind)
    chosen = [
        (path, at)
        for paths in by_kind.values()
        for path in (paths if LONG else rng.sample(paths, 1))
        for at in ((0.1, 0.5, 0.9) if LONG else (rng.random(),))
    ]
    for path, at in chosen:
        name = str(path.relative_to(small))
        folder = again(small, tmp_path / "mill", lambda victim, at=at: flip(victim, at), name)  # type: ignore[misc]
        check(folder, expected, f"{name} ({kind(path)}) at {at}")


@pytest.mark.parametrize("name", ["entry.json", "files.list", "chats.json"])
def test_every_byte_of_what_is_no_parquet_file_counts(
    name: str, small: Path, expected: Outcome, tmp_path: Path
) -> None:
    """JSON is small and says much; a changed digit in it would still be JSON."""
    paths = [path for path in files(small) if path.name == name]
    rng = random.Random(name)
    for _ in range(60 if LONG else 3):
        path = str(rng.choice(paths).relative_to(small))
        at = rng.random()
        folder = again(small, tmp_path / "mill", lambda victim, at=at: flip(victim, at), path)  # type: ignore[misc]
        check(folder, expected, f"{path} at {at}")


@pytest.mark.parametrize(
    "name", ["base.parquet", "outcome.parquet", "changes.parquet", "decision.parquet", "entry.json"]
)
@pytest.mark.parametrize("harm", ["emptied", "cut", "deleted"])
def test_files_that_are_cut_or_gone_are_made_again(
    name: str, harm: str, small: Path, expected: Outcome, tmp_path: Path
) -> None:
    if not LONG and (harm == "emptied") != (name == "entry.json"):
        pytest.skip("TAMIS_LONG=1 tries every pair")

    def hurt(folder: Path) -> None:
        for path in files(folder):
            if path.name == name:
                data = path.read_bytes()
                path.unlink()
                if harm != "deleted":
                    path.write_bytes(data[: len(data) // 2] if harm == "cut" else b"")

    check(again(small, tmp_path / "mill", hurt), expected, f"{name} {harm}")


@pytest.mark.parametrize("gone", [".tamis/cache", ".tamis/raw/slices", "runs", ".tamis"])
def test_folders_may_be_deleted(gone: str, small: Path, expected: Outcome, tmp_path: Path) -> None:
    folder = again(small, tmp_path / "mill", shutil.rmtree, gone)
    check(folder, expected, gone)


def test_a_delivered_file_that_rotted_is_delivered_again(small: Path, expected: Outcome, tmp_path: Path) -> None:
    folder = again(small, tmp_path / "mill", lambda path: flip(path, 0.5), "dist/chat/train.jsonl")
    assert outcome(folder).delivered != expected.delivered
    check(folder, expected, "train.jsonl")
