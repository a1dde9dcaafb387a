"""Parts of the ledger: what one step did to one partition, as lines of (row, outcome, reason, into, evidence).

Rows a step kept are left out unless evidence was noted for them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.fingerprint import fingerprint

from .cache import Cache, Entry
from .judge import CODES, KEPT
from .layers import Mask

OUTCOMES = pl.Enum(CODES)


def part_fingerprint(entry: str, seen: Mask, outcome: NDArray[np.uint8]) -> str:
    """What a ledger part depends on: the step's entry, the rows it was asked about, their final outcome."""
    import xxhash

    digest = xxhash.xxh3_128(np.packbits(seen).tobytes())
    digest.update(outcome.tobytes())
    return fingerprint("ledger", 1, entry, digest.hexdigest())


def write_part(
    cache: Cache,
    entry: Entry,
    entry_fp: str,
    seen: Mask,
    outcome: NDArray[np.uint8],
    reason: NDArray[np.int8],
    slugs: Sequence[str],
) -> str | None:
    """Write what a row step did to a partition; returns the part's fingerprint, None where there is nothing to say."""
    columns = [name for name in entry.columns("outcome") if name.startswith("evidence.")]
    if not columns and not (outcome != KEPT).any():
        return None
    fp = part_fingerprint(entry_fp, seen, outcome)
    if cache.get(fp) is None:
        cache.put(fp, {"part": part_frame(entry.read("outcome", ["row", *columns]), seen, outcome, reason, slugs)}, {})
    return fp


def part_frame(
    evidence: pl.DataFrame,
    seen: Mask,
    outcome: NDArray[np.uint8],
    reason: NDArray[np.int8],
    slugs: Sequence[str],
    into: pl.Series | None = None,
) -> pl.DataFrame:
    """The lines of a part. `evidence` has `row` and figures; outcome, reason, seen are per partition row."""
    rows = evidence["row"].to_numpy()
    told = seen[rows]
    if len(evidence.columns) == 1:
        told = told & (outcome[rows] != KEPT)
    rows = rows[told]
    lines = evidence if told.all() else evidence.filter(pl.Series(told))
    # physical codes straight to Enum: no strings are made
    kinds = pl.Series("outcome", outcome[rows], dtype=pl.UInt8).cat.to(OUTCOMES)
    codes = np.where(reason[rows] >= 0, reason[rows], len(slugs)).astype(np.uint8)
    words = pl.Series("reason", codes, dtype=pl.UInt8).cat.to(pl.Enum([*slugs, ""]))
    middle = [kinds, words]
    if into is not None:
        middle.append((into if told.all() else into.filter(pl.Series(told))).alias("into"))
    return pl.DataFrame([lines["row"], *middle, *(lines[name] for name in lines.columns if name != "row")])
