"""select.deita"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import tamis
from tamis.core.errors import UsageError
from tamis.steps.select.deita import Deita
from tamis.testing import run_step


def row(score: Any, vector: Any, **more: Any) -> dict[str, Any]:
    return {"prompt": "?", "response": "x", "source.score": score, "source.vector": vector, **more}


SETTINGS = {"score": "score", "vectors": "vector"}
NEAR, ALSO_NEAR, FAR = [1.0, 0.0], [1.0, 0.1], [0.0, 1.0]

CASES: list[Any] = [
    (SETTINGS, [row(2.0, NEAR), row(3.0, ALSO_NEAR), row(1.0, FAR)], ["too_similar", "kept", "kept"]),
    ({**SETTINGS, "count": 1}, [row(2.0, NEAR), row(3.0, FAR)], ["not_among_best", "kept"]),
    (SETTINGS, [row(None, NEAR), row(1.0, None), row(2.0, [0.0, 0.0]), row(0.0, FAR)], ["no_value"] * 3 + ["kept"]),
    ({**SETTINGS, "nulls": "keep"}, [row(None, NEAR), row(1.0, None)], ["kept", "kept"]),
    # equal scores go by row order
    (SETTINGS, [row(1.0, NEAR), row(1.0, ALSO_NEAR)], ["kept", "too_similar"]),
    ({**SETTINGS, "threshold": 1}, [row(1.0, NEAR), row(1.0, NEAR)], ["kept", "kept"]),
]


@pytest.mark.parametrize(("settings", "rows", "outcomes"), CASES)
def test_outcomes(settings: dict[str, Any], rows: list[dict[str, Any]], outcomes: list[str]) -> None:
    assert run_step(Deita(**settings), rows).outcomes == outcomes


def angle(degrees: float) -> list[float]:
    return [float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))]


def test_it_is_similarity_that_is_bounded_not_distance() -> None:
    """A filter on distance >= 0.9 keeps nothing of what is unlike, and one on the global neighbour drops both copies."""
    rng = np.random.default_rng(0)
    unlike = rng.standard_normal((200, 64))
    copies = unlike[:20] + 0.001
    rows = [row(float(200 - k), v) for k, v in enumerate(np.concatenate([unlike, copies]).tolist())]
    result = run_step(Deita(**SETTINGS), rows)
    assert result.outcomes == ["kept"] * 200 + ["too_similar"] * 20


def test_a_row_left_out_keeps_nobody_out() -> None:
    """20 degrees apart is too near, 40 is not: b is near a, c is near b alone."""
    a, b, c = row(3.0, angle(0)), row(2.0, angle(20)), row(1.0, angle(40))
    assert run_step(Deita(**SETTINGS), [c, a, b]).outcomes == ["kept", "kept", "too_similar"]


def test_the_best_row_always_stays() -> None:
    rows = [row(float(k), NEAR) for k in range(5)]
    assert run_step(Deita(**SETTINGS, threshold=-1), rows).outcomes == ["too_similar"] * 4 + ["kept"]


def test_opposite_directions_are_unlike() -> None:
    assert run_step(Deita(**SETTINGS, threshold=0), [row(1.0, [1, 0]), row(1.0, [-1, 0])]).outcomes == ["kept"] * 2


def test_the_evidence_says_how_near_to_whom() -> None:
    result = run_step(Deita(**SETTINGS, count=2), [row(1.0, NEAR), row(3.0, ALSO_NEAR), row(2.0, FAR), row(0.5, FAR)])
    first, second, third, fourth = result.evidence
    assert second == {"rank": 1, "score": 3.0, "similarity": None, "nearest": None}
    assert third["similarity"] == pytest.approx(0.0995, abs=1e-4)
    assert (third["rank"], third["nearest"]) == (2, f"{1:032x}")
    assert result.outcomes == ["not_among_best", "kept", "kept", "not_among_best"]
    assert (first["similarity"], fourth["rank"]) == (None, 4)


def test_scores_are_multiplied_turn_by_turn() -> None:
    """As DEITA has it: complexity times quality of each turn, summed; so a long chat wins, unless turns are averaged."""
    long = row([1.0, 1.0, 1.0], NEAR, **{"source.quality": [2.0, 2.0, 2.0]})
    short = row([2.0], ALSO_NEAR, **{"source.quality": [2.0]})
    both = {"score": ("score", "quality"), "vectors": "vector"}
    assert run_step(Deita(**both), [long, short]).outcomes == ["kept", "too_similar"]
    assert run_step(Deita(**both, turns="mean"), [long, short]).outcomes == ["too_similar", "kept"]


def test_columns_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match=r"'source\.vector' holds Float64, not lists of numbers"):
        run_step(Deita(**SETTINGS), [row(1.0, 2.0)])
    with pytest.raises(UsageError, match=r"'source\.score' holds texts that are no JSON lists"):
        run_step(Deita(**SETTINGS), [row("good", NEAR)])
    with pytest.raises(ValidationError):
        Deita(**SETTINGS, threshold=90)


def test_in_a_run_vectors_may_come_from_a_file(tmp_path: Path) -> None:
    rows = [{"text": f"row {k}", "score": k % 7, "vector": angle(float(3 * k))} for k in range(60)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "recipe.yaml").write_text(
        "tamis: 1\nname: best\nsources:\n  - {use: files, path: rows.jsonl}\nsteps:\n  - use: map.text\n"
        "  - {use: select.deita, score: score, vectors: vector, count: 4}\n"
        "deliver:\n  - {use: jsonl, path: dist/best, columns: [text, score]}\n"
    )
    result = tamis.run(tmp_path / "recipe.yaml")
    assert result.account == "60 in = 4 kept + 56 dropped"
    delivered = [json.loads(line) for line in (tmp_path / "dist/best/data.jsonl").read_text().splitlines()]
    order = sorted(range(60), key=lambda k: (-rows[k]["score"], k))  # type: ignore[operator]
    kept: list[int] = []
    for k in order:
        if all(np.cos(np.radians(3 * (k - other))) <= 0.9 for other in kept) and len(kept) < 4:
            kept.append(k)
    assert [r["text"] for r in delivered] == [f"row {k}" for k in sorted(kept)]
