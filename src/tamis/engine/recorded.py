"""Folders of files that belong together, written once: all of them or none, and on the disk when it is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .store import disk_error, sync


def keep_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder, in the place of one that may be there."""
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        for name, data in files.items():
            with open(fresh / name, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        sync(folder.parent)
    except OSError as error:
        raise disk_error(error, folder) from error
