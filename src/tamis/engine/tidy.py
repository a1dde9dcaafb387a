"""Rewriters over the kernels of white space and odd characters (see rewrite)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .rewrite import Mask, Positions, Rewritten, chosen_text, nothing, patched, some_strings, string_views
from .text import to_series

#: repairs feed each other (a removed character joins a mark to its letter), so they are repeated this often
ROUNDS = 4


def tidy(strings: pl.Series, selected: Mask, *, blank_lines: int, collapse: bool) -> Rewritten:
    """White space in order. One figure: how many characters fewer."""
    from .kernels.counts import count_characters
    from .kernels.spaces import mark_untidy
    from .kernels.whitespace import tidy_strings

    if len(strings) == 0:
        return nothing(1)
    states = np.empty(len(strings), np.uint8)
    standing = string_views(strings, selected)
    mark_untidy(*standing[:5], blank_lines, states)
    at = np.flatnonzero(states)
    if len(at) == 0:
        return nothing(1)
    old = chosen_text(strings, at)
    data, offsets, changed = (
        np.empty(old.data.size, np.uint8),
        np.empty(len(at) + 1, np.int64),
        np.empty(len(at), np.bool_),
    )
    tidy_strings(old.data, old.offsets, states[at], blank_lines, collapse, data, offsets, changed)
    if not changed.any():
        return nothing(1)
    before, after = np.empty(len(at), np.int64), np.empty(len(at), np.int64)
    count_characters(old.data, old.offsets, before)
    count_characters(data, offsets, after)
    new = to_series("", old._replace(data=data[: offsets[-1]], offsets=offsets))
    return Rewritten(at[changed], new.filter(pl.Series(changed)), (before - after)[changed].reshape(-1, 1))


def repair(
    strings: pl.Series,
    selected: Mask,
    *,
    mojibake: Callable[[str], str] | None,
    normal: Callable[[str], str] | None,
    compatible: bool,
    controls: bool,
    invisible: bool,
) -> Rewritten:
    """Odd characters mended or removed; `mojibake` and `normal` mend the strings that may need it.

    compatible: whether `normal` also replaces compatibility characters. Four figures: 1 where mojibake was
    mended; control characters removed; invisible characters removed; 1 where `normal` changed something.
    """
    from .kernels.clean import COMPATIBLE, COMPOSE, CONTROL, INVISIBLE, MOJIBAKE

    compose = (COMPOSE | COMPATIBLE if compatible else COMPOSE) if normal else 0
    strip = (CONTROL if controls else 0) | (INVISIBLE if invisible else 0)
    wanted = compose | strip | (MOJIBAKE if mojibake else 0)
    at = _marked(strings, selected, wanted)
    if len(at) == 0:
        return nothing(4)
    new = strings.gather(pl.Series(at, dtype=pl.UInt32))
    figures = np.zeros((len(at), 4), np.int64)
    rest = np.ones(len(at), np.bool_)
    for _ in range(ROUNDS):
        old = new
        if mojibake:
            new = _mended(new, _marked(new, rest, MOJIBAKE), mojibake, figures[:, 0])
        if strip:
            new = _stripped(new, _marked(new, rest, strip), controls, invisible, figures[:, 1:3])
        if normal:
            new = _mended(new, _marked(new, rest, compose), normal, figures[:, 3])
        rest = new.ne_missing(old).to_numpy()
        if not rest.any():
            break
    found = figures.any(axis=1)
    return Rewritten(at[found], new.filter(pl.Series(found)), figures[found])


def _marked(strings: pl.Series, selected: Mask, wanted: int) -> Positions:
    """Positions of the selected strings that have one of the marks."""
    from .kernels.clean import mark_strings, tables

    marks = np.empty(len(strings), np.uint8)
    if len(strings):
        standing = string_views(strings, selected)
        mark_strings(*standing[:5], *tables(), marks)
    return np.flatnonzero(marks & wanted)


def _mended(strings: pl.Series, at: Positions, mend: Callable[[str], str], figure: NDArray[np.int64]) -> pl.Series:
    """The strings with `mend` applied at `at`; figure: (n,) is set to 1 where that changed something."""
    changed: list[int] = []
    values: list[str] = []
    for position, old in zip(at.tolist(), some_strings(strings, at), strict=True):
        new = mend(old)
        if new != old:
            changed.append(position)
            values.append(new)
    if not changed:
        return strings
    figure[changed] = 1
    return patched(strings, np.array(changed, np.int64), pl.Series(values, dtype=pl.String))


def _stripped(
    strings: pl.Series, at: Positions, controls: bool, invisible: bool, removed: NDArray[np.int64]
) -> pl.Series:
    """The strings without control and invisible characters at `at`; removed: (n, 2) counts them."""
    from .kernels.clean import strip_strings, tables

    if len(at) == 0:
        return strings
    old = chosen_text(strings, at)
    data, offsets, counts = (
        np.empty(old.data.size, np.uint8),
        np.empty(len(at) + 1, np.int64),
        np.zeros((len(at), 2), np.int64),
    )
    strip_strings(old.data, old.offsets, tables()[0], controls, invisible, data, offsets, counts)
    changed = counts.any(axis=1)
    if not changed.any():
        return strings
    removed[at] += counts
    new = to_series("", old._replace(data=data[: offsets[-1]], offsets=offsets))
    return patched(strings, at[changed], new.filter(pl.Series(changed)))
