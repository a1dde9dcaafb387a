"""map.text"""

from __future__ import annotations

from typing import Any

from tamis.steps.map.text import Text
from tamis.testing import run_step

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"source.text": "once"}, "kept"),
    ({}, {"source.text": None}, "not_this_shape"),
]


def test_documents() -> None:
    result = run_step(Text(), [{"source.text": value} for value in ("Once", "", None, "[1]\x00🙂")])
    assert [row["text"] for row in result.kept] == ["Once", "", "[1]\x00🙂"]
    assert result.outcomes == ["kept", "kept", "not_this_shape", "kept"]
    assert result.evidence[2]["problem"] == "text is null"
