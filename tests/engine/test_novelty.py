"""Likeness by ROUGE-L: the kernel against a slow twin."""

from __future__ import annotations

from functools import lru_cache

from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.novelty import Seen, words

TEXTS = st.lists(st.text(st.sampled_from("abcd "), max_size=24), max_size=12)


def rouge_l(a: str, b: str) -> tuple[int, int]:
    """(twice the longest common subsequence, words of both), by the definition."""
    x, y = tuple(words(a)), tuple(words(b))

    @lru_cache(None)
    def longest(i: int, j: int) -> int:
        if i == len(x) or j == len(y):
            return 0
        skipped = max(longest(i + 1, j), longest(i, j + 1))
        return max(skipped, 1 + longest(i + 1, j + 1)) if x[i] == y[j] else skipped

    return 2 * longest(0, 0), len(x) + len(y)


@given(TEXTS, st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_what_is_taken_is_like_nothing_before(texts: list[str], threshold: float) -> None:
    seen, taken = Seen(threshold), list[str]()
    for text in texts:
        pairs = [rouge_l(text, other) for other in taken]
        like = [(c / n, -k) for k, (c, n) in enumerate(pairs) if n and c >= threshold * n]
        found = seen.take(text)
        assert (found is None) == (not like)
        if found is None:
            taken.append(text)
        else:
            assert (found.similarity, -found.number) == max(like)


def test_words_of_any_script() -> None:
    assert words("don’t STOP—naïve_ïdea 3.5") == ["don", "t", "stop", "naïve", "ïdea", "3", "5"]
    assert words("东京 tokyo") == ["东", "京", "tokyo"]
    seen = Seen(0.7)
    assert seen.take("请写一首关于春天的诗") is None
    assert seen.take("请写一首关于秋天的诗") is not None


def test_room_grows() -> None:
    seen = Seen(0.9)
    assert all(seen.take(f"number {k} of many {k * 7919} {k * 31}") is None for k in range(3000))
    assert seen.take("number 2999 of many 23749081 92969") is not None
    assert seen.take("x " * 9000) is None
    assert seen.take("x " * 8900) is not None
