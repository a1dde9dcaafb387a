"""Whether a text says something new: likeness to all texts before it, by ROUGE-L.

ROUGE-L is the F1 of the longest common subsequence of two texts' words, 0..1. Self-Instruct (Wang et al., 2022) takes
an instruction where none before it comes to 0.7. Words are runs of letters and digits; scripts written without spaces
are compared character by character.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

_WORD = re.compile(r"[^\W_]+")
#: Thai, Lao, Burmese, Khmer, kana, Chinese
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def words(text: str) -> list[str]:
    """The words that are compared.

    >>> words("Don't say “Café_au lait”!")
    ['don', 't', 'say', 'café', 'au', 'lait']
    >>> words("東京へ2回")
    ['東', '京', 'へ', '2', '回']
    """
    return _WORD.findall(_SPACELESS.sub(r" \g<0> ", text.casefold()))


class Like(NamedTuple):
    """What a text is most like: the number of the text, in the order they were added, and how much (0..1)."""

    number: int
    similarity: float


class Seen:
    """The texts so far."""

    def __init__(self, threshold: float = 0.7) -> None:
        self.threshold = threshold
        self.count = 0
        self._ids: dict[str, int] = {}
        self._texts, self._sorted = np.empty(1 << 12, np.int32), np.empty(1 << 12, np.int32)
        self._starts = np.zeros(1 << 8, np.int64)
        self._marks = np.zeros(1 << 8, np.uint64)
        self._longest = 0

    def like(self, text: str) -> Like | None:
        """The first of the texts it is most like, where one comes to the threshold."""
        return self._like(self._numbers(text))

    def add(self, text: str) -> None:
        """One more text."""
        self._add(self._numbers(text))

    def take(self, text: str) -> Like | None:
        """Add a text unless it is like one before it; then say which."""
        ids = self._numbers(text)
        found = self._like(ids)
        if found is None:
            self._add(ids)
        return found

    def _numbers(self, text: str) -> np.ndarray:
        return np.array([self._ids.setdefault(word, len(self._ids)) for word in words(text)], np.int32)

    def _like(self, ids: np.ndarray) -> Like | None:
        from .kernels.subsequence import nearest

        row = np.empty(self._longest + 1, np.int32)
        index, c = nearest(
            ids, np.sort(ids), self._texts, self._sorted, self._marks, self._starts, self.count, self.threshold, row
        )
        if index < 0:
            return None
        other = int(self._starts[index + 1] - self._starts[index])
        return Like(int(index), 2 * int(c) / (len(ids) + other))

    def _add(self, ids: np.ndarray) -> None:
        from .kernels.subsequence import mark

        start = int(self._starts[self.count])
        end = start + len(ids)
        while end > len(self._texts):
            self._texts, self._sorted = _doubled(self._texts), _doubled(self._sorted)
        if self.count + 2 > len(self._starts):
            self._starts, self._marks = _doubled(self._starts), _doubled(self._marks)
        self._texts[start:end], self._sorted[start:end] = ids, np.sort(ids)
        self._marks[self.count] = mark(ids)
        self.count += 1
        self._starts[self.count] = end
        self._longest = max(self._longest, len(ids))


def _doubled(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array, np.zeros_like(array)])
