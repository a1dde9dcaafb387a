"""filter.grounding"""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.engine.grounding import candidates, check
from tamis.engine.text import to_text
from tamis.steps.filter.grounding import Grounding
from tamis.testing import run_step

ALL = ("numbers", "dates", "names", "links", "emails")
MAIL = "Anna owes 1,200 euros since 3 March. Ask bob@acme.example or see https://acme.example/pay at 2 p.m."


def row(response: str | None, prompt: str | None = MAIL) -> dict[str, Any]:
    return {"prompt": prompt, "response": response}


CASES: list[Any] = [
    ({"kinds": ALL}, row("Anna owes 1200 euros since 03/03."), "kept"),
    ({"kinds": ALL}, row("Anna owes 1300 euros."), "ungrounded"),
    ({"kinds": ("names",)}, row("Anna owes 1300 euros."), "kept"),
    ({"kinds": ("names",)}, row("The money is owed by Berta."), "ungrounded"),
    ({"kinds": ("dates",)}, row("It is owed since 4 March."), "ungrounded"),
    ({"kinds": ("dates",)}, row("It is owed since march 3rd."), "kept"),
    ({"kinds": ("emails",)}, row("Ask bob@acme.example."), "kept"),
    ({"kinds": ("emails",)}, row("Ask rob@acme.example."), "ungrounded"),
    ({"kinds": ("links",)}, row("See www.acme.example/pay/."), "kept"),
    ({"kinds": ("links",)}, row("See https://acme.example/help."), "ungrounded"),
    ({"kinds": ("numbers",), "max_items": 1}, row("1300 euros"), "kept"),
    ({"kinds": ("numbers",), "max_share": 0.5}, row("1300 of 1200 euros"), "kept"),
    ({"kinds": ("numbers",)}, row("2400 euros", "two bills of 1,200 euros"), "ungrounded"),
    ({"kinds": ("numbers",), "derived": "keep"}, row("2400 euros", "two bills of 1,200 euros"), "kept"),
    ({"kinds": ALL}, row(None), "kept"),
    ({"kinds": ALL}, row("Berta, 17", None), "kept"),
    ({"kinds": ALL, "in": "column:a", "against": "column:b"}, {"a": "17", "b": "18"}, "ungrounded"),
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
    rows = labelled().sample("grounding", held=held)
    outcomes = run_step(Grounding(kinds=ALL), [row(one["text"], one["source"]) for one in rows]).outcomes
    judged = dict(zip(((one["source"], one["text"]) for one in rows), outcomes, strict=True))
    precision, recall = labelled().precision_recall(rows, lambda one: judged[one["source"], one["text"]] != "kept")
    assert len(rows) == (50 if held else 56)
    assert precision >= 0.95
    assert recall >= 0.9


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("one thousand two hundred and fifty people", "1,250 people"),
        ("half a million", "500,000"),
        ("twenty-three apples, a dozen eggs", "23 apples and 12 eggs"),
        ("3.50 euros", "3.5 euros"),
        ("5k steps", "5000 steps"),
        ("at 14:30", "at 2:30 p.m."),
        ("at 3 pm", "at 15:00"),
        ("the 3rd of March 2024", "2024-03-03, 3 March, 03.03.2024 and March 2024"),
        ("235 , 000 views", "235,000 views"),
        ("1.000.000 Euro", "1000000 Euro"),
        ("two points", "1. a point\n2. a point"),
        ("the americans", "Americans"),
        ("mail from anna", "Dear Anna,\n\nit is done.\n\nKind Regards\nYour Customer Service"),
        ("say hi to anna", "Hello Anna, how are you?"),
    ],
)
def test_the_same_in_other_words(source: str, answer: str) -> None:
    assert check(answer, source, ALL).ungrounded == []


def test_the_evidence_lists_what_is_missing() -> None:
    evidence = run_step(Grounding(kinds=ALL), [row("Ünal, 1300 euros, asks Berta.")]).evidence[0]
    assert json.loads(evidence["items"]) == [
        {"kind": "numbers", "text": "1300", "start": 6, "end": 10},
        {"kind": "names", "text": "Berta", "start": 23, "end": 28},
    ]
    assert (evidence["ungrounded"], evidence["share"], evidence["message"]) == (2, 1.0, 1)
    assert (evidence["start"], evidence["end"]) == (6, 10)


def test_kinds_are_asked_for() -> None:
    with pytest.raises(ValidationError, match="kinds"):
        Grounding()  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="checked against itself"):
        Grounding.model_validate({"kinds": ["names"], "in": "prompt"})


words = st.sampled_from(
    ["Anna", "Peter Miller", "the", "The", "March", "march 3", "3", "14:30", "1,200", "1200", "x-7", "Monday", "monday", "a@b.example",
     "https://a.example", "www.a.example", ". ", "\n", "1. ", "Ünal", "it", "IBM", "O'Neill", "10.0.0.7", "5%", "two", "Will", "Rome"]
)  # fmt: skip
texts = st.lists(words, max_size=8).map(" ".join)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5), st.sets(st.sampled_from(ALL), min_size=1))
@example([("march 3", "3"), ("Hello Osei", "Osei")], {"dates", "names"})
@settings(max_examples=300)
def test_the_kernel_marks_every_row_in_which_something_is_missing(
    pairs: list[tuple[str, str]], kinds: set[str]
) -> None:
    answers, sources = (to_text(pl.Series([pair[k] for pair in pairs], dtype=pl.String)) for k in (0, 1))
    marked = candidates(answers, sources, kinds)
    for (answer, source), found in zip(pairs, marked.tolist(), strict=True):
        if not found:
            assert check(answer, source, kinds).ungrounded == [], (answer, source)


def test_a_very_long_source_is_read_in_full() -> None:
    source = " ".join(f"w{k}" for k in range(5000))
    outcomes = run_step(Grounding(kinds=("numbers",)), [row("w4999", source), row("w5000", source)]).outcomes
    assert outcomes == ["kept", "ungrounded"]
    assert np.array_equal(candidates(to_text(pl.Series(["x"])), to_text(pl.Series([source])), {"numbers"}), [False])


def test_summaries_by_people_stay(data: Path) -> None:
    path = data / "dialogsum/dialogsum.dev.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    rows = [json.loads(line) for line in lines if line]
    own = run_step(Grounding(kinds=ALL), [row(one["summary"], one["dialogue"]) for one in rows]).outcomes
    assert own.count("kept") / len(own) >= 0.97
