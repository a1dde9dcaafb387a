"""Typos, against a slow twin."""

from __future__ import annotations

import re
import string

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.engine.kernels.spelling import (
    CHECKED,
    FIGURES,
    FIRST,
    KNOWN,
    LONGEST,
    SHOWN,
    TYPOS,
    Words,
    check_spelling,
    fill,
    words,
)

LEXICON = {
    "the": 4, "and": 4, "you": 4, "receive": 3, "parcel": 2, "with": 3, "which": 3, "abcdefghijklmnop": 2, "cat": 3, "web": 3,
    "page": 3, "house": 3, "rare": 1, "because": 3, "information": 3, "xylophone": 1, "to": 4,
}  # fmt: skip


def buffers(texts: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)], dtype=np.int64)


def table() -> Words:
    found = Words(np.zeros(1 << 18, np.uint32), np.zeros(1 << 18, np.uint8))
    data, offsets = buffers([word.encode() for word in LEXICON])
    fill(data, offsets, np.array(list(LEXICON.values()), np.uint8), *found)
    return found


def is_typo(word: str) -> bool:
    size = len(word)
    level = {3: 4, 4: 3}.get(size, 2)
    swaps = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(size - 1)}
    less = {word[:i] + word[i + 1 :] for i in range(size - (word[-1] in "sdrny"))}
    more = (
        {word[:i] + c + word[i:] for i in range(1, size + 1) for c in string.ascii_lowercase}
        if size < LONGEST
        else set()
    )
    other = {word[:i] + c + word[i + 1 :] for i in range(1, size) for c in string.ascii_lowercase}
    near = swaps if size == 3 else swaps | less | more
    if any(LEXICON.get(one, 0) >= level for one in near):
        return not is_compound(word)
    return size >= 5 and any(LEXICON.get(one, 0) >= (3 if size == 5 else 2) for one in other) and not is_compound(word)


def is_compound(word: str) -> bool:
    return (
        any(LEXICON.get(word[:k], 0) >= 3 and LEXICON.get(word[k:], 0) >= 3 for k in range(3, len(word) - 2))
        and len(word) > 6
    )


def checked_of(text: str) -> list[int]:
    """Checked, known, typos, and the places of the first."""
    count = [0, 0, 0]
    places: list[int] = []
    at, fenced = 0, False
    for line in text.split("\n"):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif (
            not fenced and len(re.findall(r"[{}=<>_\\$|^~#]", line)) < 2 and not re.search(r"[;{}][\x00-\x20]*$", line)
        ):
            shown = re.sub(r"`[^`]*`", lambda match: "`" * len(match[0]), line)
            for match in re.finditer(r"[a-z]+", shown):
                word, before, rest = match[0], shown[: match.start()][-1:], shown[match.end() :]
                if not 2 <= len(word) <= LONGEST or not (before in ' \t\r"[(*' or not before):
                    continue
                if not re.match(r"$|[ \t\r,;:!?)\]\"*]|\.(?:$|[ \t\r.(\[\",;:!?)\]*])", rest) or (
                    rest.startswith((".(", ".[")) and False
                ):
                    continue
                count[0] += 1
                plural = len(word) >= 4 and word[-1] == "s" and word[-2] != "s" and word[:-1] in LEXICON
                if word in LEXICON or plural:
                    count[1] += 1
                elif len(word) >= 3 and is_typo(word):
                    count[2] += 1
                    places.append(at + len(line[: match.start()].encode()))
        at += len(line.encode()) + 1
    return [*count, *(places + [-1] * SHOWN)[:SHOWN]]


pieces = st.sampled_from(
    ["the", "teh", "yuo", "recieve", "parcle", "wich", "abcdefghijklmnpo", "webpage", "housse", "cats", "informaton", "becuase", " ", ". ", ", ",
     "\n", "```", "`", "-", "'", "(", "=", "{", ";", "é", "A", "3", "xylophonr", "caat", "rrae", "...", ".", "\"", "*", "tto", "andd"]
)  # fmt: skip


@given(st.lists(st.lists(pieces, max_size=14).map("".join), max_size=5))
@example(
    [
        "teh cat",
        "the webpage",
        "informaton.",
        "recieve!",
        "x = teh; y = teh",
        "`teh`",
        "```\nteh\n```\nteh",
        "teh-",
        "d'teh",
    ]
)
@settings(max_examples=500)
def test_typos(texts: list[str]) -> None:
    out = np.empty((len(texts), FIGURES), np.int64)
    check_spelling(*buffers([text.encode() for text in texts]), table(), out)
    assert out.tolist() == [checked_of(text) for text in texts]


def test_the_words_that_come_along() -> None:
    texts = ["the colour and color of chatbots", "teh becuase recieve", "zzyzx qwrtp"]
    out = np.empty((3, FIGURES), np.int64)
    check_spelling(*buffers([text.encode() for text in texts]), words(), out)
    assert out[:, [CHECKED, KNOWN, TYPOS]].tolist() == [[6, 6, 0], [3, 0, 3], [2, 0, 0]]
    assert out[1, FIRST:].tolist() == [0, 4, 12, -1]
