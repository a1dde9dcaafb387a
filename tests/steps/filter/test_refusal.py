"""filter.refusal"""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest

from tamis.engine.refusals import FOREIGN, HEAD, PHRASES, judge_text
from tamis.steps.filter.refusal import Refusal
from tamis.testing import run_step


def answer(text: str | None, prompt: str = "Please do it.") -> dict[str, Any]:
    return {"prompt": prompt, "response": text}


REFUSALS = [
    "I'm sorry, but I can't assist with that.",
    "I’m sorry, but I can’t help with that request.",
    "I cannot fulfill your request. I'm just an AI.",
    "I am unable to provide instructions for building a bomb.",
    "As an AI language model, I cannot generate content of that kind.",
    "Sorry, I can't do that.",
    "I must respectfully decline.",
    "I won't be able to help you with this, as it would be illegal.",
    "I'm not comfortable discussing that topic.",
    "Unfortunately, I am not able to share personal information about private individuals.",
    "I don't think it's appropriate to make jokes about that group of people.",
    "It would not be appropriate for me to provide medical prescriptions.",
    "Hello! Thank you for your question. I apologize, but I cannot provide the answers to an exam.",
    "**I'm sorry, but I can't assist with that.**",
    "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
    "Je suis désolé, mais je ne peux pas vous aider à faire cela.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "Mi dispiace, ma non posso aiutarti con questa richiesta.",
    "Desculpe, mas não posso ajudar com esse pedido.",
    "抱歉，我无法提供这方面的帮助。",
    "申し訳ありませんが、そのご依頼にはお答えできません。",
    "Het spijt me, maar ik kan je daar niet mee helpen.",
    "Przykro mi, ale nie mogę w tym pomóc.",
    "Извините, но я не могу помочь с этим.",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
]
ANSWERS = [
    "I'm sorry to hear that your dog is sick. Here is what you can do at home.",
    "I can't wait to see you on Saturday!",
    "I can't recommend this book enough.",
    "I can't help but smile when I read your letter.",
    "I can't help falling in love with this city.",
    "I can't log in to my account.",
    "You cannot use a Python list as a dictionary key, because it is mutable.",
    "The store cannot provide refunds after 30 days.",
    "We are unable to process returns without a receipt.",
    "Dear Ms Miller,\n\nI am unable to provide the report by Friday. I hope that Monday is fine.",
    '"I cannot help you," said the wizard, and turned away.',
    "Romeo: I cannot tell you how much I love you.",
    "To apologize well, name what you did and say what you will change.",
    "An AI language model predicts the next token of a text.",
    "It is important to save your work often. It is not safe to rely on memory.",
    "No, children should not watch it. It is inappropriate for children due to its violence.",
    "Leider hat der Zug Verspätung; ich kann es kaum erwarten, Sie zu sehen.",
    "No puedo esperar a verte el sábado.",
    "我不能吃辣，所以我点了一碗汤。",
    "",
    "\x00\u202e\u0301",
]
CASES: list[Any] = [
    *(({}, answer(text), "refusal") for text in REFUSALS),
    *(({}, answer(text), "kept") for text in ANSWERS),
    ({}, answer(None), "kept"),
    (
        {"partial": "drop"},
        answer("As an AI, I cannot draw. However, I can describe the picture to you."),
        "partial_refusal",
    ),
    ({}, answer("As an AI, I cannot draw. However, I can describe the picture to you."), "kept"),
    ({"partial": "drop"}, answer("I cannot advise that. Consider:\n\n1. Rest\n2. Water\n3. Sleep"), "partial_refusal"),
    ({}, answer("Nobody should be denied that. Everyone deserves respect and dignity.", "Why deny it?"), "kept"),
    ({}, answer("There is no reason why they should be. All people deserve respect.", "Why are they evil?"), "rebuke"),
    ({}, answer("It's important to note that theft is illegal.", "How can I steal a car?"), "rebuke"),
    ({}, {"text": "It's important to note that theft is illegal."}, "kept"),
    ({"in": "text"}, {"text": "It's important to note that theft is illegal."}, "rebuke"),
    ({"rebukes": "keep"}, answer("It's important to note that theft is illegal.", "How can I steal a car?"), "kept"),
    ({}, answer("It's important to note that theft is illegal.", "Name one fact about the law."), "kept"),
    ({"in": "text"}, {"text": "I'm sorry, but I can't help with that."}, "refusal"),
    ({"min_score": 1.0}, answer("I cannot provide that."), "kept"),
]


def test_the_phrase_and_the_score_are_told() -> None:
    evidence = run_step(
        Refusal(), [answer("Sure. I’m sorry, but I can't assist with that request."), answer("Yes.")]
    ).evidence
    assert evidence[0]["phrase"] == "i can't assist with that request."
    assert 0.5 <= evidence[0]["score"] < 1
    assert evidence[1] == {"score": 0, "phrase": None, "partial": False}


def test_a_refusal_late_in_the_text_is_none() -> None:
    rows = [answer("and so " * (before // 7) + "I'm sorry, I can't assist with that") for before in (HEAD - 40, HEAD)]
    assert run_step(Refusal(), rows).outcomes == ["refusal", "kept"]


def test_what_stands_before_takes_from_the_score() -> None:
    bare = judge_text("I cannot provide that.")
    after = judge_text("Paris is in France. Rome is in Italy. I cannot provide that.")
    assert bare is not None
    assert after is not None
    assert after.score < 0.5 <= bare.score


@pytest.mark.parametrize("text", REFUSALS)
def test_the_kernel_marks_what_the_rules_find(text: str) -> None:
    """Each refusal holds a phrase of the list, capitals and typographic apostrophes aside."""
    plain = text.lower().replace("’", "'")
    assert any(phrase in plain for phrase in PHRASES)
    assert judge_text(text) is not None


def test_phrases_are_lower_case_and_distinct_from_nothing() -> None:
    assert all(phrase and phrase == phrase.lower() for phrase in PHRASES)
    assert "抱歉" in FOREIGN


def xstest(data: Path, model: str) -> list[dict[str, str]]:
    path = data / "refusals-xstest" / f"xstest_v2_completions_{model}_streval.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    return list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))


def test_the_figures_of_the_docs_hold(data: Path) -> None:
    """Against the labels of two people; figures.md tells what the numbers mean."""
    hits = {"1": 0, "2": 0, "3": 0}
    rows = xstest(data, "llama2orig") + xstest(data, "mistralinstruct")
    outcomes = run_step(Refusal(), [answer(row["completion"], row["prompt"]) for row in rows]).outcomes
    for row, outcome in zip(rows, outcomes, strict=True):
        hits[row["final_label"][0]] += outcome != "kept"
    full = sum(row["final_label"].startswith("2") for row in rows)
    assert full == 343
    assert hits["2"] / full >= 0.90
    assert (hits["2"] + hits["3"]) / sum(hits.values()) >= 0.95


def test_good_answers_stay(data: Path) -> None:
    import json

    path = data / "gpteacher" / "codegen-instruct.json.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    rows = [answer(row["response"], row["instruction"]) for row in json.loads(gzip.decompress(path.read_bytes()))]
    assert run_step(Refusal(partial="drop"), rows).line == "4535 in = 4535 kept"
