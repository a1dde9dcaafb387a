"""Vectors kept for ever: found by key, safe against kills at any byte, told when the disk changed them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import CorruptFile, DataError
from tamis.engine.vectors import VectorStore


def key(n: int) -> bytes:
    return hashlib.blake2b(b"%d" % n, digest_size=16).digest()


def keys(*numbers: int) -> bytes:
    return b"".join(map(key, numbers))


def vectors(*numbers: int) -> np.ndarray:
    return np.array([[n, n + 0.5, -n] for n in numbers], np.float32)


def read(folder: Path, *numbers: int) -> list[float | None]:
    """The first component of each, None where it is not there."""
    store = VectorStore(folder, "m")
    rows = store.find(keys(*numbers))
    known = rows >= 0
    out = store.take(rows[known], np.empty((int(known.sum()), 3), np.float32))
    told = iter(out[:, 0].tolist())
    return [next(told) if one else None for one in known]


def test_what_was_kept_is_found_in_another_process(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "v", "m")
    store.append(keys(1, 2, 3), vectors(1, 2, 3))
    store.append(keys(4), vectors(4))
    assert read(tmp_path / "v", 3, 9, 4, 1, 1) == [3.0, None, 4.0, 1.0, 1.0]


def test_a_key_is_kept_once_and_never_changed(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "v", "m")
    store.append(keys(1, 1, 2), vectors(1, 5, 2))
    store.append(keys(2, 3), vectors(7, 3))
    assert len(store) == 3
    assert read(tmp_path / "v", 1, 2, 3) == [1.0, 2.0, 3.0]


def test_two_writers_see_each_other(tmp_path: Path) -> None:
    one, two = VectorStore(tmp_path / "v", "m"), VectorStore(tmp_path / "v", "m")
    one.append(keys(1), vectors(1))
    two.append(keys(1, 2), vectors(9, 2))
    one.append(keys(3), vectors(3))
    assert read(tmp_path / "v", 1, 2, 3) == [1.0, 2.0, 3.0]


def test_equal_halves_of_keys_are_told_apart(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "v", "m")
    same = [b"A" * 8 + bytes([n]) * 8 for n in range(5)]
    store.append(b"".join(same), vectors(0, 1, 2, 3, 4))
    assert store.find(b"".join([same[3], same[0], b"A" * 8 + b"\xff" * 8])).tolist() == [3, 0, -1]


def test_a_kill_at_any_byte_loses_at_most_what_was_being_written(tmp_path: Path) -> None:
    """Both files cut at every length a kill can leave."""
    store = VectorStore(tmp_path / "v", "m")
    store.append(keys(1, 2), vectors(1, 2))
    before = {name: (tmp_path / "v" / name).stat().st_size for name in ("rows", "index")}
    store.append(keys(3, 4), vectors(3, 4))
    after = {name: (tmp_path / "v" / name).stat().st_size for name in ("rows", "index")}
    cuts = [(n, before["index"]) for n in range(before["rows"], after["rows"] + 1)]
    cuts += [(after["rows"], n) for n in range(before["index"], after["index"])]
    cuts += [(before["rows"], after["index"]), (before["rows"] + 3, after["index"])]  # the index reached the disk first
    for number, (rows, index) in enumerate(cuts):
        folder = tmp_path / f"cut{number}"
        shutil.copytree(tmp_path / "v", folder)
        for name, size in (("rows", rows), ("index", index)):
            with open(folder / name, "r+b") as file:
                file.truncate(size)
        assert read(folder, 1, 2, 3) == [1.0, 2.0, None]
        VectorStore(folder, "m").append(keys(3, 5), vectors(3, 5))
        assert read(folder, 1, 2, 3, 5) == [1.0, 2.0, 3.0, 5.0]
        VectorStore(folder, "m").check()
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["rows", "index"])
def test_a_changed_byte_is_told(tmp_path: Path, name: str) -> None:
    store = VectorStore(tmp_path / "v", "m")
    store.append(keys(1, 2), vectors(1, 2))
    store.append(keys(3), vectors(3))
    path = tmp_path / "v" / name
    raw = bytearray(path.read_bytes())
    raw[5] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CorruptFile, match=r"changed|damaged"):
        read(tmp_path / "v", 1, 3)


def test_another_dimension_or_model_is_refused(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "v", "m")
    store.append(keys(1), vectors(1))
    with pytest.raises(DataError, match="4 dimensions, and earlier ones of 3"):
        store.append(keys(2), np.ones((1, 4), np.float32))
    with pytest.raises(DataError, match="holds vectors of 'm'"):
        VectorStore(tmp_path / "v", "other")


def test_half_precision_and_truncation_are_kept(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "v", "m", dtype="<f2")
    store.append(keys(1, 2), vectors(1, 2), np.array([False, True]))
    again = VectorStore(tmp_path / "v", "m")
    assert again.matrix().dtype == np.float16
    assert again.truncated(again.find(keys(1, 2))) == 1
    assert (tmp_path / "v" / "rows").stat().st_size == 2 * 3 * 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=8), max_size=6))
def test_it_is_a_dictionary(tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]) -> None:
    folder = tmp_path_factory.mktemp("v") / "v"
    twin: dict[int, float] = {}
    store = VectorStore(folder, "m")
    for turn, numbers in enumerate(batches):
        values = [float(100 * turn + place) for place in range(len(numbers))]
        store.append(keys(*numbers), np.array([[v, 0, 0] for v in values], np.float32))
        for number, value in zip(numbers, values, strict=True):
            twin.setdefault(number, value)
    assert read(folder, *range(31)) == [twin.get(number) for number in range(31)]
