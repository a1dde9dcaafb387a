"""filter.readability"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.steps.filter.readability import Readability
from tamis.testing import run_step

EASY = "The sun is up. The dog ran to the big red barn. He saw a cat and a hen. They all had fun in the mud. " * 2
HARD = (
    "Notwithstanding considerable organisational heterogeneity, interdepartmental coordination deteriorated "
    "substantially, precipitating unanticipated administrative complications and jeopardising institutional credibility "
    "among internationally recognised accreditation organisations, philanthropic contributors and representatives. "
) * 2
GERMAN = "Der Hund lief in das Haus und sah die Katze. Sie saß auf dem Tisch und trank Milch. Da kam der Bauer. " * 2
CASES: list[Any] = [
    ({}, {"response": EASY}, "kept"),
    ({}, {"response": HARD}, "kept"),
    ({"max": 14}, [{"response": EASY}, {"response": HARD}], ["kept", "above_max"]),
    ({"min": 3}, [{"response": EASY}, {"response": HARD}], ["below_min", "kept"]),
    ({"scale": "ease", "min": 30}, [{"response": EASY}, {"response": HARD}], ["kept", "below_min"]),
    ({"scale": "lix", "max": 40}, [{"response": GERMAN}, {"response": HARD}], ["kept", "above_max"]),
    ({"max": 14}, {"response": "Institutional heterogeneity."}, "kept"),
    ({"max": 14, "min_words": 1}, {"response": "Institutional heterogeneity."}, "above_max"),
    ({"max": 14}, {"response": f"```text\n{HARD}\n```\n{EASY}"}, "kept"),
    ({"max": 14}, {"response": None}, "kept"),
    ({"max": 14, "in": "prompt"}, {"prompt": HARD, "response": "Yes."}, "above_max"),
]


def test_the_figures_are_those_of_the_formulas() -> None:
    """Ten words, two sentences, twelve syllables, one long word (counted by hand)."""
    rows = [{"response": "The teacher gave me a book. I read it all."}]
    expected = {"ease": 206.835 - 1.015 * 5 - 84.6 * 1.1, "grade": 0.39 * 5 + 11.8 * 1.1 - 15.59, "lix": 5 + 100 / 10}
    for scale, figure in expected.items():
        step = Readability.model_validate({"scale": scale, "min_words": 1})
        evidence = run_step(step, rows).evidence[0]
        assert (evidence["words"], evidence["sentences"]) == (10, 2)
        assert evidence["figure"] == pytest.approx(figure, abs=0.011)


def test_a_list_is_not_one_long_sentence() -> None:
    items = "".join(
        f"- item number {word} of the long list\n" for word in ("one", "two", "three", "four", "five", "six")
    )
    assert run_step(Readability(), [{"response": items}]).evidence[0]["sentences"] == 6


def test_too_few_words_have_no_figure() -> None:
    assert run_step(Readability(), [{"response": "Short."}]).evidence[0]["figure"] is None


def test_impossible_bounds_are_refused() -> None:
    with pytest.raises(ValidationError, match="every row would be dropped"):
        Readability(min=10, max=5)


def test_real_answers_are_read_as_people_would_grade_them(data: Path) -> None:
    rows = json.loads(gzip.decompress((data / "llama-factory-demo/alpaca_en_demo.json.gz").read_bytes()))
    evidence = run_step(Readability(), [{"response": row["output"]} for row in rows]).evidence
    figures = sorted(one["figure"] for one in evidence if one["figure"] is not None)
    assert 9 <= figures[len(figures) // 2] <= 14
    assert figures[len(figures) * 98 // 100] <= 25
