"""The report of a run: one HTML page with everything in it, drawn from the run folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tamis.engine.store import writing

NAME = "report.html"
#: to be raised when `look` finds other things in the same folder
LOOK = 2


def look(run: Path) -> dict[str, Any]:
    """The part of a report that takes long and needs no manifest, as JSON values: figures and examples from the ledger
    and the rows. A run looks while its delivery is on the way to the disk.

    Raises DataError where the folder holds no ledger.
    """
    from ._report.gather import look

    return look(run)


def report_data(run: Path, looked: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the report of a run is drawn from, as JSON values; the same for the same folder.

    looked: what `look` found there before. Raises DataError where the folder holds no ledger.
    """
    from ._report.gather import report_data

    return report_data(run, looked)


def write_report(run: Path, looked: dict[str, Any] | None = None) -> Path:
    """Write `report.html` into a run folder, as a whole, and `map.html` beside it where a step laid the rows out; returns
    the report's path.

    A few thousand rows are looked at, however many there are; the page says so. looked: of `look`. Raises DataError where the folder
    holds no ledger, DiskFull where there is no room.
    """
    from ._report.page import page

    path = Path(run) / NAME
    write_map(Path(run))
    html = page(report_data(run, looked))
    with writing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return path


def write_map(run: Path) -> Path | None:
    """Write `map.html` into a run folder: a page with everything in it. None where no step laid the rows out, where their
    places are gone, or where the map's script is not built (the report says how)."""
    from tamis.core.errors import DataError, UsageError

    from ._report.gather import LAYOUT, MAP
    from .ledger import Ledger

    run = Path(run)
    if not any(step.get("address") == LAYOUT for step in Ledger(run).steps):
        return None
    path = run / MAP
    try:
        html = map_html(run)
    except (DataError, UsageError):
        path.unlink(missing_ok=True)  # of an earlier attempt at this run
        return None
    with writing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return path


def map_html(run: Path, layout: str | None = None) -> str:
    """The map of a run as one HTML page with everything in it, by one of its layout steps, by default the last.

    Raises UsageError where there is none such, or where the map's script is not built, DataError where the rows are gone.
    """
    from tamis.core.errors import UsageError

    from ._report.map_page import map_page, map_script
    from .built import HOW
    from .map import map_data

    data = map_data(run, layout)
    script = map_script()
    if script is None:
        raise UsageError("the map's script is not built", hint=HOW)
    run = Path(run).resolve()
    return map_page(data, script, title=f"{run.parent.name}, run {run.name}: map")
