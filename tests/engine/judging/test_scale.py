"""Levels, rubrics, canaries, and scores from tokens."""

from __future__ import annotations

import math

import pytest

from tamis.core.calls import Token
from tamis.core.errors import UsageError
from tamis.engine.judging.scale import ASPECTS, KINDS, LEVELS, as_rubric, canaries, score_of, shipped_rubrics
from tamis.engine.judging.tokens import expected_score


def test_shipped_rubrics_anchor_every_level() -> None:
    assert set(ASPECTS) | {"overall", "summary"} <= set(shipped_rubrics())
    for name in shipped_rubrics():
        rubric = as_rubric(name)
        assert list(rubric.levels) == list(LEVELS)
        assert all(len(told) > 10 for told in rubric.levels.values())
        assert all(f"- {level}: {rubric.levels[level]}" in rubric.text for level in LEVELS)


def test_own_words_are_a_rubric_and_a_misspelt_name_is_none() -> None:
    assert "- very bad\n" in as_rubric("Is it polite?").text
    assert as_rubric("instruction-following").name == "instruction_following"
    with pytest.raises(UsageError, match="helpfulness"):
        as_rubric("helpfulnes")


def test_canaries_are_of_every_kind_among_any_first_three() -> None:
    found = canaries()
    assert len(found) == 12
    assert len({one.name for one in found}) == 12
    assert [one.kind for one in found[:3]] == list(KINDS)
    assert all(one.response.startswith(bad.response) for bad, one in zip(found[1::3], found[2::3], strict=True))


@pytest.mark.parametrize(("value", "score"), [(True, None), (None, None), ("5", None), (-1, None), ("excellent", 4.0)])
def test_what_people_gave(value: object, score: float | None) -> None:
    assert score_of(value) == score


def test_expected_score_is_renormalised_over_the_score_tokens() -> None:
    top = (("4", math.log(0.3)), (" 4", math.log(0.1)), ("5", math.log(0.2)), ("ok", math.log(0.4)))
    told = expected_score([Token("4", math.log(0.3), top)])
    assert told is not None
    assert told.score == pytest.approx((4 * 0.4 + 5 * 0.2) / 0.6, abs=1e-5)
    assert told.seen == pytest.approx(0.6, abs=1e-5)
    assert told.missing == 4


def test_the_chosen_token_counts_where_it_is_not_among_the_top() -> None:
    told = expected_score([Token("2", math.log(0.5), ())])
    assert told is not None
    assert (told.score, told.missing) == (2.0, 5)


def test_ten_is_no_one() -> None:
    assert expected_score([Token("1", -0.1), Token("0", -0.1)]) is None
    assert expected_score([Token("10", -0.1)]) is None


def test_the_score_may_stand_behind_words() -> None:
    told = expected_score([Token("Score", -0.1), Token(":", -0.1), Token(" 6", -0.1, ((" 6", -0.1),))])
    assert told is not None
    assert told.score == 6.0


def test_no_score_is_made_up() -> None:
    assert expected_score([Token("I", -0.1), Token(" think", -0.1)]) is None
    assert expected_score([]) is None
