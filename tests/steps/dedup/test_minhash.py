"""dedup.minhash"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.errors import DataError, UsageError
from tamis.engine.hashing import LOOSE, normalised
from tamis.engine.text import to_series, to_text
from tamis.steps.dedup.minhash import Minhash
from tamis.testing import run_step

LATE = "Where is my order? It was to be here on Monday, and I have heard nothing from you since."
LATER = "Where is my order? It was to be here on Tuesday, and I have heard nothing from you since."
OTHER = "Please tell me how to change the address that my invoices are sent to."
HERE = Path(__file__).parent / "earlier"


def said(*answers: str | None, **more: list[Any]) -> list[dict[str, Any]]:
    return [
        {"prompt": "ask", "response": answer, **{k: v[i] for k, v in more.items()}} for i, answer in enumerate(answers)
    ]


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({"on": "response"}, said(LATE, OTHER, LATER), ["kept", "kept", "near_duplicate"]),
    ({"on": "response", "threshold": 0.95}, said(LATE, LATER), ["kept", "kept"]),
    (
        {"on": "response"},
        said(LATE, LATE.upper(), LATE.replace(" ", "\n "), LATE + "!!"),
        ["kept"] + ["near_duplicate"] * 3,
    ),
    ({"on": "response", "normalise": "none"}, said(LATE, LATE.upper()), ["kept", "kept"]),
    ({"on": "response", "normalise": "case"}, said(LATE, LATE.upper()), ["kept", "near_duplicate"]),
    ({"on": "response", "keep": "last"}, said(LATE, OTHER, LATER), ["near_duplicate", "kept", "kept"]),
    ({"on": "response", "keep": "longest"}, said(LATE, OTHER, LATER), ["near_duplicate", "kept", "kept"]),
    (
        {"on": "response", "keep": "column", "by": "score"},
        said(LATE, LATER, OTHER, score=[1, 2, 3]),
        ["near_duplicate", "kept", "kept"],
    ),
    (
        {"on": "response", "keep": "column", "by": "score", "order": "lowest"},
        said(LATE, LATER, OTHER, score=[1.5, None, 3]),
        ["kept", "near_duplicate", "kept"],
    ),
    ({"on": "response", "unit": "words", "n": 2}, said(LATE, LATER, OTHER), ["kept", "near_duplicate", "kept"]),
    ({"on": "response"}, said("", " ", None, "!", "\x1e"), ["kept"] * 5),
    ({"on": "response"}, said("Yes", "No", "yes!", "Yes."), ["kept", "kept", "near_duplicate", "near_duplicate"]),
    ({"on": "column:note"}, said("a", "b", "c", note=[LATE, LATER, OTHER]), ["kept", "near_duplicate", "kept"]),
    ({"on": ["prompt", "response"]}, said(LATE, OTHER, LATER), ["kept", "kept", "near_duplicate"]),
    ({"on": {"prompt": 0.9, "response": 0.65}}, said(LATE, OTHER, LATER), ["kept", "kept", "near_duplicate"]),
    ({"on": "response", "against": str(HERE)}, said(OTHER, LATER, LATE), ["kept", "near_earlier", "near_earlier"]),
]


@pytest.mark.parametrize(("settings", "rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], rows: Any, expected: Any) -> None:
    assert run_step(Minhash.model_validate(settings), rows).outcomes == expected


# -- the obvious twin -------------------------------------------------------------------------------


def grams(text: str | None, n: int = 5) -> set[str]:
    """The n-grams of a text once it is normalised."""
    plain = to_series("", normalised(to_text(pl.Series([text], dtype=pl.String)), LOOSE))[0] or ""
    if not plain.strip(" \x1e"):
        return set()
    return {plain[k : k + n] for k in range(len(plain) - n + 1)} or {plain}


def jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def twin(texts: list[str | None], threshold: float) -> list[int | None]:
    """The row each row goes into: every pair compared, each row with the most similar row that stays before it."""
    sets = [grams(text) for text in texts]
    into: list[int | None] = []
    for i, mine in enumerate(sets):
        best: int | None = None
        for j in range(i):
            if into[j] is not None or min(len(mine), len(sets[j])) < threshold * max(len(mine), len(sets[j])):
                continue  # it stays no more, or has too few n-grams
            near = jaccard(mine, sets[j])
            if near >= threshold and (best is None or near > jaccard(mine, sets[best])):
                best = j
        into.append(best)
    return into


def edited(text: str, rng: random.Random, share: float) -> str:
    words = text.split(" ")
    for k in rng.sample(range(len(words)), max(1, round(share * len(words)))):
        words[k] = rng.choice(words) + "x"
    return " ".join(words)


def answers(data: Path, count: int) -> list[str]:
    with gzip.open(data / "llama-factory-demo/alpaca_en_demo.json.gz", "rt", encoding="utf-8") as file:
        return [row["output"] for row in json.load(file)][:count]


def instructions(data: Path, count: int) -> list[str | None]:
    """Real texts and edited copies of some."""
    rng = random.Random(3)
    texts: list[str | None] = [text for text in answers(data, count) if text]
    for _ in range(count // 2):
        texts.append(edited(rng.choice([text for text in texts if text]), rng, rng.choice([0.01, 0.05, 0.1, 0.2])))
    rng.shuffle(texts)
    return texts


@pytest.mark.parametrize("threshold", [0.62, 0.75, 0.9])
def test_against_every_pair_of_real_rows(data: Path, threshold: float) -> None:
    texts = instructions(data, 250)
    found = run_step(Minhash(on="response", threshold=threshold, recall=0.9999, templates=0), said(*texts))
    assert found.into == twin(texts, threshold)
    assert sum(one is not None for one in found.into) > 15
    sets = [grams(text) for text in texts]
    for row, into in enumerate(found.into):
        if into is not None:
            assert found.evidence[row]["similarity"] == jaccard(sets[row], sets[into])


def test_the_stated_recall_is_kept(data: Path) -> None:
    step = Minhash(on="response", threshold=0.65, templates=0)
    assert step.chance(step.floor) >= step.recall
    assert step.chance(0.9) > step.chance(0.65) > step.chance(0.3)
    texts = instructions(data, 300)
    true = sum(one is not None for one in twin(texts, 0.65))
    found = sum(one is not None for one in run_step(step, said(*texts)).into)
    assert found >= 0.97 * true


def test_every_row_that_goes_has_a_kept_row_as_near_as_asked(data: Path) -> None:
    texts = instructions(data, 300)
    for settings in ({}, {"keep": "longest"}, {"keep": "last"}, {"threshold": 0.3, "floor": 0.3}):
        step = Minhash(on="response", **settings)
        found = run_step(step, said(*texts))
        for row, into in enumerate(found.into):
            if into is not None:
                assert found.kinds[into] == "kept"
                assert jaccard(grams(texts[row]), grams(texts[into])) >= step.threshold
                assert found.evidence[row]["similarity"] >= step.threshold
                if settings.get("keep") == "longest":
                    assert len(texts[into] or "") >= len(texts[row] or "")


# -- thresholds from evidence ------------------------------------------------------------------------


def chain(rng: random.Random, length: int) -> list[str]:
    """Texts, each near to the one before it, the ends far apart."""
    words = [f"word{rng.randrange(10**6)}" for _ in range(60)]
    texts = []
    for _ in range(length):
        texts.append(" ".join(words))
        for k in rng.sample(range(60), 5):
            words[k] = f"word{rng.randrange(10**6)}"
    return texts


def test_near_rows_are_no_chain() -> None:
    texts = chain(random.Random(1), 40)
    found = run_step(Minhash(on="response"), said(*texts))
    assert jaccard(grams(texts[0]), grams(texts[1])) > 0.7
    assert jaccard(grams(texts[0]), grams(texts[-1])) < 0.15
    assert found.into == twin(list(texts), 0.65)
    assert found.kinds.count("kept") > 8


# -- templates ----------------------------------------------------------------------------------------


def headed(data: Path, count: int) -> list[str]:
    """Different texts under one header of two hundred words."""
    whole = answers(data, 900)
    header = " ".join(" ".join(whole[400:500]).split()[:200])
    return [f"{header}\n\nInput: {text[:250]}" for text in whole if len(text) > 60][:count]


def test_a_shared_header_of_200_words_does_not_melt_a_dataset(data: Path) -> None:
    texts = headed(data, 300)
    some = [jaccard(grams(texts[0]), grams(text)) for text in texts[1:40]]
    assert np.mean(some) > 0.65, "the texts must be near copies by their n-grams alone"
    found = run_step(Minhash(on="response"), said(*texts))
    assert found.kinds.count("kept") >= 298
    assert run_step(Minhash(on="response", templates=0), said(*texts)).kinds.count("kept") < 150


def test_copies_under_a_shared_header_are_found(data: Path) -> None:
    texts = headed(data, 100)
    rng = random.Random(5)
    copies = [edited(text, rng, 0.01) for text in texts[:20]]
    found = run_step(Minhash(on="response"), said(*texts, *copies))
    assert found.into[100:] == list(range(20))
    assert found.kinds[:100].count("kept") >= 99


def test_templated_identity_rows_stay_apart(data: Path) -> None:
    with gzip.open(data / "sharegpt-dummy/dummy_conversation.json.gz", "rt", encoding="utf-8") as file:
        rows = json.load(file)
    turns = [
        {
            "messages": [
                {"role": "user" if m["from"] == "human" else "assistant", "content": m["value"]}
                for m in row["conversations"]
            ]
        }
        for row in rows
    ]
    found = run_step(Minhash(on="all"), turns)
    texts = ["\x1e".join(m["content"] for m in row["messages"]) for row in turns]
    assert found.kinds.count("kept") >= len(set(twin(list(texts), 0.65))) - 1
    for row, into in enumerate(found.into):
        if into is not None:
            assert found.kinds[into] == "kept"
            assert jaccard(grams(texts[row]), grams(texts[into])) >= 0.65


def test_numbers_are_not_one() -> None:
    rows = said("Add 12 and 7.", "Add 35 and 9.", "Add 12 and 7!")
    assert run_step(Minhash(on="response", threshold=0.9), rows).outcomes == ["kept", "kept", "near_duplicate"]


# -- against earlier rows ----------------------------------------------------------------------------


def test_rows_near_an_earlier_delivery_leave_and_are_told_where_it_stands(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "ask"}, {"role": "assistant", "content": LATE}]
    lines = [{"id": "a-1", "messages": [{"role": "user", "content": "ask"}, {"role": "assistant", "content": OTHER}]}]
    lines.append({"id": "a-2", "messages": chat})
    (tmp_path / "train.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    pl.DataFrame({"prompt": ["ask"], "completion": ["Something that nobody else says in these rows."]}).write_parquet(
        tmp_path / "validation.parquet"
    )
    (tmp_path / "README.md").write_text("no rows")
    rows = said(
        LATER, LATE.lower(), "quite another thing, is it not?", "something that nobody else says in these rows", LATER
    )
    found = run_step(Minhash(on="response", against=tmp_path), rows)
    assert found.outcomes == ["near_earlier", "near_earlier", "kept", "near_earlier", "near_earlier"]
    assert [row["earlier"] for row in found.evidence] == [
        "train.jsonl:2 (a-2)", "train.jsonl:2 (a-2)", None, "validation.parquet:1", "train.jsonl:2 (a-2)"
    ]  # fmt: skip
    assert found.evidence[1]["similarity"] == 1.0
    assert found.evidence[0]["similarity"] == pytest.approx(jaccard(grams(LATE), grams(LATER)))


def test_earlier_rows_are_not_compared_with_each_other_and_several_files_are_read(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", LATE), ("b.jsonl", LATER)):
        (tmp_path / name).write_text(json.dumps({"prompt": "ask", "response": text}) + "\n\n")
    step = Minhash(on="response", threshold=0.9, against=(tmp_path / "a.jsonl", tmp_path / "b.jsonl"))
    found = run_step(step, said(OTHER, LATER))
    assert [row["earlier"] for row in found.evidence] == [None, "b.jsonl:1"]


@pytest.mark.parametrize(("name", "words"), [("x.csv", "no file of rows"), ("x.jsonl", "cannot read")])
def test_what_cannot_be_compared_with_is_told(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises((UsageError, DataError), match=words):
        run_step(Minhash(on="response", against=tmp_path / name), said(LATE))


# -- settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"keep": "column"}, "needs `by`"),
        ({"by": "score"}, "has no effect"),
        ({"on": []}, "`on` is empty"),
        ({"on": {}}, "`on` is empty"),
        ({"on": "answer"}, "unknown view 'answer'"),
        ({"on": {"prompt": 1.5}}, "less than or equal to 1"),
        ({"threshold": 0}, "greater than 0"),
        ({"threshold": 0.01, "floor": 0.01}, "raise the threshold or lower `recall`"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Minhash.model_validate(settings)


def test_what_it_reads() -> None:
    assert Minhash(on=("prompt", "column:lang"), keep="column", by="score").reads() == ("messages", "lang", "score")
    assert Minhash(on={"prompt": 0.8, "column:lang": 1.0}).reads() == ("messages", "lang")


def test_moving_a_threshold_gathers_nothing_again() -> None:
    one, other = (
        Minhash(on={"prompt": 0.8, "response": 0.7}),
        Minhash(on={"prompt": 0.7, "response": 0.9}, threshold=0.9),
    )
    assert one.gather_key() == other.gather_key()
    assert one.wanted() == other.wanted()
    assert one.key() != other.key()
    assert Minhash(n=4).gather_key() != Minhash().gather_key()


def test_very_long_rows_and_very_many_copies() -> None:
    long = " ".join(f"w{k}" for k in range(20_000))
    rows = said(long, long.replace("w77 ", "z "), *["the very same text"] * 300, *[f"{LATE} {k}" for k in range(200)])
    found = run_step(Minhash(on="response"), rows)
    assert found.kinds.count("kept") == 3
    assert found.into[1] == 0


def test_tool_rows_under_their_headers(data: Path) -> None:
    """GPTeacher's tool rows begin with the tools' descriptions. Others filtered them at a similarity of 0.9."""
    sets = {}
    for name in ("dedupe-only", "similarity-0.9"):
        with gzip.open(data / f"gpteacher/toolformer-{name}-dataset.json.gz", "rt", encoding="utf-8") as file:
            sets[name] = [(f"{row['instruction']}\n{row['input']}", row["response"]) for row in json.load(file)]
    rows = [{"prompt": prompt, "response": response} for prompt, response in sets["dedupe-only"]]
    theirs = set(sets["similarity-0.9"])

    def kept(**settings: Any) -> set[tuple[str, str]]:
        found = run_step(Minhash(**settings), rows)
        return {row for row, into in zip(sets["dedupe-only"], found.into, strict=True) if into is None}

    strict, loose = kept(threshold=0.9), kept()
    assert len(strict & theirs) > 0.93 * len(theirs)
    assert len(strict) < 0.9 * len(rows)
    assert len(loose) > 0.5 * len(rows), "half of the rows ask for something else"
    assert len(kept(templates=0)) < 0.25 * len(rows)
