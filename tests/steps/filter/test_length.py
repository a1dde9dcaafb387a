"""filter.length"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis.steps.filter.length import Length
from tamis.testing import run_step

CASES: list[Any] = [
    ({"min": 2}, {"response": "Yes"}, "too_short"),
    ({"min": 2}, {"response": "Yes, indeed"}, "kept"),
    ({"max": 2}, {"response": "one two three"}, "too_long"),
    ({"min": 4}, {"response": "它是蓝色"}, "kept"),
    ({"min": 5}, {"response": "它是蓝色"}, "too_short"),
    ({"unit": "characters", "max": 3}, {"response": "日本語"}, "kept"),
    ({"unit": "characters", "max": 2}, {"response": "日本語"}, "too_long"),
    ({"in": "prompt", "min": 2}, {"prompt": "Hello", "response": "Hello there"}, "too_short"),
    ({"min": 1}, {"response": ""}, "too_short"),
    ({"min": 1}, {"response": None}, "kept"),
]


def test_the_length_of_kept_rows_is_told_too() -> None:
    result = run_step(Length(min=2), [{"response": "one two three"}, {"response": None}])
    assert [row["length"] for row in result.evidence] == [3, None]
    assert result.not_applicable == [False, True]


def test_limits_that_no_row_can_meet_are_refused() -> None:
    with pytest.raises(ValidationError, match="every row would be dropped: max 3 is below min 5"):
        Length(min=5, max=3)


def test_tokens() -> None:
    pytest.importorskip("bpe_openai")
    result = run_step(
        Length(unit="tokens", max=3), [{"response": "hello world"}, {"response": "antidisestablishmentarianism"}]
    )
    assert result.outcomes == ["kept", "too_long"]
    assert [row["length"] for row in result.evidence] == [2, 6]
