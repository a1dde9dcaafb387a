"""dedup.semantic"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import UsageError
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.dedup.semantic import Semantic
from tamis.steps.embed.text import Text
from tamis.testing import run_step

V = {"vectors": "column:vector"}
EAST, NEAR, NORTH = [1.0, 0.0], [1.0, 0.2], [0.0, 1.0]


def rows(*vectors: Any, texts: tuple[str | None, ...] = (), **more: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "prompt": texts[n] if texts else f"text {'a' * n}",
            "vector": v,
            **{k: values[n] for k, values in more.items()},
        }
        for n, v in enumerate(vectors)
    ]


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    (V, rows(EAST, NORTH, NEAR), ["kept", "kept", "same_meaning"]),
    ({**V, "threshold": 0.99}, rows(EAST, NORTH, NEAR), ["kept", "kept", "kept"]),
    ({**V, "threshold": 1.0}, rows(EAST, [2.0, 0.0], NEAR), ["kept", "same_meaning", "kept"]),
    ({**V, "keep": "last"}, rows(EAST, NORTH, NEAR), ["same_meaning", "kept", "kept"]),
    ({**V, "keep": "longest"}, rows(EAST, NORTH, NEAR), ["same_meaning", "kept", "kept"]),
    ({**V, "keep": "column", "by": "score"}, rows(EAST, NEAR, NEAR, score=[1, 3, 2]), ["same_meaning", "kept", "same_meaning"]),
    (V, rows(None, [0.0, 0.0], None, [0.0, 0.0]), ["kept"] * 4),
    (V, rows(EAST, EAST, EAST, texts=("a", None, "a")), ["kept", "kept", "same_meaning"]),
    (V, rows(EAST, EAST, texts=("It is open", "It isn't open")), ["kept", "kept"]),
    (V, rows(EAST, EAST, texts=("Two dogs", "Three dogs")), ["kept", "kept"]),
    (V, rows(EAST, EAST, texts=("I paid 1,000 for 3", "3 cost me 1000")), ["kept", "same_meaning"]),
    ({**V, "guard": ["negation"]}, rows(EAST, EAST, texts=("Pay 10", "Pay 100")), ["kept", "same_meaning"]),
    ({**V, "guard": []}, rows(EAST, EAST, texts=("It is open", "It is not open")), ["kept", "same_meaning"]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "given", "expected"), CASES)
def test_cases(settings: dict[str, Any], given: Any, expected: Any) -> None:
    assert run_step(Semantic.model_validate(settings), given).outcomes == expected


def test_a_row_goes_into_the_most_similar_that_stays_and_rows_that_stay_tell_how_near_they_are() -> None:
    found = run_step(Semantic(**V, threshold=0.9, floor=0.5), rows([1, 0], [0.7, 0.7], [0.55, 0.8], [0.1, 1]))
    assert found.into == [None, None, 1, None]
    told = [row.get("similarity") for row in found.evidence]
    assert told[0] is None
    assert told[1] == pytest.approx(0.7071, abs=3e-4)
    assert told[2] == pytest.approx(0.9834, abs=3e-4)
    assert told[3] == pytest.approx(0.7740, abs=3e-4)


def test_near_rows_are_no_chain() -> None:
    angle = np.linspace(0, np.pi / 2, 31)
    found = run_step(Semantic(**V, threshold=0.95), rows(*np.stack([np.cos(angle), np.sin(angle)], axis=1).tolist()))
    for row, into in enumerate(found.into):
        if into is not None:
            assert found.kinds[into] == "kept"
            assert np.cos(angle[row] - angle[into]) >= 0.9497
    assert found.kinds.count("kept") == 5


def test_a_column_without_vectors_is_refused() -> None:
    with pytest.raises(UsageError, match="holds no vectors"):
        run_step(Semantic(vectors="column:note"), [{"prompt": "a", "note": "b"}])


def recipe(texts: list[str | None], **settings: Any) -> Recipe:
    return Recipe(
        name="near",
        models={"embedder": "local/default"},
        sources=[
            Frames(data=[{"key": str(n), "text": text} for n, text in enumerate(texts)], name="inbox", id=("key",))
        ],
        steps=[Text(view="column:text"), Semantic(view="column:text", **settings)],
        deliver=[Jsonl(path="dist/out")],
    )


def left(folder: Path) -> list[str]:
    return [json.loads(line)["key"] for line in (folder / "dist/out/data.jsonl").read_text().splitlines()]


def test_a_run_merges_what_was_embedded(tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    texts = [
        "Where is my card?",
        "Where's my card?",
        "I want a refund",
        "Where is my card",
        None,
        "I do not want a refund",
    ]
    execute(recipe(texts), tmp_path)
    assert left(tmp_path) == ["0", "2", "4", "5"]


def test_denials_among_people_s_contradictions_are_not_merged(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    with gzip.open(data / "neardup-sick/sick_train.jsonl.gz", "rt", encoding="utf-8") as file:
        pairs = [pair for pair in map(json.loads, file) if pair["entailment_judgment"] == "CONTRADICTION"]
    texts = [text for pair in pairs[:200] for text in (pair["sentence_A"], pair["sentence_B"])]
    merged = {}
    for name, guard in (("with", ("numbers", "negation")), ("without", ())):
        execute(recipe(texts, guard=guard), tmp_path / name)
        merged[name] = len(texts) - len(left(tmp_path / name))
    assert merged["with"] < merged["without"]
