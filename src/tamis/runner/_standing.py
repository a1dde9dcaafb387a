"""What a delivery was made of, and the files it became: a run that would make the same files lets them stand.

Kept in the cache under a hash of all that decides a delivered byte. The files that stand at the target are read and
compared with the hashes kept here before anything relies on them; where one differs, everything is encoded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tamis import __version__
from tamis.core.fingerprint import fingerprint
from tamis.core.origin import Delivered, Sink
from tamis.engine.cache import Cache
from tamis.engine.layers import mask_hash
from tamis.engine.stage import PartState
from tamis.engine.store import file_hash

#: to be raised when a target writes the same rows as other bytes, and its own `version` is not
ENCODING = 1


class Standing(NamedTuple):
    """Files of one target's folder: what was said of them, and the xxh3-128 of each by its path."""

    files: tuple[Delivered, ...]
    hashes: dict[str, str]


def made_of(
    sinks: Sequence[Sink], states: Sequence[PartState], json_columns: frozenset[str], order: Sequence[Any]
) -> str | None:
    """The hash of all that decides what is delivered. None where there is no target, or one that is not
    Tamis's own: its code may change.

    order: the order of rows, its seed, and what else decides which rows are delivered, as JSON values.
    """
    if not sinks or not all(type(sink).__module__.startswith("tamis.sinks.") for sink in sinks):
        return None
    targets = [[sink.address(), sink.version, sink.configuration()] for sink in sinks]
    rows = [_state(state) for state in states]
    return fingerprint(
        "delivered", ENCODING, __version__, pl.__version__, targets, sorted(json_columns), list(order), rows
    )


def _state(state: PartState) -> list[Any]:
    """A partition by the hashes of the files and masks it consists of."""
    layers = [layer.identity() for layer in state.layers]
    absent = [[name, str(dtype)] for name, dtype in state.absent.items()]
    return [state.base.xxh3, state.rows, list(state.columns), absent, layers, mask_hash(state.live)]


def recall(cache: Cache, fp: str) -> dict[str, Standing] | None:
    """What an earlier delivery of the same became, by the path of the folder in the recipe."""
    entry = cache.get(fp)
    if entry is None:
        return None
    return {
        folder: Standing(tuple(Delivered(*one) for one in files), dict(hashes))
        for folder, files, hashes in entry.facts["folders"]
    }


def remember(cache: Cache, fp: str, folders: Mapping[str, Standing]) -> None:
    """Keep what was delivered."""
    facts = [[folder, [list(one) for one in there.files], there.hashes] for folder, there in folders.items()]
    cache.put(fp, {}, {"folders": facts})


def stands(folder: Path, there: Standing) -> bool:
    """Whether every file is still what was delivered, by its bytes; people and disks change files."""
    try:
        return bool(there.files) and all(
            (folder / one.path).stat().st_size == one.size and file_hash(folder / one.path) == there.hashes[one.path]
            for one in there.files
        )
    except (OSError, KeyError):
        return False
