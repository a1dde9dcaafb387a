"""Clusterings side by side, as one value: what the page, the terminal and --json show."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tamis.engine.store import writing

from .blind import BlindTest
from .clusterings import Clusterings

#: said wherever the figures stand
HINT = (
    "No index picks the right clustering: the silhouette rewards ever finer splits, NPMI phrases that many texts share, and "
    "what is stable need not be useful. They are hints; look at the clusters, and ask people blind."
)
#: clusterings up to which every pair's flow is told; of more, each with the next
ALL_PAIRS = 3


def compared(desk: Clusterings, names: Sequence[str]) -> dict[str, Any]:
    """Lines, cards, sizes, flows and blind tests of some clusterings, as JSON values."""
    roots = [desk.name(name) for name in names]
    pairs = list(itertools.combinations(roots, 2)) if len(roots) <= ALL_PAIRS else list(itertools.pairwise(roots))
    tests = [BlindTest(desk, a, b).results() for a, b in itertools.combinations(roots, 2)]
    return {
        "recipe": desk.run.parent.name,
        "run": desk.run.name,
        "hint": HINT,
        "clusterings": [
            {
                **asdict(desk.line(root)),
                "cards": [asdict(card) for card in desk.cards(root)],
                "before": desk.before(root),
            }
            for root in roots
        ],
        "flows": [asdict(desk.flow(a, b)) for a, b in pairs],
        "tests": [asdict(told) for told in tests if told.answers],
    }


def write_page(told: dict[str, Any], path: Path) -> None:
    """The comparison as one HTML page with everything in it."""
    from ._report.clusters import page

    html = page(told)
    with writing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
