"""Columns with few different values: how their rows are spread, before and after, and over the splits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from .texts import Texts, spaced

#: more different values are not labels
MOST_LABELS = 200
#: columns shown
MOST_COLUMNS = 6
#: partitions whose columns are counted
PARTITIONS = 256
LONGEST = 80
NULL = "(none)"


def candidates(sample: pl.DataFrame) -> list[str]:
    """Columns that look like labels in a sample of delivered rows."""
    found = []
    rows = sample.height
    for column in sample.get_columns():
        name, dtype = column.name, column.dtype
        if "." not in name and name != "producer":
            continue
        if not (dtype == pl.String or dtype == pl.Boolean or dtype.is_integer() or dtype in (pl.Categorical, pl.Enum)):
            continue
        values = column.drop_nulls()
        distinct = values.n_unique()
        if distinct < 2 or distinct > min(MOST_LABELS, max(2, len(values) // 2)):
            continue
        if distinct > len(values) // 5 and values.cast(pl.String).unique().str.contains(r"\d").mean() > 0.8:  # type: ignore[operator]
            continue  # ids that stand twice
        if dtype.is_integer() and distinct > 20:
            continue
        if dtype == pl.String and (values.str.len_chars() > LONGEST).any():
            continue
        if len(values) < rows // 10:
            continue
        found.append(name)
    return found[:MOST_COLUMNS]


class Spread:
    """Counts of labels over a run."""

    def __init__(self, texts: Texts, names: list[str], born: set[int]) -> None:
        self.names, self.born = names, born
        self.before: dict[str, Counter[str]] = {name: Counter() for name in names}
        self.after: dict[str, Counter[str]] = {name: Counter() for name in names}
        self.by_split: dict[str, dict[str, Counter[str]]] = {name: {} for name in names}
        self.splits: Counter[str] = Counter()
        self.partitions = spaced(texts.count, PARTITIONS)
        self.whole = len(self.partitions) == texts.count
        for partition in self.partitions:
            self._add(texts, partition)

    def _add(self, texts: Texts, partition: int) -> None:
        live = pl.Series(texts.live(partition))
        known = set(texts.names(partition))
        split = texts.column(partition, "split") if "split" in known else None
        if split is not None:
            split = split.filter(live).fill_null(NULL)
            _count(self.splits, split)
        for name in self.names:
            column = texts.column(partition, name) if name in known else None
            if column is None:
                continue
            words = column.cast(pl.String)
            if partition not in self.born:
                _count(self.before[name], words.fill_null(NULL))
            kept = words.filter(live).fill_null(NULL)
            _count(self.after[name], kept)
            if split is not None:
                pairs = pl.DataFrame([kept.alias("label"), split.alias("split")]).group_by("label", "split").len()
                for label, part, n in pairs.iter_rows():
                    self.by_split[name].setdefault(part, Counter())[label] += n

    def labels(self) -> list[dict[str, Any]]:
        """Per column: each label with its rows before, after and in each split; the most frequent first."""
        found = []
        for name in self.names:
            after = self.after[name]
            labels = set(after) - {NULL}
            if not 2 <= len(labels) <= MOST_LABELS:
                continue
            before = self.before[name]
            order = sorted({*after, *before}, key=lambda label: (-after[label], -before[label], label))
            splits = sorted(self.by_split[name])
            rows = [
                {"label": label, "before": before[label], "after": after[label],
                 "splits": {split: self.by_split[name][split][label] for split in splits}}
                for label in order[:MOST_LABELS]
            ]  # fmt: skip
            rest = order[MOST_LABELS:]
            others = {"labels": len(rest), "before": sum(before[k] for k in rest), "after": 0} if rest else None
            found.append(
                {"column": name, "labels": len(labels), "rows": rows, "others": others, "splits": splits, "all": self.whole,
                 "texty": not all(label.lstrip("-").isdigit() for label in labels)}
            )  # fmt: skip
        return found


def _count(counter: Counter[str], values: pl.Series) -> None:
    for value, n in values.alias("v").value_counts(name="n").iter_rows():
        counter[value] += n


def sample_rows(mask: np.ndarray[Any, np.dtype[np.bool_]], most: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """At most `most` positions where the mask holds, evenly spaced."""
    rows = np.flatnonzero(mask)
    return rows[spaced(len(rows), most)] if most > 0 else rows[:0]
