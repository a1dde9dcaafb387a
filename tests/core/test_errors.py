"""Errors travel between processes as they are."""

from __future__ import annotations

import copy

import pytest

from tamis.core import errors
from tamis.core.errors import MissingExtra, RecipeError, TamisError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TamisError)]


def made(kind: type[TamisError]) -> TamisError:
    """One of a kind."""
    if kind is RecipeError:
        return RecipeError("recipe.yaml", ["line 3: no", "line 5: not that either"])
    if kind is MissingExtra:
        return MissingExtra("--on ray", "ray")
    return kind("what happened", hint="what to do")


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_by_way_of_what_is_pickled_is_the_same(kind: type[TamisError]) -> None:
    error = made(kind)
    again = copy.copy(error)
    assert type(again) is kind
    assert (str(again), again.hint, again.exit_code) == (str(error), error.hint, error.exit_code)
    assert (vars(again), again.args) == (vars(error), error.args)
