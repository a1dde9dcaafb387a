"""decontaminate.embedding"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.llm.local_embed import local_embedder
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.decontaminate.embedding import Embedding
from tamis.steps.embed.text import Text
from tamis.testing import run_step

pytest.importorskip("wordllama")

HERE = Path(__file__).parent
TEST = HERE / "near_items.jsonl"
GAS, SONG = "What gas do plants take in from the air?", "Who wrote this song, and when?"
V = {"vectors": "column:vector", "against": str(TEST)}


def rows(*texts: str | None) -> list[dict[str, Any]]:
    made = local_embedder("default").embed(pl.Series([text or "" for text in texts]))[0].tolist()
    return [{"prompt": text, "vector": vector} for text, vector in zip(texts, made, strict=True)]


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    (V, rows(GAS, SONG), ["near_test_item", "kept"]),
    ({**V, "threshold": 1.0}, rows(GAS, SONG), ["kept", "kept"]),
    ({**V, "in": "response"}, [{**row, "response": None} for row in rows(GAS)], ["kept"]),
    (V, [{"prompt": GAS, "vector": None}, {"prompt": GAS, "vector": [0.0] * 256}], ["kept", "kept"]),
]


@pytest.mark.parametrize(("settings", "given", "expected"), CASES)
def test_cases(settings: dict[str, Any], given: Any, expected: Any) -> None:
    assert run_step(Embedding.model_validate(settings), given).outcomes == expected


def test_the_evidence_names_the_nearest_item_of_all() -> None:
    found = run_step(Embedding.model_validate(V), rows(SONG, GAS, "How many legs has a spider got?"))
    assert found.evidence[1]["item"] == "near_items/gas"
    assert found.evidence[1]["item_text"] == "Which gas do plants take in from the air?"
    items = [json.loads(line)["question"] for line in TEST.read_text().splitlines()]
    a, b = (local_embedder("default").embed(pl.Series(t))[0].astype(np.float64) for t in ([GAS], items))
    cosines = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    assert found.evidence[1]["similarity"] == pytest.approx(cosines.max(), abs=1e-3)
    assert found.evidence[0].get("item") is None


def test_a_model_elsewhere_is_refused() -> None:
    with pytest.raises(ValidationError, match="on this machine"):
        Embedding(against=TEST, model="openai/text-embedding-3-small")


def test_vectors_of_another_width_are_refused() -> None:
    with pytest.raises(UsageError, match="2 dimensions"):
        run_step(Embedding.model_validate(V), [{"prompt": GAS, "vector": [1.0, 0.0]}])


def recipe(view: str) -> Recipe:
    data = [{"key": str(n), "text": text, "other": "a"} for n, text in enumerate([SONG, GAS, None])]
    return Recipe(
        name="near",
        models={"embedder": "local/default"},
        sources=[Frames(data=data, name="inbox", id=("key",))],
        steps=[Text(view="column:text"), Embedding(against=TEST, view=view)],
        deliver=[Jsonl(path="dist/out")],
    )


def test_a_run_drops_what_is_near(tmp_path: Path) -> None:
    execute(recipe("column:text"), tmp_path)
    lines = (tmp_path / "dist/out/data.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["0", "2"]


def test_vectors_that_the_model_did_not_make_of_this_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="other values"):
        execute(recipe("column:other"), tmp_path)
