"""One document to the rows of a slice."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
import polars as pl

from tamis.core.origin import KIND_TYPES, Batch, Found, Reading, kind_of

from . import _html, _sections
from ._cells import Bad

#: what stands between two headings in the column `headings`
ARROW = " > "
READINGS: dict[str, Reading] = {
    "path": "text", "title": "text", "headings": "text", "start": "integer", "end": "integer", "text": "text",
}  # fmt: skip


def batch(data: bytes, path: str, format: str, longest: int, *, replace: bool) -> Batch:
    """The rows of a document. Sections that hold bytes which are no UTF-8 are bad lines, unless these are replaced."""
    text = data.decode("utf-8", "replace" if replace else "surrogateescape")
    text = text.removeprefix("\ufeff")
    title, warnings = "", list[str]()
    if format == "html":
        title, sections = _html.sections(text)
    elif format == "markdown":
        title, sections = _sections.markdown(text)
    else:
        sections, left_out = _sections.plain(text)
        if left_out:
            warnings.append(f"{path}: {left_out} characters of Project Gutenberg's notice were left out")
    title = title or _first(sections) or PurePath(path).name.split(".")[0]
    bad, lines, found = Bad(), list[int](), list[_sections.Row]()
    at = line = 0
    for row in _sections.rows(sections, longest, None if format == "html" else text):
        line += text.count("\n", at, row.start)
        at = max(at, row.start)
        if not replace and (wrong := _no_utf8(row.text)):
            message = f"not valid UTF-8: byte 0x{wrong:02x} in a section of {len(row.text)} characters"
            count = text.count("\n", row.start, row.end) + 1
            bad.add(line + 1, "invalid_utf8", message, row.text.encode("utf-8", "surrogateescape"), lines=count)
            continue
        found.append(row)
        lines.append(line + 1)
    title, shown = _clean(title), [_clean(ARROW.join(row.headings)) for row in found]
    values: dict[str, list[object]] = {
        "path": [path] * len(found),
        "title": [title] * len(found),
        "headings": list(shown),
        "start": [row.start for row in found],
        "end": [row.end for row in found],
        "text": [row.text for row in found],
    }
    columns = {n: pl.Series(n, v, dtype=KIND_TYPES[kind_of(READINGS[n])]) for n, v in values.items()}
    sorts: dict[str, Found] = {n: {READINGS[n]: (len(found), lines[0])} for n in columns} if found else {}
    numbers = np.array(lines, np.uint64)
    return Batch(columns, dict(READINGS), numbers, bad.lines, bad.counts, sorts, warnings=warnings)


def _first(sections: list[_sections.Section]) -> str:
    """The outermost heading of the document."""
    return next((section.headings[0] for section in sections if section.headings), "")


def _no_utf8(text: str) -> int:
    """The first byte of a text that is none, 0 where all are."""
    return next((ord(c) - 0xDC00 for c in text if "\udc80" <= c <= "\udcff"), 0) if not text.isascii() else 0


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
