"""Compiled code is the code of the source that stands there, whoever was killed, or compiled beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from numba import types

from tamis.engine.kernels import jit
from tamis.engine.kernels.jit import Compiled, source_stamp

KERNELS = Path(jit.__file__).parent
INNER = """from tamis.engine.kernels.jit import njit

@njit(nogil=True, cache=True)
def add(a, k):
    return a[0] + k
"""
OUTER = """from tamis.engine.kernels.jit import njit
from .inner import add

@njit(nogil=True, cache=True)
def twice(a, k):
    return add(a, k) * 2
"""
CALL = """import sys; sys.path[:0] = [{folder!r}, {source!r}]
import numpy as np
from mill import outer
for kind in sys.argv[1:]:
    print(outer.twice(np.array([3], kind), 2), sum(outer.twice.stats.cache_hits.values()))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "mill"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "inner.py").write_text(INNER)
    (folder / "outer.py").write_text(OUTER)
    return folder


def call(package: Path, *kinds: str) -> list[str]:
    """What `twice` gives on arrays of these kinds, and how many overloads were loaded, in a process of its own."""
    script = CALL.format(folder=str(package.parent), source=str(KERNELS.parents[2]))
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, *kinds], capture_output=True, text=True, check=False, cwd=package.parent
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def kept(package: Path, kernel: str) -> list[Path]:
    return sorted((package / "__pycache__").glob(f"{kernel}-*.nbc"))


def test_code_compiled_once_is_loaded(package: Path) -> None:
    assert call(package, "int64", "uint8") == ["10 0", "10 0"]
    assert call(package, "int64", "uint8") == ["10 1", "10 2"]


def test_a_kernel_whose_callee_changed_is_compiled_again(package: Path) -> None:
    call(package, "int64")
    (package / "inner.py").write_text(INNER.replace("a[0] + k", "a[0] - k"))
    assert call(package, "int64") == ["2 0"]
    assert len(kept(package, "outer.twice")) == 1, "what was compiled from the earlier source is removed"


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damaged_code_is_compiled_again(damage: str, package: Path) -> None:
    call(package, "int64")
    for path in kept(package, "outer.twice") + kept(package, "inner.add"):
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 1
        path.write_bytes({"cut": whole[: len(whole) // 2], "flipped": whole, "empty": b""}[damage])
    assert call(package, "int64") == ["10 0"]
    assert call(package, "int64") == ["10 1"]


def test_code_of_another_signature_is_not_run(package: Path) -> None:
    call(package, "int64")
    (signed,) = kept(package, "outer.twice")
    call(package, "float32")
    (real,) = set(kept(package, "outer.twice")) - {signed}
    real.write_bytes(signed.read_bytes())
    assert call(package, "float32") == ["10.0 0"]


def test_a_folder_that_takes_nothing_costs_only_time(package: Path, tmp_path: Path) -> None:
    call(package, "int64")
    for path in kept(package, "outer.twice"):
        path.unlink()
        path.mkdir()  # a file cannot be put in its place
    assert call(package, "int64") == ["10 0"]


def test_two_that_compile_at_once_keep_both(tmp_path: Path) -> None:
    keys = [((types.int64,), ("cpu",), "code"), ((types.uint8,), ("cpu",), "code")]
    both = [Compiled(str(tmp_path), "mill.twice-1.py311", "a" * 20) for _ in keys]
    assert [one.load(key) for one, key in zip(both, keys, strict=True)] == [None, None]
    names = [one.name(key) for one, key in zip(both, keys, strict=True)]
    assert len(set(names)) == 2
    for one, key in zip(both, keys, strict=True):
        one.save(key, str(key[0]))
    for one in both:
        assert [one.load(key) for key in keys] == [str(key[0]) for key in keys]


def test_a_stamp_changes_with_what_is_imported_from_afar(package: Path) -> None:
    (package / "inner.py").write_text(INNER + "from .far import FAR\n")
    stamps = set()
    for value in (1, 2):
        (package / "far.py").write_text(f"FAR = {value}\n")
        source_stamp.cache_clear()
        jit._read.cache_clear()
        stamps.add(source_stamp(package / "outer.py"))
    assert len(stamps) == 2


def test_every_kernel_is_compiled_so() -> None:
    for path in sorted(KERNELS.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name != "jit.py":
            assert not re.search(r"^from numba import .*\bn?jit\b|\bnumba\.n?jit\b", text, re.MULTILINE), (
                f"{path.name}: import njit from .jit"
            )
            used = set(re.findall(r"^from tamis\.engine\.kernels(?:\.(\w+))? import", text, re.MULTILINE))
            assert "" not in used, f"{path.name}: a stamp does not see `from tamis.engine.kernels import`"


READY = """
import sys; sys.path[:0] = [{folder!r}, {source!r}]
import numpy as np
from mill import outer
ready = "numba.np.arraymath"  # which Numba imports before it compiles
outer.twice(np.array([3], "int64"), 2)
before = ready in sys.modules
print(before, outer.twice(np.array([3], "int32"), 2), ready in sys.modules)
"""


def test_kept_code_is_loaded_without_getting_ready_to_compile(package: Path) -> None:
    call(package, "int64")
    script = READY.format(folder=str(package.parent), source=str(KERNELS.parents[2]))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False 10 True\n", "")


EVERY = """
import importlib, pkgutil
from numba.core.registry import CPUDispatcher
from tamis.engine import kernels
from tamis.engine.kernels.jit import Compiled
loaded, heavy = 0, set()
for module in pkgutil.iter_modules(kernels.__path__):
    for kernel in vars(importlib.import_module(f"{kernels.__name__}.{module.name}")).values():
        if isinstance(kernel, CPUDispatcher) and isinstance(kernel._cache._cache_file, Compiled):
            kept = kernel._cache._cache_file
            for path in kept.folder.glob(f"{kept.base}.{kept.stamp}.*.nbc"):
                (signature, *_), _ = kept._load_data(path.name)
                assert kernel._cache.load_overload(signature, kernel.targetctx) is not None, path
                loaded += 1
                if b"numba.np.arraymath" in path.read_bytes():
                    heavy.add(module.name)
print(loaded, *sorted(heavy))
"""


def test_all_code_that_is_kept_can_be_loaded(tmp_path: Path) -> None:
    """Code that called for a function which only a compiler knows would end the process where it is linked. And code that
    has in it what Numba wrote of its own (`a.sum(axis=0)`) loads that, and SciPy, which takes 0.15 s."""
    rows = "".join(
        f'{{"prompt": "Question {n}: where is my parcel?", "completion": "Soon, {n}.", "topic": "t"}}\n'
        for n in range(9)
    )
    (tmp_path / "rows.jsonl").write_text(rows)
    (tmp_path / "recipe.yaml").write_text(
        "tamis: 1\nname: r\nsources: [{use: files, path: rows.jsonl}]\nsteps: [{use: map.auto}, {use: clean.unicode}, "
        "{use: filter.language, keep: [en]}, {use: filter.repetition}, {use: dedup.exact}, "
        "{use: split.stratified, by: topic, shares: {train: 0.5, test: 0.5}}]\n"
        "deliver: [{use: jsonl, path: out}]\n"
    )
    run = [sys.executable, "-m", "tamis", "run", str(tmp_path / "recipe.yaml"), "--progress", "none"]
    subprocess.run(run, capture_output=True, check=True)
    done = subprocess.run([sys.executable, "-c", EVERY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    loaded, *heavy = done.stdout.split()
    assert int(loaded) > 30
    assert set(heavy) <= {"edits"}, "spell out sums and the like as loops"  # that one sorts
