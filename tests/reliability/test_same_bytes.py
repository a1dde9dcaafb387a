"""Nothing around a run changes what it says: hash seed, locale, time zone, workers, processes, slices, the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Reference
from .workshop import LONG, outcome, run, set_up, small_slices, tamis

#: bytes of a slice, an environment, the command line's words. Python decodes as the locale says, as it did of old
AROUND = [
    (40_000, {"PYTHONHASHSEED": "0", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, ["--workers", "1"]),
    (9_000, {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "de_DE.UTF-8"}, ["--workers", "4"]),
    (1 << 30, {"PYTHONHASHSEED": "2", "TZ": "Pacific/Apia"}, ["--executor", "processes", "--workers", "2"]),
]
MORE = [
    (1_000, {"PYTHONHASHSEED": "3", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}, ["--workers", "2"]),
    (123_457, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, ["--executor", "processes", "--workers", "4"]),
    (40_000, {"POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1"}, ["--workers", "2"]),
]


@pytest.mark.parametrize(("size", "env", "words"), AROUND + (MORE if LONG else []))
def test_the_same_inputs_give_the_same_bytes_and_the_same_ledger(
    size: int, env: dict[str, str], words: list[str], tmp_path: Path, reference: Reference
) -> None:
    folder = set_up(tmp_path / "elsewhere & far")
    said = tamis(folder, *words, **{"TAMIS_SLICE_BYTES": str(size), **env})
    assert (said.code, said.err) == (0, "")
    assert outcome(folder) == reference.outcome


@pytest.mark.parametrize(("size", "workers"), [(6_000, 3), (70_000, 1)])
def test_slices_and_workers(size: int, workers: int, tmp_path: Path, reference: Reference) -> None:
    folder = set_up(tmp_path / "mill")
    with small_slices(size):
        result = run(folder, workers=workers)
    partitions = len(list((result.folder / "ledger/rows").iterdir()))
    assert partitions >= 25 if size == 6_000 else partitions <= 4
    assert outcome(folder) == reference.outcome


def test_slices_may_change_between_runs_of_a_workspace(tmp_path: Path, reference: Reference) -> None:
    folder = set_up(tmp_path / "mill")
    for size in (15_000, 1 << 20):
        with small_slices(size):
            run(folder)
        assert outcome(folder) == reference.outcome
