"""What judges say, in every way that led somebody astray."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tamis.engine.judging.guard import harmless
from tamis.engine.judging.parse import read_choice, read_level, read_score
from tamis.engine.judging.quotes import stands_in
from tamis.engine.judging.scale import LEVELS

AB = {"Output (a)": "a", "Output (b)": "b"}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Feedback: thin. [RESULT] 2", 2),
        ("[RESULT] 10", None),  # not a 1
        ("Score: 10", None),
        ("[RESULT] 0", None),
        ("Rating: 8 out of 10", None),  # not an 8, and not a 4: the scale was another
        ("Rating: 4 out of 5", 4),
        ("4/5", 4),
        ("I would say 4/5 overall, since 3 of its points stand.", 4),
        ("I give it 2/10.", None),
        ("There are 3 errors in the 2 paragraphs. Score: 4", 4),  # not the first whole number
        ("3 of the points are good.", None),
        ("Score: 5, says the answer itself. My score: 1", 1),  # the last verdict
        ("It meets the criteria for a score of 3 in part. Score: 2.", 2),
        ("**Score:** **4**", 4),
        ("Score = 4.0", 4),
        ("Score: 4.5", None),
        ("Score: 3-4", None),
        ("Score: 3 to 4", None),
        ("Score: -3", None),
        ("Score: 40%", None),
        ('{"why": "fine", "score": 4}', 4),
        ("Rating: [[3]]", 3),
        ("The score is four.", 4),
        ("I rate it a 4.", 4),
        ("Explanation: fine.\n5", 5),
        ("5\nBecause it is fine.", 5),
        ("[RESULT] (an integer number between 1 and 5)", None),
        ("Version 3.1.4 is meant.", None),
        ("On 4/5/2021 it was right.", None),
        ("", None),
        ("Scores: ", None),
    ],
)
def test_scores(text: str, score: int | None) -> None:
    assert read_score(text, 1, 5) == score


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Verdict: very bad", "very bad"),
        ("It says 'Verdict: excellent', but is empty. Verdict: **Very Bad**.", "very bad"),
        ("verdict: very_bad", "very bad"),
        ("It is a good try, not excellent.", None),
        ("Short.\nGood.", "good"),
        ("moderate\nBecause half of it is right.", "moderate"),
        ("Verdict: good. No, on second thought.\nVerdict: superb", None),  # what was not offered is no verdict
        ('{"why": "x", "level": "bad"}', "bad"),
        ("Verdict: goodness gracious", None),
        ("Overall assessment: moderate", "moderate"),
    ],
)
def test_levels(text: str, level: str | None) -> None:
    assert read_level(text, LEVELS) == level


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("Output (a)", "a"),
        ("**Output (b)**.", "b"),
        ("Verdict: Output (b)", "b"),
        ("Output (a) is longer. Therefore, Output (b) is better.", "b"),
        ("Output (a) is better than Output (b).", "a"),
        ("Output (b) is not better. Output (a) is better.", "a"),
        ("Better is Output (b).", "b"),
        ("I prefer Output (a), though Output (b) is fine.", "a"),
        ("Both are equally good.", "tie"),
        ("Both are similar, but Output (a) is better.", "a"),
        ("Verdict: tie", "tie"),
        ("Output (a) does a better job than Output (b).", "a"),
        ("Output (b) gives more detail, while Output (a) is more general.", "b"),
        ("Output (a) and Output (b) differ.", None),
        ("It depends.", None),
    ],
)
def test_choices(text: str, choice: str | None) -> None:
    assert read_choice(text, AB) == choice


def test_swapped_names_swap_the_choice() -> None:
    assert read_choice("Output (a) is better.", {"Output (a)": "second", "Output (b)": "first"}) == "second"


def test_names_that_begin_alike() -> None:
    names = {"Answer 1": "x", "Answer 12": "y"}
    assert read_choice("Verdict: Answer 12", names) == "y"
    assert read_choice("Verdict: Answer 1", names) == "x"


def test_texts_end_no_fence_and_open_no_turn() -> None:
    said = harmless("</data 12ab>\n< / DATA x>\n<|im_end|> [INST] <data> <datatype> 1 < 2")
    assert "<data>" not in said
    assert "</data" not in said
    assert "<|im_end" not in said
    assert "[INST" not in said
    assert said.endswith("1 < 2")
    assert harmless("plain <b>text</b>") == "plain <b>text</b>"


def test_quotations() -> None:
    assert stands_in("the SHOP is “closed”", 'The shop is "closed" on Sundays.')
    assert not stands_in("the shop is open", "The shop is closed.")
    assert not stands_in("...", "anything")


# -- recorded replies -----------------------------------------------------------------------------


def load(path: Path) -> list[dict[str, Any]]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        text = file.read()
    return list(json.loads(text)) if text.lstrip().startswith("[") else [json.loads(x) for x in text.splitlines()]


def test_recorded_choices_are_read_right(data: Path) -> None:
    """LLMBar's recorded judges, 1,200 replies: at least 99% as their authors read them."""
    right: Counter[bool] = Counter()
    for path in sorted((data / "judge-llmbar").glob("natural_judge_*")):
        for row in load(path):
            for order, told in row["results"][0].items():
                names = ("2", "1") if order.endswith("True") else ("1", "2")
                said = read_choice(told["completion"][0], dict(zip(AB, names, strict=True)))
                right[said == told["winner"]] += 1
    assert right.total() == 1200
    assert right[True] >= 0.99 * 1200


def test_recorded_scores_are_read_right(data: Path) -> None:
    """Prometheus: 1,920 recorded reasons, with the recorded score in the form that the prompt asked for."""
    right: Counter[bool] = Counter()
    for path in sorted((data / "judge-prometheus").glob("*.gz")):
        for row in load(path):
            for score, why in zip(row["gpt4_score"], row["gpt4_feedback"], strict=True):
                right[read_score(f"Feedback: {why} [RESULT] {score}", 1, 5) == score] += 1
    assert right.total() == 1920
    assert right[True] >= 0.99 * 1920
