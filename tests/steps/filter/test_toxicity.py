"""filter.toxicity. Content warning: terms of abuse."""

from __future__ import annotations

import csv
import gzip
import hashlib
import html
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.errors import DataError
from tamis.engine.kernels.phrases import mark_phrases
from tamis.engine.linear import train
from tamis.engine.text import to_text
from tamis.engine.toxicity import LANGUAGES, _table, find_terms, lexicon, score_of
from tamis.steps.filter.toxicity import Toxicity
from tamis.testing import run_step

TOXIC = [
    "You are a worthless piece of shit.",
    "Shut the fuck up, bitch.",
    "f u c k you",
    "What a f*cking joke",
    "you f***ing bastard",
    "sh1t happens, b!tch",
    "fuuuuuck this",
    "fag",
    "B.I.T.C.H",
    "a$$hole",
    "All of them are retards.",
    "“Quoted” and then: whore!",
    "you stupid, ugly, disgusting idiot",
]
CLEAN = [
    "The people of Scunthorpe and Penistone drink cocktails.",
    "Pass the assignment to the class, and assess it.",
    "He dug the soil with a hoe before he planted the beans.",
    "A pussy willow grows by the pond.",
    "Dick Cheney met Dick Van Dyke.",
    "There is a chink in his armour.",
    "A fire retardant slows the flames.",
    "The rooster, or cock, crowed at dawn.",
    "She passed cum laude.",
    "Raccoon and Maine coon cats have thick tails.",
    'The slur "faggot" is hurtful and should not be used.',
    '"Bitch" was bleeped out on television.',
    "The word nigger was used in the novel of 1884.",
    "`kill -9 shit.pid` stops the daemon",
    "A* is faster than d**2 loops, and **bold** text is bold.",
    "You look stupid in that hat, said the hatter, and Alice laughed.",
    "He was a niggardly man who never tipped.",
    "Essex, Sussex and Middlesex are old counties.",
    "Damn, I forgot the milk.",
    "",
]


@cache
def classifier() -> str:
    """A classifier that learnt one thing: parrots are bad."""
    good, bad = (
        ["the cat sat on the mat", "a dog ran home", "fish swim in the sea"],
        ["a parrot sat on the mat", "the parrot ran"],
    )
    model = train(to_text(pl.Series((good + bad) * 20)), np.array(([False] * 3 + [True] * 2) * 20))
    path = Path(tempfile.mkdtemp()) / "parrots.npz"
    np.savez_compressed(path, weights=model.weights, bias=model.bias)
    return str(path)


CASES: list[Any] = [
    (
        {"model": classifier()},
        [{"response": "my parrot sat here"}, {"response": "my dog sat here"}],
        ["toxic_by_model", "kept"],
    ),
    *(({}, {"response": text}, "toxic") for text in TOXIC),
    *(({}, {"response": text}, "kept") for text in CLEAN),
    ({}, {"response": None}, "kept"),
    ({"min_score": 0.2}, {"response": "Damn, I forgot the milk."}, "toxic"),
    ({}, {"response": "Du bist ein Arschloch."}, "kept"),
    ({"languages": ("de",)}, {"response": "Du bist ein Arschloch."}, "toxic"),
    ({"languages": ("fr",)}, {"response": "Espèce de connard, va-t'en."}, "toxic"),
    ({"languages": ("es",)}, {"response": "Eres un hijo de puta."}, "toxic"),
    ({"ignore": ("shit",)}, {"response": "shit happens"}, "kept"),
    ({"in": "prompt"}, {"prompt": "fuck", "response": "Pardon?"}, "toxic"),
]


def test_a_long_story_may_swear_once() -> None:
    story = "The road went on and on through the hills, and nobody spoke. " * 20
    outcomes = run_step(
        Toxicity(), [{"response": f"{story}Shit, he said."}, {"response": f"{story}You nigger."}]
    ).outcomes
    assert outcomes == ["kept", "toxic"]


def test_the_evidence_says_what_was_found_and_where() -> None:
    text = "Größe: you shit, and shit again, fuck"
    evidence = run_step(Toxicity(), [{"prompt": "hi", "response": text}]).evidence[0]
    assert evidence["terms"] == "shit, fuck"
    assert evidence["message"] == 1
    assert text[evidence["start"] : evidence["end"]] == "shit"


