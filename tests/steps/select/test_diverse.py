"""select.diverse"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.engine.quantised import LENGTH, quantise
from tamis.engine.spread import best_servers, farthest_first, worth_against_likeness
from tamis.steps.select.diverse import Diverse
from tamis.testing import run_step

V = {"vectors": "column:vector"}
BUNCH = [[1.0, 0.0], [1.0, 0.1], [1.0, 0.05], [0.0, 1.0], [0.1, 1.0]]


def rows(*vectors: Any, **more: list[Any]) -> list[dict[str, Any]]:
    return [{"prompt": "a", "vector": v, **{k: values[n] for k, values in more.items()}} for n, v in enumerate(vectors)]


OUT = "not_chosen"
CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({**V, "count": 2}, rows(*BUNCH), [OUT, "kept", OUT, "kept", OUT]),
    ({**V, "count": 2, "method": "k_centre"}, rows(*BUNCH, [-1.0, 0.0]), [OUT, OUT, OUT, OUT, "kept", "kept"]),
    (
        {**V, "count": 2, "method": "mmr", "score": "score"},
        rows(*BUNCH, score=[5, 4, 3, 2, 1]),
        ["kept", OUT, OUT, "kept", OUT],
    ),
    (
        {**V, "count": 2, "method": "mmr", "score": "score", "balance": 1.0},
        rows(*BUNCH, score=[5, 4, None, 2, 1]),
        ["kept", "kept", "no_value", OUT, OUT],
    ),
    ({**V, "count": 3}, rows([1.0, 0.0], None, [0.0, 0.0]), ["kept", "no_value", "no_value"]),
    ({**V, "count": 3, "nulls": "keep"}, rows([1.0, 0.0], None), ["kept", "kept"]),
]


@pytest.mark.parametrize(("settings", "given_rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], given_rows: Any, expected: Any) -> None:
    assert run_step(Diverse.model_validate(settings), given_rows).outcomes == expected


def test_the_evidence_tells_the_order_and_how_well_each_row_is_covered() -> None:
    found = run_step(Diverse(**V, count=2), rows(*BUNCH))
    assert [told.get("rank") for told in found.evidence] == [None, 1, None, 2, None]
    assert all(told["similarity"] > 0.99 for told in found.evidence)


@pytest.mark.parametrize("settings", [{"method": "mmr"}, {"score": "score"}])
def test_a_score_goes_with_mmr_only(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="score"):
        Diverse(**V, count=1, **settings)


# -- the obvious twins -----------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 20))
def test_the_same_as_looking_at_every_row_each_time(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    whole, _ = quantise(np.concatenate([rng.normal(size=(n, d)), np.ones((1, d))]))
    n += 1
    count = int(rng.integers(1, n + 1))
    product = whole.astype(np.int64) @ whole.astype(np.int64).T

    order = farthest_first(whole, count).order.tolist()
    for k in range(1, count):
        left = [i for i in range(n) if i not in order[:k]]
        assert order[k] == min(left, key=lambda i: (max(product[i, j] for j in order[:k]), i))

    ground = np.sort(rng.permutation(n)[: max(1, n // 2)])
    served = np.maximum(product[:, ground], 0) // 512
    level, mine = np.zeros(len(ground), np.int64), []
    for _ in range(count):
        left = [i for i in range(n) if i not in mine]
        mine.append(max(left, key=lambda i: (np.maximum(served[i] - level, 0).sum(), -i)))
        level = np.maximum(level, served[mine[-1]])
    found = best_servers(whole, count, ground)
    assert found.order.tolist() == mine
    for i in range(n):
        assert found.product[i] == max(product[i, j] for j in mine)

    worth, balance = rng.integers(0, 5, n) / 4, 0.5
    order = worth_against_likeness(whole, worth, count, balance).order.tolist()
    for k in range(1, count):
        left = [i for i in range(n) if i not in order[:k]]
        value = {
            i: balance * worth[i] - (1 - balance) * (max(product[i, j] for j in order[:k]) / LENGTH**2) for i in left
        }
        assert order[k] == max(left, key=lambda i: (value[i], -i))
