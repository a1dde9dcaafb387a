"""The pages' files, as the build wrote them into the package."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.responses import FileResponse, Response

from tamis.runs.built import HOW

from .problems import NotThere

FOLDER = Path(__file__).parent / "static"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".ico": "image/x-icon",
}


def built(folder: Path = FOLDER) -> bool:
    """Whether the pages are there."""
    return (folder / "index.html").is_file()


def files(folder: Path) -> dict[str, Path]:
    """Address → file, of every file there is. Links are left out: an address is looked up here, never put together."""
    found = {}
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not Path(where, name).is_symlink())
        for name in names:
            path = Path(where, name)
            if not path.is_symlink() and path.suffix in _KINDS:
                found["/" + path.relative_to(folder).as_posix()] = path
    return found


def page(folder: Path, address: str, known: str | None = None) -> Response:
    """A file of the pages; `known`: the tag of the one that the browser has. 404 where there is none."""
    if not built(folder):
        raise NotThere("the pages are not built", hint=HOW)
    path = files(folder).get("/index.html" if address == "/" else address)
    if path is None:
        raise NotThere("no such page")
    status = path.stat()
    tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    lasting = address.startswith("/assets/")  # their names hold a hash of what they are
    headers = {"cache-control": "private, max-age=31536000, immutable" if lasting else "no-cache", "etag": tag}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=_KINDS[path.suffix], headers=headers)
