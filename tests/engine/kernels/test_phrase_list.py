"""The kernel that lists the phrases of a text, against `in`."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels.patterns import automaton
from tamis.engine.kernels.phrase_list import list_phrases

phrases = st.lists(st.text("abé", min_size=1, max_size=4), min_size=1, max_size=5, unique=True)


@given(phrases, st.text("abcé", max_size=20))
@settings(max_examples=300)
@example(["ab", "b"], "ab")
@example(["aab", "ab", "ba"], "aaba")
def test_every_phrase_that_contains_no_other_is_seen(listed: list[str], text: str) -> None:
    codes = [phrase.encode() for phrase in listed]
    seen = np.zeros(len(codes), np.bool_)
    lengths = np.array([len(code) for code in codes], np.int64)
    list_phrases(np.frombuffer(text.encode(), np.uint8), automaton(codes), lengths, seen)
    for phrase, found in zip(listed, seen.tolist(), strict=True):
        least = not any(other != phrase and other in phrase for other in listed)
        assert not found or phrase in text
        if least:
            assert found == (phrase in text)
        elif phrase in text:  # what it contains is seen instead
            assert any(other in phrase and seen[k] for k, other in enumerate(listed))
