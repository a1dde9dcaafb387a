"""engine.pii_ner: with a real spaCy pipeline that holds no trained weights, where spaCy is installed."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import UsageError
from tamis.engine.pii import KINDS, find
from tamis.engine.pii_ner import entities, load, versions
from tamis.engine.text import to_text
from tamis.steps.privacy.detect import Detect
from tamis.testing import run_step


def has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A blank English pipeline whose rule calls "Ada Lovelace" a person and "Paris" a place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spacy: Any = pytest.importorskip("spacy", reason="spaCy is not installed: pip install 'tamis[pii]'")
        pipeline = spacy.blank("en")
        ruler = pipeline.add_pipe("entity_ruler")
        ruler.add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "GPE", "pattern": "Paris"}])
        path = tmp_path_factory.mktemp("model") / "blank"
        pipeline.to_disk(path)
    return path


@pytest.mark.filterwarnings("ignore")
def test_names_that_a_pipeline_finds(folder: Path) -> None:
    text = to_text(pl.Series(["", "Grüße von Ada Lovelace aus Paris", None]))
    found = find(text, ner=f"spacy:{folder}")
    assert found.row.tolist() == [1]
    assert KINDS[found.kind[0]] == "person"
    raw = "Grüße von Ada Lovelace aus Paris".encode()
    assert raw[found.start[0] : found.end[0]] == b"Ada Lovelace"


@pytest.mark.filterwarnings("ignore")
def test_the_step_asks_the_model(folder: Path) -> None:
    step = Detect(ner=f"spacy:{folder}", drop=["person"])
    assert run_step(step, [{"response": "Ada Lovelace wrote it"}, {"response": "It rains"}]).outcomes == [
        "personal",
        "kept",
    ]
    assert step.key() != Detect(drop=["person"]).key()


@pytest.mark.filterwarnings("ignore")
def test_presidio_over_a_pipeline(folder: Path) -> None:
    if not has("presidio_analyzer"):
        pytest.skip("Presidio is not installed: pip install 'tamis[pii]'")
    text = to_text(pl.Series(["Ada Lovelace, ada@example.org, card 4111 1111 1111 1111"]))
    assert {kind for _, _, _, kind, _ in entities(text, f"presidio:{folder}")} >= {"person", "card"}


@pytest.mark.filterwarnings("ignore")
def test_a_model_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError) as caught:
        load("spacy:no_such_model")
    wanted = "python -m spacy download no_such_model" if has("spacy") else "pip install 'tamis[pii]'"
    assert wanted in str(caught.value.hint)


def test_a_missing_library_is_told_with_the_command() -> None:
    if has("gliner"):
        pytest.skip("GLiNER is installed")
    with pytest.raises(UsageError) as caught:
        load("gliner:somewhere")
    assert caught.value.hint == "pip install gliner"


def test_versions_name_the_model() -> None:
    assert versions("spacy:en_core_web_sm")[0] == "spacy:en_core_web_sm"
