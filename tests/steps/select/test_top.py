"""select.top"""

from __future__ import annotations

from typing import Any

import pytest

from tamis.core.errors import UsageError
from tamis.steps.select.top import Top
from tamis.testing import run_step

OUT = "not_drawn"


def rows(*scores: float | None, **columns: list[Any]) -> list[dict[str, Any]]:
    return [{"prompt": "?", "score": score, **{k: v[n] for k, v in columns.items()}} for n, score in enumerate(scores)]


CASES: list[Any] = [
    ({"score": "score", "n": 1, "rejected": ["0" * 32]}, rows(3, 2), ["rejected", "kept"]),
    ({"score": "score", "n": 2}, rows(1, 3, 2), [OUT, "kept", "kept"]),
    ({"score": "score", "n": 1, "best": "lowest"}, rows(1, 3, 2), ["kept", OUT, OUT]),
    ({"score": "score", "n": 2}, rows(None, 3.0, float("nan")), ["kept", "kept", OUT]),
    ({"score": "score", "n": 1, "by": "tag"}, rows(1, 2, 3, tag=["a", "a", None]), [OUT, "kept", "kept"]),
    ({"score": "score", "n": 1, "prefer": ["-age"]}, rows(1, 1, age=[1, 2]), [OUT, "kept"]),
]


def test_words_are_no_score() -> None:
    with pytest.raises(UsageError, match="holds String, not numbers"):
        run_step(Top(score="tag", n=1), rows(1, tag=["a"]))
