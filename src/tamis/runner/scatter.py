"""A table step's decisions, written up: the parts of the ledger, partition by partition."""

from __future__ import annotations

from collections.abc import Sequence

import xxhash

from tamis.core.fingerprint import fingerprint
from tamis.engine.cache import Cache
from tamis.engine.executor import side_by_side
from tamis.engine.parts import part_frame
from tamis.engine.rescue import rescue_rows
from tamis.engine.task import Call, PartState

from .account import Account
from .table import Gathered, Scattered, Survivors, survivors_told


def rescue(call: Call, state: PartState, one: Scattered, account: Account) -> None:
    """Keep the rows of a partition that people took back."""
    if not call.rescued:
        return
    named, stale = rescue_rows(call.rescued, state, one.outcome)
    one.outcome[named] = 0
    one.reason[named] = -1
    account.stale += stale
    account.rescued += int(named.sum())


def write_parts(
    call: Call, parts: Sequence[Gathered], scattered: Sequence[Scattered], decision: str, cache: Cache
) -> list[str | None]:
    """What the step did to each partition: the fingerprint of the part, None where there is nothing to say."""
    slugs = list(call.step.reasons)
    told = [_fingerprint(decision, position, one) for position, one in enumerate(scattered)]
    missing = [position for position, fp in enumerate(told) if fp is not None and cache.get(fp) is None]
    for position in missing[:1]:
        if isinstance(into := scattered[position].into, Survivors):
            into.table.ids()  # once, for all of them

    def write(position: int) -> None:
        one, fp = scattered[position], told[position]
        assert fp is not None
        frame = part_frame(one.evidence, parts[position].seen, one.outcome, one.reason, slugs, survivors_told(one))
        cache.put(fp, {"part": frame}, {})

    side_by_side(write, missing)
    return told


def _fingerprint(decision: str, position: int, one: Scattered) -> str | None:
    if len(one.evidence.columns) == 1 and not (one.outcome != 0).any():
        return None
    digest = xxhash.xxh3_128(one.outcome.tobytes())
    digest.update(one.reason.tobytes() + one.told.encode())
    return fingerprint("table part", decision, position, digest.hexdigest())
