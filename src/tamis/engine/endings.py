"""Was a text cut off? Weighed from how it ends and how its lines ended before.

A fence or a formula that is open at the end, a bare mark of a list, a last word that others must follow ("and", "of the"), a
comma or a colon say so by themselves. A last line that simply lacks its full stop says so only where the text is prose that
ends its other sentences: answers of a word, titles, names, poems, tables, lists without full stops and addresses end in many
ways and are complete. Code outside fences is judged by its brackets, and by a last line that opens a block.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text

SIGNS = ("open_fence", "open_formula", "bare_mark", "cut_sentence", "cut_item", "open_bracket", "open_block")
#: The last word of no sentence, in lower case, though others follow it in one.
LINKING = """
the a an of to and or with for at by from that which who is are was were as if but because than into its their your my his our
these such can will would should could may might must has have had be been being very between through during including such while where
der die das ein eine einen einem einer und oder mit für von zu dass ist sind wird werden im am auf den dem des als wenn um durch bei nach über unter sowie
le la les un une des et ou de du pour avec dans que qui est sont en sur par au aux ce cette leur ses el los las del con para por es son una se su sus al
il lo gli di e che per sono della delle dei nel nella os do da em com um uma no na não het een van te met voor op aan
"""
MIN_WORDS = 8  # of a text that can lack a full stop
LONG_SENTENCE = 20  # words of a single sentence that is not complete without one


class Endings(NamedTuple):
    """Per row: the surest sign that the text was cut off (null: none), and how sure it is (Float32, 0..1)."""

    sign: pl.Series
    score: pl.Series


@cache
def _table() -> NDArray[np.bool_]:
    from .kernels.endings import word_table

    return word_table(LINKING.split())


def find_cuts(text: Text) -> Endings:
    """The surest sign in each string that it was cut off."""
    from .kernels import endings as kernel

    n = len(text.offsets) - 1
    figures = np.empty((n, kernel.FIGURES), np.int32)
    kernel.measure_endings(text.data, text.offsets, _table(), figures)
    score, sign = weigh(figures)
    names = pl.Series([*SIGNS, None], dtype=pl.String)
    return Endings(names.gather(pl.Series(sign)), pl.Series(score))


def weigh(figures: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(n,) float32 how sure it is that each text was cut off, and (n,) int64 the surest sign (len(SIGNS): none)."""
    from .kernels import endings as kernel

    def column(name: int) -> NDArray[np.int32]:
        return figures[:, name]

    last, words = column(kernel.LAST), column(kernel.WORDS)
    fenced = column(kernel.FENCED) > 0
    item = column(kernel.ITEM)
    short = column(kernel.LAST_WORDS) < 4
    signs, all_lines = column(kernel.CODE), column(kernel.ALL_LINES)
    few = column(kernel.LAST_WORDS) < 8
    code = (column(kernel.LAST_CODE) > 0) | (3 * signs > 2 * all_lines) | ((3 * signs > all_lines) & few)
    letters = (last == kernel.LETTER) | (last == kernel.WIDE)
    open_end = letters | (last == kernel.DIGIT) | (last == kernel.COMMA_LIKE) | (last == kernel.OPENER)
    prose = ~code & ~fenced & (words >= MIN_WORDS)
    lines, ended = column(kernel.LINES), column(kernel.LINES_ENDED)
    items, items_ended = column(kernel.ITEMS), column(kernel.ITEMS_ENDED)
    punctuated = (2 * ended > lines) | (lines == 0)
    sentences = column(kernel.SENTENCES)
    block = column(kernel.BLOCK)
    of, done = np.where(block > 0, block, items), np.where(block > 0, column(kernel.BLOCK_ENDED), items_ended)
    address = column(kernel.ADDRESS) > 0
    tail, capital = column(kernel.TAIL), column(kernel.CAPITAL) > 0
    comma = (last == kernel.COMMA_LIKE) | (last == kernel.OPENER)
    goes_on = (tail >= 6) | (~capital & (tail >= 1) & (last != kernel.DIGIT))
    plain = prose & open_end & (item == 0) & punctuated & goes_on & ~address & (sentences >= 1)
    scores = np.zeros((len(figures), len(SIGNS)), np.float32)

    def say(sign: str, weight: float, when: NDArray[np.bool_]) -> None:
        place = SIGNS.index(sign)
        scores[:, place] = np.maximum(scores[:, place], np.where(when, np.float32(weight), np.float32(0)))

    say("open_fence", 0.9, fenced)
    say("open_formula", 0.85, (column(kernel.MATH) > 0) & (3 * signs <= 2 * all_lines) & (sentences > 0))
    say("bare_mark", 0.9, (item == 2) & (items > 0) & ~code)
    say("cut_sentence", 0.8, prose & letters & (column(kernel.LINKING) > 0) & (column(kernel.LAST_WORDS) >= 3))
    say("cut_sentence", 0.8, prose & comma & ((sentences > 0) | ((lines == 0) & (item == 0))) & (tail >= 6))
    say("cut_sentence", 0.7, prose & (last == kernel.COLON) & (words >= 12) & (item == 0))
    say("open_bracket", 0.7, prose & open_end & (column(kernel.OPEN) > 0) & (column(kernel.LAST_WORDS) >= 4) & ~address)
    last_code = (column(kernel.LAST_CODE) > 0) & ~fenced
    say("open_bracket", 0.8, (column(kernel.BRACES) > 0) | (last_code & (column(kernel.OPEN) > 0)))
    say("open_block", 0.7, last_code & (last == kernel.COLON) & (all_lines >= 2))
    say("cut_sentence", 0.6, plain & ~short)
    say(
        "cut_sentence",
        0.5,
        plain & short & letters & (4 * signs <= all_lines) & ~capital & (sentences >= 2) & (lines >= 1),
    )
    say("cut_sentence", 0.7, plain & (sentences >= 3) & (column(kernel.LAST_WORDS) >= 8))
    single = (
        prose
        & (signs == 0)
        & letters
        & ~capital
        & (sentences == 0)
        & (lines == 0)
        & (items == 0)
        & (item == 0)
        & ~address
    )
    say("cut_sentence", 0.5, single & (tail >= LONG_SENTENCE))
    say("cut_item", 0.6, prose & open_end & (item == 1) & (items >= 1) & (4 * done >= 3 * of) & ~address)
    sign = np.where(scores.max(axis=1) > 0, scores.argmax(axis=1), len(SIGNS)).astype(np.int64)
    return scores.max(axis=1).astype(np.float32), sign
