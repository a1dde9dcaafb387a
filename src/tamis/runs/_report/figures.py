"""A step's evidence, as something to draw: a histogram of numbers, bars of words."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

#: bins of a histogram, and how many different whole numbers get a bar each
BINS = 40
#: words shown of a figure that is words
WORDS = 12
#: a number that takes no more values than this is told like a word
FEW = 3
#: where more than this share of the values is nought, the others are drawn by themselves
MOSTLY_ZERO = 0.8
#: characters of a word that are shown
LONGEST_WORD = 80


def figure(name: str, lines: pl.DataFrame) -> dict[str, Any] | None:
    """A figure over `lines` of (value, left); None where there is nothing to draw."""
    lines = lines.drop_nulls("value")
    dtype = lines["value"].dtype
    if lines.height == 0:
        return None
    if dtype == pl.Boolean or dtype == pl.String or dtype in (pl.Categorical, pl.Enum):
        return words(name, lines)
    if dtype.is_numeric():
        value = lines["value"]
        few = value.head(1000).n_unique() <= FEW and value.n_unique() <= FEW
        return words(name, lines) if few else histogram(name, lines)
    return None


def words(name: str, lines: pl.DataFrame) -> dict[str, Any] | None:
    """How often each value stands, kept and not."""
    if lines["value"].dtype in (pl.Categorical, pl.Enum):
        lines = lines.with_columns(pl.col("value").cast(pl.String))
    left = pl.col("left")
    counts = lines.group_by("value").agg(left.not_().sum().alias("kept"), left.sum().alias("left"))
    counts = counts.with_columns((pl.col("kept") + pl.col("left")).alias("all"))
    counts = counts.sort("all", "value", descending=[True, False])
    if counts.height > max(3, lines.height // 2):
        return None  # nearly every row has its own
    if counts["value"].dtype == pl.String and counts["value"].str.contains("^[0-9a-f]{32}$").all():
        return None  # ids of rows
    shown = counts.head(WORDS)
    bars = [{"value": _word(v), "kept": int(k), "left": int(n)} for v, k, n, _ in shown.iter_rows()]
    rest = counts.slice(WORDS)
    others = (
        {"values": rest.height, "kept": int(rest["kept"].sum()), "left": int(rest["left"].sum())}
        if rest.height
        else None
    )
    return {"name": name, "kind": "words", "rows": lines.height, "bars": bars, "others": others}


def _word(value: Any) -> str:
    """A value as it is shown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    told = f"{value:.6g}" if isinstance(value, float) else str(value)
    return told if len(told) <= LONGEST_WORD else told[: LONGEST_WORD - 1] + "…"


def histogram(name: str, lines: pl.DataFrame) -> dict[str, Any] | None:
    """Counts per bin, kept and not; and where the line between them runs, if there is one."""
    values = lines["value"].cast(pl.Float64).to_numpy()
    left = lines["left"].to_numpy()
    fine = np.isfinite(values)
    values, left = values[fine], left[fine]
    if len(values) == 0 or values.min() == values.max():
        return None
    whole = lines["value"].dtype.is_integer()
    limits = _limits(values, left)
    told: dict[str, Any] = {
        "name": name, "kind": "histogram", "whole": whole, "rows": len(values), "low": _six(values.min()),
        "high": _six(values.max()), "median": _six(np.median(values)), "limits": limits, "zeros": None,
    }  # fmt: skip
    zero = values == 0
    others = values[~zero]
    if zero.mean() > MOSTLY_ZERO and len(others) > 1 and others.min() != others.max():
        told["zeros"] = {"kept": int((zero & ~left).sum()), "left": int((zero & left).sum())}
        values, left = others, left[~zero]
    edges, scale = _edges(values, whole, limits.get("least"))
    kept_counts = np.histogram(values[~left], edges)[0]
    left_counts = np.histogram(values[left], edges)[0]
    return {
        **told,
        "scale": scale,
        "edges": [round(float(e), 6) for e in edges],
        "kept": kept_counts.tolist(),
        "left": left_counts.tolist(),
    }


def _edges(values: NDArray[np.float64], whole: bool, least: float | None) -> tuple[NDArray[np.float64], str]:
    """Bin edges: a bar per whole number where they are few, equal widths, or equal ratios for a long tail."""
    low, high = float(values.min()), float(values.max())
    if whole and high - low < BINS:
        return np.arange(low - 0.5, high + 1.0), "values"
    median = float(np.median(values))
    if low >= 0 and high > 1 and high > 12 * max(median, 1e-9) and high > 10 * max(low, 1e-9):
        smallest = max(low, 1.0 if whole else float(values[values > 0].min()))
        ratio = np.geomspace(smallest, high, BINS + 1)
        edges = np.unique(np.ceil(ratio) - 0.5) if whole else ratio
        if low < edges[0]:
            edges = np.concatenate([[low - 0.5 if whole else low], edges])
        edges[-1] = high + 0.5 if whole else high
        return np.unique(edges), "ratios"
    if whole:
        width = max(1, int(np.ceil((high - low + 1) / BINS)))
        start = (
            low - 0.5 if least is None else least - 0.5 - width * np.ceil((least - low) / width)
        )  # a bin ends where keeping begins
        return np.arange(start, high + width + 0.5, width), "widths"
    return np.linspace(low, high, BINS + 1), "widths"


def _six(value: float) -> float:
    """Six digits: what a 32-bit float has."""
    return float(f"{value:.6g}") if abs(value) < 1e6 else float(value)


def _limits(values: NDArray[np.float64], left: NDArray[np.bool_]) -> dict[str, float]:
    """`least` and `most` kept, where the rows that left lie beyond them: the thresholds as they worked."""
    if left.all() or not left.any():
        return {}
    least, most = float(values[~left].min()), float(values[~left].max())
    gone = values[left]
    below, above = gone < least, gone > most
    if not (below | above).all():
        return {}
    found = {}
    if below.any():
        found["least"] = _six(least)
    if above.any():
        found["most"] = _six(most)
    return found
