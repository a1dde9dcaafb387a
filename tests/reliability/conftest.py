"""One uninterrupted run that everything is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from .workshop import Outcome, outcome, run, set_up, small_slices


class Reference(NamedTuple):
    """A workspace that ran without trouble, and its outcome."""

    folder: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that delivered a few rows, and whose sources grew since. To be copied, not used."""
    folder = set_up(tmp_path_factory.mktemp("earlier") / "mill", rows=70)
    with small_slices():
        run(folder)
    return set_up(folder)


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = set_up(tmp_path_factory.mktemp("reference") / "mill")
    with small_slices():
        run(folder)
    return Reference(folder, outcome(folder))
