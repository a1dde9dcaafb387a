"""score.spelling"""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.steps.score.spelling import Spelling
from tamis.testing import run_step

CLEAN = "The parcel left our store this morning, and it should be with you by the end of the week."
CASES: list[Any] = [
    ({}, {"response": CLEAN}, "kept"),
    ({}, {"response": CLEAN.replace("should", "shuold")}, "kept"),
    ({"min_words": 2}, {"response": "Yes, of coruse."}, "kept"),
    ({"in": "rejected"}, {"response": CLEAN}, "kept"),
]


def share(text: str, **settings: Any) -> Any:
    result = run_step(Spelling.model_validate(settings), [{"response": text}])
    return result.column("score.spelling.typo_share")[0]


@pytest.mark.parametrize(
    ("text", "typos"),
    [
        (CLEAN, 0),
        (CLEAN.replace("should", "shuold"), 1),
        (CLEAN.replace("morning", "mornign").replace("with", "wiht"), 2),
        (f"{CLEAN} Ask Jonh Smtih in Mnuich, or write to jonh@exmaple.com.", 0),
        (f"{CLEAN} Call `recieve()` on the objcet:\n```\nretrun recieve\n```", 1),
        (f"{CLEAN}\nfor (let recieve = 0; recieve < legnth; recieve++) {{", 0),
        (f"{CLEAN} It is a well-knwon, user_nmae, getNmae, v2beat and 3rdd thing.", 0),
        (f"{CLEAN} The webpage, the chatbots, the colour and the color of the datasets.", 0),
        (f"{CLEAN} Quesadillas with kimchi and the otolaryngologist's sphygmomanometer.", 0),
    ],
)
def test_what_is_a_typo(text: str, typos: int) -> None:
    evidence = run_step(Spelling(), [{"response": text}]).evidence[0]
    assert evidence["typos"] == typos, evidence["found"]


def test_the_share_is_of_the_words_looked_at() -> None:
    assert share("one two three four five six seven eihgt nine ten") == 0.1


@pytest.mark.parametrize(
    "text",
    [
        "Too few words.",
        "Der Hund lief in das Haus und sah die Katze, die auf dem Tisch saß und Milch trank.",
        "",
        "日本語の文です。",
    ],
)
def test_no_share_where_nothing_can_be_told(text: str) -> None:
    assert share(text) is None


@pytest.mark.parametrize("view", ["prompt", "all"])
def test_users_are_exempt(view: str) -> None:
    with pytest.raises(ValidationError, match="holds what users wrote"):
        Spelling.model_validate({"in": view})


def planted(text: str, rng: random.Random) -> tuple[str, int]:
    """The text with one slip in each tenth long word, and how many."""
    count = 0

    def slip(match: re.Match[str]) -> str:
        nonlocal count
        word = match[0]
        if rng.random() > 0.1:
            return word
        k = rng.randrange(1, len(word) - 1)
        count += 1
        way = rng.randrange(3)
        if way == 0 and word[k] != word[k + 1]:
            return word[:k] + word[k + 1] + word[k] + word[k + 2 :]
        return word[:k] + word[k + 1 :] if way == 1 else word[:k] + word[k] + word[k:]

    return re.sub(r"(?<![\w'’-])[a-z]{5,12}(?![\w'’-])", slip, text), count


def test_planted_typos_are_found_and_clean_sets_are_clean(data: Path) -> None:
    path = data / "gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz"
    texts = [row["response"] for row in json.loads(gzip.decompress(path.read_bytes()))][:400]
    clean = run_step(Spelling(), [{"response": text} for text in texts]).evidence
    rng = random.Random(1)
    pairs = [planted(text, rng) for text in texts]
    dirty = run_step(Spelling(), [{"response": text} for text, _ in pairs]).evidence
    found = sum(after["typos"] - before["typos"] for before, after in zip(clean, dirty, strict=True))
    assert found / sum(count for _, count in pairs) >= 0.85
    assert sum(one["typos"] for one in clean) / sum(one["words"] for one in clean) <= 0.0005