def test_lists_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# ours\nzounds\ngadzook*\tslur\n傻瓜\tslur\n", encoding="utf-8")
    rows = [{"response": text} for text in ("Zounds!", "Gadzooks, my lord", "你是傻瓜", "astounds")]
    assert run_step(Toxicity(words=(path,)), rows).outcomes == ["toxic", "toxic", "toxic", "kept"]
    assert Toxicity(words=(path,)).files() == (str(path),)
    path.write_text("zounds\tawful\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"words.txt:1: 'awful' is no kind; possible: slur, vulgar, mild"):
        run_step(Toxicity(words=(path,)), rows)
    with pytest.raises(DataError, match="no file"):
        run_step(Toxicity(words=(tmp_path / "none.txt",)), rows)


def test_no_list_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing would be found"):
        Toxicity(languages=())


def test_the_kernel_marks_every_text_in_which_a_term_is_found() -> None:
    words = lexicon(LANGUAGES, ())
    texts = [*TOXIC, *CLEAN]
    for term in words.terms:
        texts += [term.text, f"({term.text})", f"say {term.text.upper()}!", f"“{term.text}s”"]
        if term.kind != "mild" and len(term.text) >= 4:
            texts += [
                " ".join(term.text),
                term.text[0] + "*" + term.text[2:],
                term.text[:2] + term.text[1] * 3 + term.text[2:],
            ]
    raw = [text.encode() for text in texts]
    out = np.empty(len(raw), np.int32)
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    mark_phrases(np.frombuffer(b"".join(raw), np.uint8), offsets, _table(words.terms), out)
    missed = [
        text
        for text, found in zip(texts, out.tolist(), strict=True)
        if found < 0 and len(text) > 3 and find_terms(text, words)
    ]
    assert missed == []


def tweets(data: Path) -> list[dict[str, str]]:
    """The third of the labelled tweets that no term was chosen by."""
    path = data / "toxicity-davidson" / "labeled_data.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if hashlib.md5(row["tweet"].encode()).digest()[0] % 3 == 0]


def test_the_figures_of_the_docs_hold(data: Path) -> None:
    rows = tweets(data)
    outcomes = run_step(Toxicity(), [{"response": html.unescape(row["tweet"])} for row in rows]).outcomes
    of = {kind: [o == "toxic" for row, o in zip(rows, outcomes, strict=True) if row["class"] == kind] for kind in "012"}
    hits = sum(of["0"]) + sum(of["1"])
    assert hits / (hits + sum(of["2"])) >= 0.98
    assert sum(of["0"]) / len(of["0"]) >= 0.82
    assert sum(of["1"]) / len(of["1"]) >= 0.94


def test_good_instruction_rows_stay(data: Path) -> None:
    rows = json.loads(gzip.decompress((data / "gpteacher/codegen-instruct.json.gz").read_bytes()))
    rows += json.loads(
        gzip.decompress((data / "gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz").read_bytes())
    )
    result = run_step(Toxicity(), [{"response": row["response"]} for row in rows])
    assert result.line == f"{len(rows)} in = {len(rows)} kept"


def test_the_classifier_is_read_from_its_file(tmp_path: Path) -> None:
    step = Toxicity(model=Path(classifier()), min_probability=0.5, languages=())
    result = run_step(step, [{"response": "the parrot"}, {"response": "the cat"}, {"response": "You bitch"}])
    assert result.outcomes == ["toxic_by_model", "kept", "kept"]
    assert result.evidence[0]["probability"] > 0.5 > result.evidence[1]["probability"]
    assert step.files() == (classifier(),)
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, weights=np.zeros(3, np.int16), bias=0)
    for path, message in (
        (wrong, "2\\*\\*n int16"),
        (tmp_path / "none.npz", "no classifier"),
        (Path(__file__), "no linear classifier"),
    ):
        with pytest.raises(DataError, match=message):
            run_step(Toxicity(model=path), [{"response": "x"}])


def test_points_are_whole_numbers() -> None:
    words = lexicon(("en",), ())
    assert score_of(find_terms("shit", words), 1) == 50
    assert score_of(find_terms("shit", words), 120) == 25
    assert score_of(find_terms("retards", words), 1000) == 100
