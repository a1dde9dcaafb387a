"""select.temperature"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tamis.steps.select.temperature import Temperature
from tamis.testing import run_step

OUT = "not_drawn"


def rows(*groups: str | None) -> list[dict[str, Any]]:
    return [{"prompt": str(n), "language": group, "n": n} for n, group in enumerate(groups)]


CASES: list[Any] = [
    ({"by": "language", "rows": 1, "rejected": ["0" * 32]}, rows("en", "en"), ["rejected", "kept"]),
    (
        {"by": "language", "rows": 2, "temperature": 100, "prefer": ["n"]},
        rows("en", "en", "sw", "en"),
        ["kept", OUT, "kept", OUT],
    ),
    ({"by": "language", "rows": 9}, rows("en", None), ["kept", "kept"]),
]


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (1, {"en": 90, "de": 9, "sw": 1}),  # as it is
        (2, {"en": 70, "de": 22, "sw": 8}),  # by square roots
        (100, {"en": 51, "de": 39, "sw": 10}),  # sw has no more than ten; the others share what it leaves
    ],
)
def test_the_mixture_flattens(temperature: float, expected: dict[str, int]) -> None:
    many = rows(*(["en"] * 900 + ["de"] * 90 + ["sw"] * 10))
    kept = run_step(Temperature(by="language", rows=100, temperature=temperature), many).kept
    found = Counter(row["source.language"] for row in kept)
    assert sum(found.values()) == 100
    if temperature == 100:
        assert found["sw"] == 10
        assert abs(found["en"] - found["de"]) <= 2
    else:
        assert found == expected
