"""Fingerprints: what a result depends on, as one hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, no NaN, text as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint(*parts: Any) -> str:
    """blake2b-128 of the canonical JSON of `parts`, as 32 hexadecimal digits."""
    return hashlib.blake2b(canonical(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def derive_seed(seed: int, *parts: Any) -> int:
    """A 64-bit seed for one purpose, from the recipe's seed."""
    return int(fingerprint("seed", seed, *parts)[:16], 16)
