"""filter.language"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis.steps.filter.language import Language
from tamis.testing import run_step

GERMAN = "Das Paket ist auf dem Weg zu Ihnen und kommt morgen an."
ENGLISH = "The parcel is on its way to you and will arrive tomorrow."
CROATIAN = "Paket je na putu prema vama i trebao bi stići sutra ujutro, hvala na strpljenju."
CASES: list[Any] = [
    ({"keep": ["en"]}, {"response": ENGLISH}, "kept"),
    ({"keep": ["en"]}, {"response": GERMAN}, "other_language"),
    ({"keep": ["en", "de"]}, {"response": GERMAN}, "kept"),
    ({"keep": ["en"]}, {"response": "包裹正在路上，明天就会送到您那里。"}, "other_language"),
    ({"keep": ["zh"]}, {"response": "包裹正在路上，明天就会送到您那里。"}, "kept"),
    ({"keep": ["hr"]}, {"response": CROATIAN}, "kept"),
    ({"keep": ["en"]}, {"response": "Danke schön!"}, "kept"),
    ({"keep": ["en"], "min_letters": 5}, {"response": GERMAN[:30]}, "other_language"),
    ({"keep": ["en"]}, {"response": "12 + 30 = 42"}, "kept"),
    ({"keep": ["en"], "unknown": "drop", "min_letters": 0}, {"response": "12 + 30 = 42"}, "unknown_language"),
    ({"keep": ["en"], "unknown": "drop", "min_confidence": 1.0}, {"response": GERMAN}, "unknown_language"),
    ({"keep": ["en"], "min_confidence": 1.0}, {"response": GERMAN}, "kept"),
    ({"keep": ["en"], "in": "prompt"}, {"prompt": GERMAN, "response": ENGLISH}, "other_language"),
]


def test_the_language_and_the_confidence_of_each_row_are_told() -> None:
    evidence = run_step(
        Language(keep=("en",)), [{"response": ENGLISH}, {"response": GERMAN}, {"response": "42"}]
    ).evidence
    assert [row["language"] for row in evidence] == ["en", "de", "und"]
    assert evidence[0]["confidence"] > 0.9
    assert evidence[1]["confidence"] > 0.9
    assert evidence[2]["confidence"] == 0


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown language 'eng'; did you mean 'en'"):
        Language(keep=("eng",))
    with pytest.raises(ValidationError, match="keep"):
        Language(keep=())
