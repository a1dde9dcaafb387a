"""filter.outlier"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.filter.outlier import Outlier
from tamis.testing import run_step


def rows(*distances: float | None) -> list[dict[str, Any]]:
    return [{"prompt": str(n), "distance": d} for n, d in enumerate(distances)]


CASES: list[Any] = [
    ({"distance": "distance", "max": 0.5}, rows(0.5, 0.51, None), ["kept", "far", "kept"]),
    ({"distance": "distance", "share": 0.25}, rows(0.1, 0.9, 0.2, 0.3), ["kept", "far", "kept", "kept"]),
]


def test_a_share_drops_no_more_than_it_says() -> None:
    assert run_step(Outlier(distance="distance", share=0.34), rows(0.1, 0.2, 0.3)).outcomes == ["kept", "kept", "far"]
    assert run_step(Outlier(distance="distance", share=0.33), rows(0.1, 0.2, 0.3)).outcomes == ["kept"] * 3
    assert run_step(Outlier(distance="distance", share=0.5), rows(0.1, 0.9, 0.9, 0.9)).outcomes == ["kept"] * 4


def test_a_share_of_nothing() -> None:
    assert run_step(Outlier(distance="distance", share=0.5), rows(None, None)).outcomes == ["kept"] * 2


def test_words_are_no_distances() -> None:
    with pytest.raises(UsageError, match="not distances"):
        run_step(Outlier(distance="prompt_word", max=1), [{"prompt": "a", "prompt_word": "far"}])


@pytest.mark.parametrize("settings", [{}, {"max": 1, "share": 0.1}])
def test_one_measure_is_given(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="either `max`"):
        Outlier(**settings)
