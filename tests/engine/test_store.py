"""Files that several machines may write at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tamis.engine import cache as caching
from tamis.engine import store
from tamis.engine.cache import Cache


def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_only_what_nobody_will_finish_is_swept(tmp_path: Path) -> None:
    here, target = store._HOST, tmp_path / "entry.json"
    swept = [f".entry.json.{here}.{dead()}.1.tmp", ".entry.json.far-away.7.1.tmp", ".entry.json.1234.5.tmp"]
    swept.append(f".entry.json.{here}.{os.getpid()}.0a1b2c3d-1.tmp")  # killed; its number came to this process
    kept = [
        f".entry.json.{here}.{os.getppid()}.1.tmp",  # at work on this machine
        f".entry.json.{here}.{os.getpid()}.{store._BORN}-1.tmp",  # on another thread of this process
        ".entry.json.far-away.8.1.tmp",  # perhaps at work on another
        f".outcome.parquet.{here}.{dead()}.1.tmp",  # of another file
    ]
    for name in [*swept, *kept]:
        (tmp_path / name).touch()
    old = time.time() - 7200
    for name in swept[1:]:
        os.utime(tmp_path / name, (old, old))
    store.write_json(target, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "entry.json"])


def test_an_entry_written_again_is_never_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    frames = {"a": pl.DataFrame({"x": [1, 2]}), "b": pl.DataFrame({"y": ["z"]})}
    cache.put("f1", frames, {"n": 1})
    seen = []
    look = lambda name: seen.append(cache.get("f1"))  # noqa: E731
    monkeypatch.setattr(store, "failpoint", look)
    monkeypatch.setattr(caching, "failpoint", look)
    cache.put("f1", frames, {"n": 1})
    assert len(seen) == 4
    assert all(entry is not None for entry in seen)
