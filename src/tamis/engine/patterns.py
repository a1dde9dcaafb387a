"""Cheap looks at a view, as series: blank, placeholder, language."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Columns, Text
from tamis.core.row import ROLES

from .frame import Frame
from .text import to_text

#: Whole texts that hold the place of one, in lower case.
PLACEHOLDERS = frozenset(
    """
    n/a|n.a.|n. a.|n.a|na|n / a|#n/a|n\\a|none|null|nil|nan|<na>|undefined|unknown|not available|not applicable|no response|no answer|no data|no value
    (none)|(null)|(empty)|[none]|[null]|[empty]|empty|blank|[blank]|missing|tbd|tba|todo|to do|to be determined|to be announced|fixme|xxx|placeholder
    test|test test|testing|test 123|test test test|asdf|asdfasdf|qwerty|foo|foo bar|dummy|sample text|your text here|insert text here|text goes here
    -|--|---|–|—|_|__|.|..|...|…|?|??|???|!|*|**|/|\\|0x0|""|''|{}|[]|()|<>
    nicht verfügbar|keine angabe|k.a.|k. a.|non disponible|sans objet|no disponible|sin respuesta|non disponibile|não disponível
    无|暂无|不适用|空|なし|無し|該当なし|未定|없음|нет данных|н/д
    """.strip("\n ").replace("\n    ", "|").split("|")
)  # fmt: skip
LONGEST = 64  # bytes of the longest text that can be a placeholder, white space and all
LOREM = b"lorem ipsum"


def blank(text: Text) -> pl.Series:
    """(n,) Boolean: nothing in the string is visible."""
    from .kernels.patterns import mark_blank

    out = np.empty(len(text.offsets) - 1, np.bool_)
    mark_blank(text.data, text.offsets, out)
    return pl.Series(out)


def placeholder(text: Text) -> pl.Series:
    """(n,) String: the placeholder that is the whole string (or `lorem ipsum`, where it begins so); else null."""
    from .kernels.patterns import automaton, first_phrase

    n = len(text.offsets) - 1
    found: list[tuple[int, str]] = []
    for i in np.flatnonzero((np.diff(text.offsets) <= LONGEST) & text.valid).tolist():
        word = text.data[text.offsets[i] : text.offsets[i + 1]].tobytes().decode("utf-8", "replace").strip().casefold()
        if word in PLACEHOLDERS:
            found.append((i, word))
    lorem = np.empty(n, np.int16)
    first_phrase(text.data, text.offsets, LONGEST, automaton([LOREM]), lorem)
    for i in np.flatnonzero(lorem >= 0).tolist():
        if (
            text.data[text.offsets[i] : text.offsets[i + 1]][:LONGEST]
            .tobytes()
            .lstrip(b" \t\r\n\"'*#")
            .lower()
            .startswith(LOREM)
        ):
            found.append((i, LOREM.decode()))
    out = pl.Series([None], dtype=pl.String).new_from_index(0, n)
    rows, words = [i for i, _ in found], [word for _, word in found]
    return out.scatter(rows, pl.Series(words, dtype=pl.String)) if found else out


class LanguageOf(NamedTuple):
    """Per row: ISO code or `und`, confidence (Float32, 0..1), whether it is wanted, whether it is too short to tell."""

    language: pl.Series
    confidence: pl.Series
    wanted: pl.Series
    short: pl.Series


def languages(text: Text, *, keep: tuple[str, ...], min_letters: int) -> LanguageOf:
    """The language of each row, and whether it is one of `keep`."""
    from .kernels.language import CODES, FOLDED, identify
    from .kernels.patterns import count_letters

    found = identify(text.data, text.offsets)
    letters = np.empty(len(text.offsets) - 1, np.int64)
    count_letters(text.data, text.offsets, min_letters, letters)
    wanted_codes = {code for name in keep for code in FOLDED.get(name, (name,))}
    wanted = np.array([False, *(code in wanted_codes for code in CODES)])
    names = pl.Series(["und", *CODES])
    return LanguageOf(
        names.gather(pl.Series(found.code.astype(np.int64) + 1)),
        pl.Series(found.confidence),
        pl.Series(wanted[found.code.astype(np.int64) + 1]),
        pl.Series(letters < min_letters),
    )


class Turns(NamedTuple):
    """Per row: what is wrong with the conversation (a slug of `PROBLEMS`, or null) and in which message, from 0."""

    problem: pl.Series
    message: pl.Series


PROBLEMS = (
    *("unknown_role", "system_late", "not_user_first", "same_role_twice", "stray_tool", "unanswered_call"),
    *("wrong_last", "empty_turn", "echo"),
)


def check_turns(rows: Columns, column: str, *, last: str) -> Turns:
    """What is wrong with each conversation of `column`; last: 'assistant', 'user' or 'any'."""
    from .kernels.roles import ECHO, check_roles, mark_echoes

    n = rows.height
    wrong, place = np.zeros(n, np.uint8), np.full(n, -1, np.int32)
    if column in rows.names:
        chat = rows.chat(column)
        known = chat.messages["role"]
        roles = np.zeros(len(known), np.uint8)
        for number, role in enumerate(ROLES, 1):
            roles[(known == role).fill_null(False).to_numpy()] = number
        calls = chat.messages["tool_calls"]
        calling = (calls.is_not_null() & (calls != "") & (calls != "[]")).fill_null(False).to_numpy()
        contents = rows.contents(column) if isinstance(rows, Frame) else to_text(chat.messages["content"])
        nothing = blank(contents).to_numpy()
        wanted = ROLES.index(last) + 1 if last in ROLES else 0
        check_roles(chat.starts, roles, calling, nothing, wanted, wrong, place)
        echoes = np.empty(n, np.bool_)
        mark_echoes(contents.data, contents.offsets, chat.starts, roles, echoes)
        echoes &= wrong == 0
        wrong[echoes], place[echoes] = ECHO, (np.diff(chat.starts) - 1)[echoes]
    slugs = pl.Series([None, *PROBLEMS], dtype=pl.String)
    message = pl.select(pl.when(pl.Series(place >= 0)).then(pl.Series(place))).to_series()
    return Turns(slugs.gather(pl.Series(wrong)), message)
