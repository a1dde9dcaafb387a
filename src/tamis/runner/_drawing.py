"""What a report takes long to find out, found out while the delivery goes to the disk, and kept for the next run.

Most of a report is figures and examples from the ledger and the rows. They need no manifest, so a thread looks for
them as soon as the ledger is written; the main thread meanwhile mostly waits for the disk. A run with the same ledger
over the same rows is told what was found before, and its report is the same.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import polars as pl

from tamis import __version__
from tamis.core.fingerprint import fingerprint
from tamis.engine.cache import Cache
from tamis.engine.memory import give_back_memory
from tamis.engine.store import file_hash
from tamis.runs import report

from .run import Flow


class Looking:
    """One look at a run's folder, under way. cache: where it is kept; None for a run whose rows are private."""

    def __init__(self, run: Path, flow: Flow, cache: Cache | None) -> None:
        self._run, self._cache = run, cache
        self._found: dict[str, Any] | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._fp = "" if cache is None else _rests_on(run, flow)
        entry = None if cache is None else cache.get(self._fp)
        if entry is not None:
            self._found = entry.facts["looked"]
            return
        self._thread = threading.Thread(target=self._look, name="tamis-report")
        self._thread.start()

    def _look(self) -> None:
        try:
            give_back_memory()
            self._found = report.look(self._run)
        except BaseException as error:  # told by `found`, where somebody asks
            self._error = error

    def wait(self) -> None:
        """Nothing reads the folder any more when this returns."""
        if self._thread is not None:
            self._thread.join()

    def found(self) -> dict[str, Any]:
        """What was found. Raises what went wrong in the thread."""
        self.wait()
        if self._error is not None:
            raise self._error
        assert self._found is not None
        whole = self._thread is not None and self._cache is not None and self._found.get("gone") is None
        if whole and json.loads(json.dumps(self._found)) == self._found:
            assert self._cache is not None
            self._cache.put(self._fp, {}, {"looked": self._found})
        return self._found


def _rests_on(run: Path, flow: Flow) -> str:
    """The hash of all that a look rests on: the account, the parts of the ledger, the files that hold the rows."""
    told = [file_hash(run / name) for name in ("ledger/steps.json", "ledger/partitions.json", "flow.json")]
    parts = [[log.step.name, [[key, fp] for key, fp in sorted(log.parts.items())]] for log in flow.logs]
    return fingerprint("report", report.LOOK, __version__, pl.__version__, told, parts)
