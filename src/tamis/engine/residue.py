"""How much of a view is markup, data, code or encoded bytes where prose is expected; and whether a question asked for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Text

if TYPE_CHECKING:
    from .kernels.patterns import Automaton

KINDS = ("tags", "data", "code", "encoded", "table")

#: A question that holds one of these asks for code, markup, data or a table, or is about them.
_ASKS = """
code¦html¦css¦json¦xml¦yaml¦toml¦script¦function¦program¦sql¦query¦queries¦regex¦regular expression¦table¦csv¦tsv¦base64¦encod
decod¦encrypt¦hash¦svg¦markdown¦latex¦tex¦tag¦webpage¦web page¦website¦web site¦python¦java¦c++¦c#¦php¦ruby¦rust¦golang¦perl
swift¦kotlin¦haskell¦scala¦matlab¦bash¦shell¦terminal¦command¦class¦method¦implement¦snippet¦api¦array¦object¦schema¦format
matrix¦chart¦spreadsheet¦column¦grid¦calendar¦schedule¦timetable¦algorithm¦variable¦config¦dictionar¦dataframe¦parse¦extract
struct¦tool¦key¦token¦password¦generate a random¦uuid¦ascii¦hex¦binary¦dockerfile¦int ¦main(¦{¦};¦</¦=>¦def ¦#include¦select
代码¦表格¦函数¦程序¦编写¦格式¦网页¦正则¦算法¦数据库¦json格式¦node.js¦react¦django¦server¦file¦sudoku¦fen notation¦puzzle¦图表¦下表¦|¦node¦vue¦frontend
backend¦docker¦linux¦git ¦commit¦npm¦module
"""
ASKS = tuple(phrase for line in _ASKS.strip("\n").split("\n") for phrase in line.split("¦"))


class Residue(NamedTuple):
    """Per row: the share of the visible bytes that is no prose (Float32, 0..1), the largest kind of it, whether it was asked for."""

    share: pl.Series
    kind: pl.Series
    asked: pl.Series


def find_residue(rows: Columns, view: str, *, max_share: float) -> Residue:
    """What is no prose in a view. Only where it is more than `max_share` the question is looked at."""
    from .kernels import residue as kernel

    text = rows.buffers(view)
    n = rows.height
    figures = np.empty((n, kernel.FIGURES), np.int64)
    kernel.measure_residue(text.data, text.offsets, figures)
    kinds = figures[:, kernel.TAGS : kernel.TABLE + 1]
    whole = np.maximum(figures[:, kernel.VISIBLE], 1)
    share = np.minimum(kinds.sum(axis=1) / whole, 1).astype(np.float32)
    largest = np.where(kinds.max(axis=1) > 0, kinds.argmax(axis=1), len(KINDS))
    asked = np.zeros(n, np.bool_)
    if view in ("response", "rejected"):
        above = np.flatnonzero(share > max_share)
        if len(above):
            asked[above] = asks(rows.text("prompt").gather(pl.Series(above, dtype=pl.UInt32)))
    return Residue(
        pl.Series(share), pl.Series([*KINDS, None], dtype=pl.String).gather(pl.Series(largest)), pl.Series(asked)
    )


def asks(questions: pl.Series) -> NDArray[np.bool_]:
    """(n,) bool: which questions are about code, markup, data or tables."""
    from .kernels.patterns import first_phrase
    from .text import to_text

    text: Text = to_text(questions)
    found = np.empty(len(questions), np.int16)
    first_phrase(text.data, text.offsets, 1 << 62, _machine(), found)
    return found >= 0


@cache
def _machine() -> Automaton:
    from .kernels.patterns import automaton

    return automaton([phrase.encode() for phrase in ASKS])
