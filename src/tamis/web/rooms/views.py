"""Saved ways to look at rows: `decisions/views.json`, shared by all who review, fit for git."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from tamis.engine.store import disk_error, write_json
from tamis.runs.rows import read_json

from .. import shapes
from ..asked import Asked
from ..problems import NotThere, Refused

MOST = 200


def views(asked: Asked) -> shapes.Views:
    """Every saved view, in the order of their names."""
    return shapes.Views(views=_read(_path(asked)))


def save_view(asked: Asked) -> shapes.Views:
    """Save a view, or replace the one of its name."""
    view: shapes.View = asked.body

    def put(known: dict[str, shapes.View]) -> None:
        known[view.name] = view
        if len(known) > MOST:
            raise Refused(400, f"there are {MOST} views already", hint="forget one")

    return _change(_path(asked), put)


def forget_view(asked: Asked) -> shapes.Views:
    """Forget a view. 404 where there is none of the name."""
    name = asked.body.name

    def take(known: dict[str, shapes.View]) -> None:
        if known.pop(name, None) is None:
            raise NotThere(f"no view {name!r}")

    return _change(_path(asked), take)


def _path(asked: Asked) -> Path:
    return asked.site.workspace.root / "decisions" / "views.json"


def _read(path: Path) -> list[shapes.View]:
    found = []
    for one in read_json(path).get("views", []):
        try:
            found.append(shapes.View.model_validate(one))
        except ValueError:
            continue  # written by hand, or by a later version
    return sorted(found, key=lambda view: view.name)


def _change(path: Path, change: Callable[[dict[str, shapes.View]], None]) -> shapes.Views:
    """Change the file under a lock, and write it whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise disk_error(error, path) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        known = {view.name: view for view in _read(path)}
        change(known)
        found = [known[name] for name in sorted(known)]
        write_json(path, {"views": [view.model_dump(exclude_defaults=True) for view in found]}, durable=True)
        return shapes.Views(views=found)
    finally:
        os.close(handle)
