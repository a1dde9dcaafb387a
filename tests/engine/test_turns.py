"""Scores of turns made scores of conversations."""

from __future__ import annotations

import polars as pl
import pytest

from tamis.engine.turns import product

LISTS = pl.Series([[1.0, 2.0], [3.0], [], None, [1.0, None], [1.0, 1.0]])


def test_turns_are_multiplied_then_summed_or_averaged() -> None:
    other = pl.Series([[2.0, 5.0], [4.0], [], [1.0], [1.0, 1.0], [1.0]])
    assert product([LISTS, other], "sum").to_list() == [12.0, 12.0, None, None, None, None]
    assert product([LISTS, other], "mean").to_list() == [6.0, 12.0, None, None, None, None]
    assert product([LISTS], "sum").to_list() == [3.0, 3.0, None, None, None, 2.0]


def test_a_number_counts_for_every_turn() -> None:
    assert product([LISTS, pl.Series([2, 2, 2, 2, 2, None])], "sum").to_list() == [6.0, 6.0, None, None, None, None]


def test_numbers_alone_are_multiplied() -> None:
    found = product([pl.Series([2, 3, None, 1]), pl.Series([0.5, float("nan"), 1.0, float("inf")])], "sum")
    assert found.to_list() == [1.0, None, None, None]


def test_lists_may_be_json() -> None:
    assert product([pl.Series(["[1, 2]", None])], "sum").to_list() == [3.0, None]
    for strange in (pl.Series(["good"]), pl.Series([["a"]])):
        with pytest.raises(TypeError):
            product([strange], "sum")
