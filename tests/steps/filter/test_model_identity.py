"""filter.model_identity"""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tamis.engine.identity_phrases import table
from tamis.engine.kernels.phrases import mark_phrases
from tamis.engine.model_identity import find_claims
from tamis.steps.filter.model_identity import ModelIdentity
from tamis.testing import run_step

CASES: list[Any] = [
    ({}, {"response": "I am ChatGPT."}, "names_model"),
    ({}, {"response": "I was trained by OpenAI."}, "names_maker"),
    ({}, {"response": "My knowledge cutoff is 2021."}, "knowledge_cutoff"),
    ({}, {"response": "As an AI, I cannot taste."}, "kept"),
    ({"claims": ("ai",)}, {"response": "As an AI, I cannot taste."}, "says_ai"),
    ({"claims": ("ai",)}, {"response": "I am an AI researcher."}, "kept"),
    ({"claims": ("cutoff",)}, {"response": "I am ChatGPT."}, "kept"),
    ({}, {"response": "ChatGPT is a product of OpenAI."}, "kept"),
    ({}, {"response": None}, "kept"),
    ({"allow": ("Sparrow", "Acme")}, {"response": "I am Sparrow, an AI assistant made by Acme."}, "kept"),
    ({"allow": ("Acme",)}, {"response": "I am ChatGPT, an AI assistant made by Acme."}, "names_model"),
    ({"allow": ("ChatGPT", "OpenAI")}, {"response": "I am ChatGPT, developed by OpenAI."}, "kept"),
    ({"in": "system"}, {"system": "You are ChatGPT, trained by OpenAI.", "response": "Hi"}, "names_model"),
    ({"in": "system"}, {"system": "You are a helpful assistant.", "response": "Hi"}, "kept"),
    ({"in": "text"}, {"text": "I'm Claude, an AI assistant."}, "names_model"),
]


def labelled() -> ModuleType:
    spec = importlib.util.spec_from_file_location("labelled", Path(__file__).parent / "labelled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("held", [False, True])
def test_the_labelled_sample_is_judged_as_the_docs_say(held: bool) -> None:
    rows = labelled().sample("model_identity", held=held)
    outcomes = run_step(ModelIdentity(), [{"response": row["text"]} for row in rows]).outcomes
    judged = dict(zip((row["text"] for row in rows), outcomes, strict=True))
    precision, recall = labelled().precision_recall(rows, lambda row: judged[row["text"]] != "kept")
    assert len(rows) == (36 if held else 72)
    assert precision >= 0.95
    assert recall >= 0.95


@pytest.mark.parametrize("kinds", [("name", "maker", "cutoff"), ("name", "maker", "cutoff", "ai")])
def test_the_kernel_marks_what_the_rules_find(kinds: tuple[str, ...]) -> None:
    for row in labelled().sample("model_identity"):
        if find_claims(row["text"], kinds):
            raw = np.frombuffer(row["text"].encode(), np.uint8)
            out = np.empty(1, np.int32)
            mark_phrases(raw, np.array([0, len(raw)]), table("ai" in kinds), out)
            assert out[0] >= 0, row["text"]


def test_the_span_points_at_the_claim() -> None:
    text = "Gern geschehen, Ömer! I am ChatGPT."
    evidence = run_step(ModelIdentity(), [{"prompt": "Thanks", "response": text}]).evidence[0]
    assert (evidence["kind"], evidence["claims"], evidence["message"]) == ("name", 1, 1)
    assert text[evidence["start"] : evidence["end"]] == "I am ChatGPT"


def test_identity_rows_of_a_real_set_are_found(data: Path) -> None:
    """91 rows that teach a model its name and maker; some only greet or talk of privacy, and name nobody."""
    rows = json.loads((data / "llama-factory-demo/identity.json").read_text(encoding="utf-8"))
    told = [row for row in rows if "{{author}}" in row["output"]]
    outcomes = run_step(ModelIdentity(), [{"response": row["output"]} for row in told]).outcomes
    assert len(told) > 50
    assert outcomes.count("kept") / len(told) <= 0.05
    mine = run_step(ModelIdentity(allow=("{{author}}",)), [{"response": row["output"]} for row in told]).outcomes
    assert mine.count("kept") / len(told) >= 0.95


def test_good_instruction_rows_stay(data: Path) -> None:
    path = data / "gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz"
    rows = json.loads(gzip.decompress(path.read_bytes()))
    result = run_step(ModelIdentity(), [{"response": row["response"]} for row in rows])
    assert result.line == f"{len(rows)} in = {len(rows)} kept"
