"""decontaminate.ngram: what hides no leak, what is none, and what is told of it."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.errors import DataError, UsageError
from tamis.engine.testsets import read_items
from tamis.steps.decontaminate.ngram import Ngram
from tamis.testing import run_step

ITEMS = str(Path(__file__).with_name("items.jsonl"))
ITEM = {item.id: item for item in read_items(Path(ITEMS))}
HENS, ANSWER = ITEM["hens"].question, ITEM["hens"].answers[0]
SETTINGS: dict[str, Any] = {"against": [ITEMS]}


def turns(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[k % 2], "content": text} for k, text in enumerate(texts)]}


CASES: list[Any] = [
    (SETTINGS, {"prompt": HENS, "response": "I do not know."}, "question_leaked"),
    (SETTINGS, {"prompt": "How do hens sleep?", "response": ANSWER}, "answer_leaked"),
    (SETTINGS, {"prompt": "Biology. Which gas do plants take in?", "response": "Guess."}, "short_question_leaked"),
    (SETTINGS, {"prompt": "How many hens are there in a week?", "response": "Many."}, "kept"),
    ({**SETTINGS, "parts": "questions"}, {"prompt": "How do hens sleep?", "response": ANSWER}, "kept"),
    ({**SETTINGS, "parts": "answers"}, {"prompt": HENS, "response": "I do not know."}, "kept"),
    ({**SETTINGS, "in": "response"}, {"prompt": HENS, "response": "I do not know."}, "kept"),
    ({**SETTINGS, "in": "text"}, {"text": f"On farms.\n\n{HENS}\n\nMore."}, "question_leaked"),
    ({**SETTINGS, "in": "column:notes"}, {"notes": HENS, "prompt": "Hi"}, "question_leaked"),
]


def outcome(row: dict[str, Any], **settings: Any) -> str:
    return run_step(Ngram.model_validate({**SETTINGS, **settings}), [row]).outcomes[0]


# -- what hides no leak -------------------------------------------------------------------------

DISGUISES = {
    "line breaks": re.sub(r"((?:\S+ ){6})", r"\1\n", HENS),
    "capitals": HENS.upper(),
    "a prefix": f"Solve this step by step, please: {HENS}",
    "no punctuation": re.sub(r"[^\w\s.,]|[.,](?!\d)", "", HENS),
    "Markdown": "> **" + HENS.replace(". ", ".**\n> ") + "**",
    "numbers written otherwise": HENS.replace("1,200", "1200").replace("$0.25", "0.250"),
    "full-width letters and digits": "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in HENS),
    "zero-width characters": HENS.replace("e", "e\u200b").replace(" hens", " he\u00adns"),
    "words broken at the line's end": HENS.replace("market", "mar-\nket").replace("farmer", "far-\r\n  mer"),
    "a quarter of it cut off": " ".join(HENS.split(" ")[:35]),
}


@pytest.mark.parametrize("name", DISGUISES)
def test_what_hides_no_leak(name: str) -> None:
    assert outcome({"prompt": DISGUISES[name], "response": "I do not know."}) == "question_leaked"


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_unicode_forms_and_accents_hide_no_leak(form: Any) -> None:
    asked = unicodedata.normalize(form, ITEM["café"].question)
    assert outcome({"prompt": asked}) == "question_leaked"
    assert (
        outcome({"prompt": "In welchem Jahr wurde das Cafe an der Brucke uber den Fluss von Zoe eroffnet?"})
        == "question_leaked"
    )


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8])
def test_a_question_split_over_turns_is_found(at: float) -> None:
    words = HENS.split(" ")
    k = int(at * len(words))
    first, second = " ".join(words[:k]), " ".join(words[k:])
    assert (
        outcome(turns(first, "Go on, I am listening to what you say.", second, "I do not know.")) == "question_leaked"
    )
    assert outcome({"messages": [{"role": "user", "content": c} for c in (first, second)]}) == "question_leaked"


def test_a_short_question_split_over_turns_is_found() -> None:
    assert outcome(turns("Which gas do", "Yes?", "plants take in?", "Hm.")) == "short_question_leaked"


def test_an_answer_in_the_assistants_turn_is_found_whoever_says_it() -> None:
    """Trap: an index of user turns only."""
    assert outcome(turns("Hello", ANSWER)) == "answer_leaked"
    assert outcome(turns(ANSWER, "Right.")) == "answer_leaked"
    assert outcome(turns("Hello", f"Here is one: {HENS}")) == "question_leaked"


def test_a_leak_in_a_long_row_is_found() -> None:
    """Trap: coverage of the row, not of the item."""
    assert outcome({"prompt": "word " * 20_000 + HENS + " other" * 20_000}) == "question_leaked"


def test_edited_words_hide_no_leak() -> None:
    words = HENS.split(" ")
    for k in range(4, len(words), 12):
        words[k] = "something" if not any(c.isdigit() for c in words[k]) else words[k]
    assert outcome({"prompt": " ".join(words)}) == "question_leaked"


PLANTS = "Do gardeners on Madeira prune the old banana trees of their village in summer?"


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        ("Do gardeners on Madeira really prune the old banana trees of their village in summer?", "question_leaked"),
        ("Do gardeners on Madeira prune old banana trees of village in summer?", "question_leaked"),  # words left out
        (
            "Do gardeners on Madeira prune old banana trees of their town in summer?",
            "kept",
        ),  # a telling word is another
        ("Do foresters on Madeira fell the old pine trees of their village in summer?", "kept"),
    ],
)
def test_small_edits_of_a_short_item(tmp_path: Path, edited: str, expected: str) -> None:
    file = tmp_path / "claims.jsonl"
    file.write_text(json.dumps({"question": PLANTS}) + "\n")
    assert outcome({"prompt": f"Think. {edited}", "response": "No."}, against=[str(file)]) == expected


def test_edits_leave_no_eight_words_in_a_row(tmp_path: Path) -> None:
    """Trap: plain n-grams of a fixed size miss an item of which every few words one is another."""
    words = HENS.split(" ")
    for k in range(6, len(words), 6):
        words[k] = words[k] if any(c.isdigit() for c in words[k]) else f"{words[k]} indeed"
    assert outcome({"prompt": " ".join(words)}) == "question_leaked"


def test_the_words_of_another_sentence_do_not_make_an_item(tmp_path: Path) -> None:
    file = tmp_path / "facts.jsonl"
    file.write_text('{"question": "Who is the current president of the United States?"}\n')
    asked = "What is the GDP of the United States and who is the current president?"
    told = "The GDP of the United States is about 25 trillion."
    assert outcome({"prompt": asked, "response": told}, against=[str(file)]) == "kept"


def brackets(folder: Path) -> tuple[Path, list[str]]:
    kinds = ["( [ ] ) { <", "{ < > } ( [", "[ [ ] ( ) {", "< ( ) > [ {", "( ( ) < > [", "{ } [ < > ("]
    texts = [
        f"Complete the rest of the sequence, making sure that the brackets are closed properly. Input: {a} {b}"
        for a in kinds
        for b in kinds
    ]
    file = folder / "brackets.jsonl"
    file.write_text("".join(json.dumps({"question": text}) + "\n" for text in texts))
    return file, texts


def test_items_that_only_signs_tell_apart(tmp_path: Path) -> None:
    file, texts = brackets(tmp_path)
    step = Ngram(against=(file,))
    edited = texts[7].replace("making sure", "taking care").replace("closed properly", "closed")
    result = run_step(step, [{"prompt": texts[7]}, {"prompt": edited}, {"prompt": texts[7].split("Input")[0]}])
    assert result.outcomes == ["question_leaked", "question_leaked", "kept"]
    for evidence in result.evidence[:2]:
        assert "8" in {m["item"] for m in json.loads(evidence["matches"])}
    [match] = [m for m in json.loads(result.evidence[1]["matches"]) if m["item"] == "8"]
    low, high = match["spans"][-1][2:]
    assert edited[low:high].endswith(texts[7].split("Input: ")[1])
    assert (
        outcome({"prompt": texts[7].split("Input")[0] + "Input: ) ) ) ) > > > > ] ] ] ]"}, against=[str(file)])
        == "kept"
    )


# -- what is no leak ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"), [("1,200", "1,300"), ("5 eggs", "6 eggs"), ("0.25", "0.52"), (" 40 ", " 400 ")]
)
def test_another_number_is_another_problem(old: str, new: str) -> None:
    """Trap: numbers normalised away make every variant of a problem a leak."""
    changed = HENS.replace(old, new)
    assert changed != HENS
    assert outcome({"prompt": changed, "response": "I do not know."}) == "kept"
    assert outcome({"prompt": changed, "response": "I do not know."}, numbers=False) == "question_leaked"
    assert outcome({"prompt": f"{changed}\n\n{HENS}"}) == "question_leaked"


def test_one_shared_passage_is_no_leak() -> None:
    """Trap: any n-gram that hits drops the row."""
    assert (
        outcome({"prompt": "and the rest is sold at the market for a good price, they said. Why is the rest sold?"})
        == "kept"
    )


def test_a_question_that_says_little_needs_its_choices_or_a_message() -> None:
    """Trap: short stubs (`Which of the following is true?`) stand in every set."""
    assert outcome({"prompt": "Think. Which of the following is true? A. Cats bark B. Dogs meow"}) == "kept"
    assert (
        outcome({"prompt": "Think. Which of the following is true?\n1) Bats are mammals\n2) Whales are fish"})
        == "short_question_leaked"
    )
    assert outcome({"prompt": "Which of the following is true?"}) == "short_question_leaked"


def test_a_short_item_within_a_sentence_is_no_leak(tmp_path: Path) -> None:
    file = tmp_path / "facts.jsonl"
    file.write_text('{"question": "Earth revolves around", "answer": "the sun"}\n')
    settings = {"against": [str(file)]}
    assert outcome({"prompt": "Galileo said that the Earth revolves around the Sun."}, **settings) == "kept"
    assert outcome(turns("Earth revolves around", "the Sun"), **settings) == "short_question_leaked"


def test_signs_decide_where_the_words_are_the_same() -> None:
    result = run_step(Ngram(against=(ITEMS,)), [{"prompt": "not ( True and ( False ) ) is", "response": "True"}])
    assert [m["item"] for m in json.loads(result.evidence[0]["matches"])] == ["bool2"]
    assert outcome({"prompt": "not ( ( True ) and False ) is", "response": "Who knows"}) == "kept"


def templates(folder: Path, count: int) -> Path:
    file = folder / "templates.jsonl"
    names = [f"{a}{b}" for a in ("Ann", "Ben", "Cid", "Dan", "Eve") for b in ("a", "o", "us", "y", "ette")][:count]
    texts = [
        f"Read the story below and say who of the people in it tells the truth in the end. It is about {n}."
        for n in names
    ]
    file.write_text("".join(json.dumps({"question": text}) + "\n" for text in texts))
    return file


def test_a_template_that_many_items_share_does_not_count(tmp_path: Path) -> None:
    """Trap: instruction templates, flagged 40 times of 40."""
    file = templates(tmp_path, 20)
    told = "Read the story below and say who of the people in it tells the truth in the end. It is about "
    assert outcome({"prompt": told + "the war."}, against=[str(file)]) == "kept"
    assert outcome({"prompt": told + "Dano."}, against=[str(file)]) == "question_leaked"
    assert outcome({"prompt": told + "the war."}, against=[str(file)], common=50) == "question_leaked"


def test_a_passage_that_others_quote_is_no_leak_without_its_question(tmp_path: Path) -> None:
    """Trap: quotes of public texts, and formulae."""
    passage = " ".join(
        f"On day {k} the envoy of the northern towns rode to the council and spoke of tolls." for k in range(5)
    )
    question = "Which of the towns gained most from what the envoy proposed to the council in the end?"
    file = tmp_path / "history.jsonl"
    file.write_text(json.dumps({"question": f"{passage}\n{question}", "answer": "the harbour of Visby"}) + "\n")
    settings = {"against": [str(file)]}
    assert outcome({"prompt": f"Summarise this: {passage}"}, **settings) == "kept"
    assert outcome({"prompt": f"{passage}\n{question}"}, **settings) == "question_leaked"
    assert outcome(turns(passage, "It was the harbour of Visby."), **settings) == "question_leaked"
    formula = tmp_path / "formula.jsonl"
    formula.write_text(
        json.dumps({"question": "Solve x^2 + 2 x y + y^2 = 0 for x, where y is the length of a day on Mars in hours."})
        + "\n"
    )
    assert outcome({"prompt": "Expand (x + y)^2.", "response": "x^2 + 2 x y + y^2"}, against=[str(formula)]) == "kept"


def test_thresholds_are_read() -> None:
    """Trap: a threshold that nothing reads, under a test that is green."""
    half = HENS[: len(HENS) // 2]
    assert outcome({"prompt": half}) == "kept"
    assert outcome({"prompt": half}, coverage=0.3) == "question_leaked"
    words = ITEM["café"].question.split(" ")
    most = " ".join(words[:12])
    assert outcome({"prompt": most}) == "kept"
    assert outcome({"prompt": most}, long=12, coverage=0.6) == "question_leaked"


# -- what is told -------------------------------------------------------------------------------


def test_the_evidence_names_every_span() -> None:
    words = HENS.split(" ")
    first, second = " ".join(words[:20]), " ".join(words[20:])
    row = {"messages": [{"role": "system", "content": "Être bref."}, {"role": "user", "content": f"Né: {first}"},
                        {"role": "assistant", "content": None}, {"role": "assistant", "content": "Oui 🦆."},
                        {"role": "user", "content": f"Fin: {second}"}]}  # fmt: skip
    evidence = run_step(Ngram(against=(ITEMS,)), [row]).evidence[0]
    assert (evidence["benchmark"], evidence["item"]) == ("items", "hens")
    assert evidence["coverage"] == pytest.approx(1.0)
    match = json.loads(evidence["matches"])[0]
    assert (match["items"], match["part"], match["of"]) == (6, "question", match["words"])
    assert {span[1] for span in match["spans"]} == {1, 4}
    for (view, message, start, end), (low, high) in zip(match["spans"], match["item_spans"], strict=True):
        assert view == "all"
        assert row["messages"][message]["content"][start:end] == HENS[low:high]
    assert next(match["item_text"][a:b] for a, b in match["item_marks"]) == HENS[slice(*match["item_spans"][0])]


def test_kept_rows_tell_their_coverage_too() -> None:
    evidence = run_step(
        Ngram(against=(ITEMS,)), [{"prompt": HENS[: len(HENS) // 2]}, {"prompt": "Nothing of it"}]
    ).evidence
    assert 0.3 < evidence[0]["coverage"] < 0.6
    assert evidence[0]["matches"] is None
    assert evidence[1]["coverage"] == 0


def test_a_row_with_several_items_tells_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "again.jsonl"
    file.write_text(json.dumps({"question": HENS}) + "\n")
    row = {"prompt": f"{HENS}\n\n{ITEM['café'].question}", "response": ANSWER}
    evidence = run_step(Ngram(against=(ITEMS, str(file))), [row]).evidence[0]
    told = {(m["benchmark"], m["item"], m["part"]) for m in json.loads(evidence["matches"])}
    assert told == {
        ("items", "hens", "question"),
        ("items", "hens", "answer"),
        ("items", "café", "question"),
        ("again", "1", "question"),
    }


def test_variants_of_an_item_are_not_all_leaked_because_one_is(tmp_path: Path) -> None:
    file = templates(tmp_path, 5)
    items = read_items(file)
    step = Ngram(against=(file,))
    for text in (items[2].question, items[2].question.replace("the story below", "this story")):
        [evidence] = run_step(step, [{"prompt": f"Now: {text}"}]).evidence
        assert [m["item"] for m in json.loads(evidence["matches"])] == [items[2].id]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="must be above `n`"):
        Ngram(against=(ITEMS,), n=12, long=12)
    with pytest.raises(UsageError, match=r"no benchmark 'gsm9k'.*\n.*tamis benchmarks add gsm9k"):
        run_step(Ngram(against=("gsm9k",), benchmarks=tmp_path), [{"prompt": "x"}])
    with pytest.raises(DataError, match="no test set"):
        run_step(Ngram(against=(tmp_path / "none.jsonl",)), [{"prompt": "x"}])
    odd = tmp_path / "odd.csv"
    odd.write_text("a1,a2\n1,2\n")
    with pytest.raises(DataError, match="is known to hold questions; it has a1, a2"):
        run_step(Ngram(against=(odd,)), [{"prompt": "x"}])
    assert outcome({"prompt": "1"}, against=[str(odd)], question="a2") == "kept"


def test_rows_without_any_text_are_no_clean_rows() -> None:
    """Trap: a step that reads nothing reports that nothing leaked."""
    with pytest.raises(UsageError, match=r"there are no messages yet\n.*map"):
        run_step(Ngram(against=(ITEMS,)), [{"source.question": HENS}])
    assert outcome({"source.question": HENS}, **{"in": "column:source.question"}) == "question_leaked"


@given(st.lists(st.sampled_from(HENS.split(" ")), min_size=1, max_size=40).map(" ".join))
def test_shuffled_words_are_no_leak_and_do_no_harm(text: str) -> None:
    assert outcome({"prompt": text}) in ("kept", "question_leaked")


# -- real test sets -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["gsm8k_test.jsonl.gz", "humaneval.jsonl.gz", "mmlu_high_school_us_history_test.csv.gz", "arc_easy.jsonl.gz"],
)
def test_every_planted_item_is_found(name: str, data: Path) -> None:
    items = read_items(data / "benchmarks" / name)[:400]
    step = Ngram(against=(data / "benchmarks" / name,))
    for wrap in (str, str.upper, lambda q: re.sub(r"\s+", "\n", q), lambda q: f"Here is a question for you. {q}"):
        rows = [{"prompt": wrap(i.question), "response": i.answers[0]} for i in items]
        assert run_step(step, rows).outcomes.count("kept") == 0
    halves = [(i.question.split(" "), i.answers[0]) for i in items]
    split = [turns(" ".join(w[: len(w) // 2]), "Go on.", " ".join(w[len(w) // 2 :]), a) for w, a in halves]
    assert run_step(step, split).outcomes.count("kept") == 0


def test_training_problems_are_no_leak(data: Path) -> None:
    train = read_items(data / "benchmarks" / "gsm8k_train.jsonl.gz")[:2500]
    step = Ngram(against=(data / "benchmarks" / "gsm8k_test.jsonl.gz",))
    rows = [{"prompt": i.question, "response": i.answers[0]} for i in train]
    assert run_step(step, rows).outcomes.count("kept") >= len(rows) - 2
