"""The report of a run: one HTML page with everything in it, drawn from the run folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tamis.engine.store import writing

NAME = "report.html"


def report_data(run: Path) -> dict[str, Any]:
    """What the report of a run is drawn from, as JSON values; the same for the same folder.

    Raises DataError where the folder holds no ledger.
    """
    from ._report.gather import report_data

    return report_data(run)


def write_report(run: Path) -> Path:
    """Write `report.html` into a run folder, as a whole; returns its path.

    A few thousand rows are looked at, however many there are; the page says so. Raises DataError where the folder
    holds no ledger, DiskFull where there is no room.
    """
    from ._report.page import page

    path = Path(run) / NAME
    html = page(report_data(run))
    with writing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return path
