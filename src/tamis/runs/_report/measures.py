"""How rows read: lengths, and simple measurable things about the writing."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from tamis.engine.frame import Frame
from tamis.engine.measure import count

#: characters of each text that are looked at for style
LOOK = 2000
#: words over which different words are counted; fewer are not comparable
WORDS = 2000
BINS = 36

VIEWS = ("prompt", "response", "text")

_PICTURES = r"[\p{Extended_Pictographic}--[\p{ASCII}©®™‼⁉ℹ↔-↩]]"
#: name → (what it says, pattern)
HABITS: dict[str, tuple[str, str]] = {
    "question": ("asks something (a question mark)", r"[?？؟]"),
    "exclamation": ("exclaims", r"[!！]"),
    "emoji": ("has an emoji", _PICTURES),
    "digits": ("has a digit", r"\d"),
    "shouting": ("has a word of 4 or more capitals", r"\b\p{Lu}{4,}\b"),
    "lower": ("begins with a small letter", r"^\s*\p{Ll}"),
    "link": ("has a link", r"https?://|www\."),
    "code": ("has a code block", r"(?m)^\s*(?:```|~~~)"),
    "list": ("has a list", r"(?m)^\s*(?:[-*•]|\d+[.)])\s+\S"),
    "heading": ("has a Markdown heading", r"(?m)^#{1,6}\s+\S"),
}
_SENTENCE = r"[.!?。！？…]+(?:\s|$)|\n+"
_WORD = re.compile(r"\w+(?:['’]\w+)*")


class Reading:
    """Measures of the texts of one view, gathered partition by partition."""

    def __init__(self) -> None:
        self.rows = 0
        self.lengths: list[np.ndarray[Any, np.dtype[np.int64]]] = []
        self.characters = 0
        self.habits: Counter[str] = Counter()
        self.sentences = 0
        self.words = 0
        self.seen: list[str] = []

    def add(self, frame: Frame, view: str) -> None:
        """Take in one view of some rows; rows without it are not counted."""
        lengths = count(frame.buffers(view), "words")
        text = frame.text(view).drop_nulls()
        if len(text) == 0:
            return
        self.rows += len(text)
        lengths = lengths.drop_nulls()
        self.lengths.append(lengths.to_numpy())
        head = text.str.slice(0, LOOK)
        self.characters += int(text.str.len_chars().sum())
        for name, (_, pattern) in HABITS.items():
            self.habits[name] += int(head.str.contains(pattern).sum())
        whole = head.str.len_chars() < LOOK
        counted = head.filter(whole)
        self.words += int(lengths.filter(whole).sum())
        self.sentences += (
            int(counted.str.strip_chars().str.count_matches(_SENTENCE).clip(1).sum()) if len(counted) else 0
        )
        for one in head:
            if len(self.seen) >= WORDS:
                break
            self.seen += [word.lower() for word in _WORD.findall(one)]

    def all_lengths(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Words of every text."""
        return np.concatenate(self.lengths) if self.lengths else np.empty(0, np.int64)

    def summary(self) -> dict[str, Any]:
        """Median and spread of the lengths."""
        lengths = self.all_lengths()
        if len(lengths) == 0:
            return {"rows": 0}
        low, q1, median, q3, high = (float(q) for q in np.quantile(lengths, [0.05, 0.25, 0.5, 0.75, 0.95]))
        return {
            "rows": self.rows, "mean": round(int(lengths.sum()) / len(lengths), 1), "p5": low, "p25": q1, "median": median,
            "p75": q3, "p95": high, "least": int(lengths.min()), "most": int(lengths.max()),
            "characters": round(self.characters / max(1, self.rows), 1),
        }  # fmt: skip

    def style(self) -> dict[str, float | None]:
        """Shares 0..1 of the texts, words a sentence, and how many of the first WORDS words are different ones, 0..1."""
        told: dict[str, float | None] = {name: round(self.habits[name] / self.rows, 4) for name in HABITS}
        told["sentence_words"] = round(self.words / self.sentences, 1) if self.sentences else None
        words = self.seen[:WORDS]
        told["different_words"] = round(len(set(words)) / len(words), 3) if len(words) == WORDS else None
        return told


class Readings:
    """The same view before and after."""

    def __init__(self) -> None:
        self.before = {view: Reading() for view in VIEWS}
        self.after = {view: Reading() for view in VIEWS}
        self.by_split: dict[str, dict[str, Reading]] = {}

    def add(self, side: dict[str, Reading], rows: pl.DataFrame) -> None:
        """Take in rows."""
        if rows.height == 0:
            return
        frame = Frame.of(rows)
        for view in VIEWS:
            if ("text" if view == "text" else "messages") in rows.columns:
                side[view].add(frame, view)

    def split(self, name: str, rows: pl.DataFrame) -> None:
        """Take in delivered rows of one split."""
        side = self.by_split.setdefault(name, {view: Reading() for view in VIEWS})
        self.add(side, rows)

    def lengths(self) -> list[dict[str, Any]]:
        """Per view that any row has: words before and after, and both distributions over the same bins."""
        found = []
        for view in VIEWS:
            before, after = self.before[view], self.after[view]
            if not before.rows and not after.rows:
                continue
            both = np.concatenate([before.all_lengths(), after.all_lengths()])
            edges = length_edges(both)
            found.append(
                {
                    "view": view, "unit": "words", "edges": edges.tolist(),
                    "before": {**before.summary(), "counts": np.histogram(before.all_lengths(), edges)[0].tolist()},
                    "after": {**after.summary(), "counts": np.histogram(after.all_lengths(), edges)[0].tolist()},
                }
            )  # fmt: skip
        return found

    def styles(self) -> list[dict[str, Any]]:
        """Per view: the measures before and after."""
        return [
            {"view": view, "before": self.before[view].style() if self.before[view].rows else None,
             "after": self.after[view].style() if self.after[view].rows else None}
            for view in VIEWS
            if self.before[view].rows or self.after[view].rows
        ]  # fmt: skip

    def splits(self) -> dict[str, dict[str, Any]]:
        """Per split and view: the lengths."""
        return {
            name: {view: side[view].summary() for view in VIEWS if side[view].rows}
            for name, side in self.by_split.items()
        }


def length_edges(lengths: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Bins that show the bulk: whole numbers, wider where texts are long; equal ratios over more than two magnitudes."""
    low, high = int(lengths.min()), int(lengths.max())
    if high - low < BINS:
        return np.arange(low, high + 2, dtype=np.float64) - 0.5
    median = max(1.0, float(np.median(lengths)))
    if high > 20 * median:
        ratio = np.unique(np.ceil(np.geomspace(max(1, low), high + 1, BINS)))
        return np.unique(np.concatenate([[low], ratio])).astype(np.float64) - 0.5
    width = -(-(high - low + 1) // BINS)
    return np.arange(low, high + width + 1, width, dtype=np.float64) - 0.5
