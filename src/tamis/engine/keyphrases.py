"""Key phrases of groups of texts, from counts: class-based TF-IDF over words and pairs of words.

A phrase weighs sqrt(tf) * log(1 + A / f) in a group: tf is its share among the group's phrases, f how often it stands in all
groups, A how many phrases a group has on average (Grootendorst 2022, arXiv:2203.05794; the root keeps very frequent words
down, as BERTopic's `reduce_frequent_words` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

#: texts of a group that are read
TEXTS = 400
#: characters of a text that are read
CHARACTERS = 2000
#: phrases considered per group
CANDIDATES = 60
#: letters that words which are forms of one another begin with
STEM = 5
_WORD = r"[\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]+)*"
#: words that carry grammar, in English: no phrase begins or ends with one
_GRAMMAR_WORDS = """
a about after again all also am an and any are aren't as at be because been before being but by can can't cannot
could couldn't did didn't do does doesn't doing don't down during each else even ever few for from further get gets
getting give go going got had has hasn't have haven't having he her here hers him his how however i i'd i'll i'm
i've if in into is isn't it it's its itself just let let's like made make makes many may me might more most much
must my myself need needs no nor not now of off on once one only or other our ours out over own please put same she
should so some such take than that that's the their theirs them then there there's these they thing things this
those through to too under until up us use used using very want wanted was wasn't way we were what what's when where
where's which while who whom whose why will with won't would wouldn't yes yet you you'd you're you've your yours
"""
_GRAMMAR = frozenset(_GRAMMAR_WORDS.split())


class Phrase(NamedTuple):
    """A phrase and its weight in its group."""

    text: str
    weight: float


def sample(label: NDArray[np.int32], k: int, most: int = TEXTS) -> NDArray[np.int64]:
    """Rows of each group spread evenly over it, at most so many; ascending."""
    order = np.argsort(label, kind="stable")
    order = order[np.searchsorted(label[order], 0) :]
    size = np.bincount(label[order], minlength=k)
    start = np.concatenate([[0], np.cumsum(size)])
    some = [
        order[start[c] + (np.arange(min(most, size[c])) * size[c]) // min(most, size[c])] for c in range(k) if size[c]
    ]
    return np.sort(np.concatenate(some)) if some else np.empty(0, np.int64)


def key_phrases(texts: pl.Series, label: NDArray[np.int32], k: int, count: int = 8) -> list[list[Phrase]]:
    """Each group's phrases, heaviest first. texts, label: (n,)."""
    table = _counted(texts, label)
    found: list[list[Phrase]] = [[] for _ in range(k)]
    if not table.height:
        return found
    average = float(table["n"].sum()) / k
    weighed = (
        table.with_columns(pl.col("n").sum().over("term").alias("f"), pl.col("n").sum().over("group").alias("all"))
        .filter((pl.col("texts") >= 2) | (pl.col("texts").max().over("group") < 5))
        .with_columns(
            ((pl.col("n") / pl.col("all")).sqrt() * (1 + average / pl.col("f")).log()).round(9).alias("weight")
        )
        .sort(["group", "weight", "words", "term"], descending=[False, True, True, False])
        .group_by("group", maintain_order=True)
        .head(CANDIDATES)
    )
    for group, term, weight in weighed.select("group", "term", "weight").iter_rows():
        chosen = found[group]
        words = _stems(term)
        if len(chosen) < count and not any(words <= (one := _stems(p.text)) or one <= words for p in chosen):
            chosen.append(Phrase(term, round(weight, 6)))
    return found


def names_of(phrases: Sequence[Sequence[Phrase]], words: int = 3) -> list[str]:
    """A name for each group, no two alike: its first phrases, and more where others have the same."""
    names = [", ".join(p.text for p in some[:words]) or "(no words)" for some in phrases]
    for longer in range(words + 1, max(map(len, phrases), default=0) + 1):
        twice = {name for name in names if names.count(name) > 1}
        names = [
            ", ".join(p.text for p in phrases[at][:longer]) if name in twice else name for at, name in enumerate(names)
        ]
    seen: dict[str, int] = {}
    for at, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[at] = f"{name} ({seen[name]})"
    return names


def _stems(phrase: str) -> set[str]:
    """The words by their beginnings: forms of one word are one."""
    return {word[:STEM] for word in phrase.split()}


def _counted(texts: pl.Series, label: NDArray[np.int32]) -> pl.DataFrame:
    """How often each phrase stands in each group, in how many texts, and of how many words it is."""
    words = (
        pl.DataFrame({"group": label, "text": texts.cast(pl.String)})
        .with_row_index("at")
        .filter((pl.col("group") >= 0) & pl.col("text").is_not_null())
        .with_columns(pl.col("text").str.slice(0, CHARACTERS).str.to_lowercase().str.extract_all(_WORD).alias("term"))
        .select("at", "group", "term")
        .explode("term")
        .drop_nulls("term")
        .with_columns(pl.col("term").str.replace_all("’", "'"))
        .with_columns(
            (pl.col("term").is_in(list(_GRAMMAR)) | ~pl.col("term").str.contains(r"\p{L}\p{M}*\p{L}|\p{Lo}")).alias(
                "weak"
            ),
            pl.col("term").shift(-1).over("at").alias("next"),
        )
        .with_columns(pl.col("weak").shift(-1).over("at").alias("next_weak"))
    )
    single = words.filter(~pl.col("weak")).select("at", "group", "term", pl.lit(1, pl.Int8).alias("words"))
    pairs = words.filter(~pl.col("weak") & ~pl.col("next_weak") & (pl.col("term") != pl.col("next"))).select(
        "at", "group", pl.concat_str("term", "next", separator=" ").alias("term"), pl.lit(2, pl.Int8).alias("words")
    )
    return (
        pl.concat([single, pairs])
        .group_by("group", "term", "words")
        .agg(pl.len().alias("n"), pl.col("at").n_unique().alias("texts"))
    )
