"""score.grounded"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.judges import RUDE, judged, shown

from tamis.core.calls import Ask
from tamis.steps.score.grounded import Grounded

ROW = {"prompt": "The shop closes at six.", "response": "It closes at six."}


def claim(quote: str, verdict: str) -> dict[str, str]:
    return {"claim": "c", "quote": quote, "verdict": verdict}


def claims(*found: dict[str, str]) -> Any:
    return lambda role, ask: {"claims": list(found)}


def fair(role: str, ask: Ask) -> Any:
    bad = RUDE.search(shown(ask, "Answer"))
    source = shown(ask, "Source")
    return {"claims": [claim("" if bad else source, "contradicted" if bad else "supported")]}


GOOD, LOOSE, WRONG = claim("closes at six", "supported"), claim("", "unsupported"), claim("at six", "contradicted")
CASES: list[Any] = [
    ({}, ROW, "kept", fair),
    ({"min": 0.8}, ROW, "below", claims(GOOD, LOOSE)),
    ({"max_contradicted": 0}, ROW, "contradicted", claims(GOOD, WRONG)),
    ({"repeat": 1, "human": "source.h"}, {**ROW, "h": 0.5}, "kept", claims(GOOD)),
    ({"min": 0.8}, ROW, ["kept"], claims()),
]
QUIET: dict[str, Any] = {"canaries": 0, "repeat": 0}


def test_shares_of_claims() -> None:
    result, _ = judged(Grounded(**QUIET), [ROW], claims(GOOD, GOOD, LOOSE, WRONG))
    assert [result.column(f"score.grounded.{name}")[0] for name in ("score", "unsupported", "contradicted", "claims")] == [
        0.5, 0.25, 0.25, 4,
    ]  # fmt: skip
    assert len(json.loads(result.evidence[0]["claims"])) == 4


def test_support_must_be_quoted_from_the_source() -> None:
    made_up = claim("The shop sells tea.", "supported")
    result, _ = judged(Grounded(**QUIET), [ROW], claims(GOOD, made_up))
    assert result.column("score.grounded.score") == [0.5]
    assert json.loads(result.evidence[0]["claims"])[1]["misquoted"] is True
    loose, _ = judged(Grounded(quotes=False, **QUIET), [ROW], claims(GOOD, made_up))
    assert loose.column("score.grounded.score") == [1.0]


def test_no_claims_no_score() -> None:
    result, _ = judged(Grounded(min=1, **QUIET), [ROW], claims())
    assert result.column("score.grounded.score") == [None]
    assert result.column("score.grounded.claims") == [0]
    assert result.kinds == ["kept"]


def test_the_source_may_be_a_column() -> None:
    _, models = judged(Grounded(source="column:source.doc", **QUIET), [{**ROW, "doc": "Tea."}], claims())
    assert shown(models.asked[0][1], "Source") == "Tea."


@pytest.mark.parametrize(("script", "word"), [(fair, "passed"), (claims(), "failed")])
def test_canaries(script: Any, word: str) -> None:
    result, _ = judged(Grounded(repeat=0), [ROW] * 80, script)
    assert {one["canary"].rpartition(":")[2] for one in result.evidence} == {word}
