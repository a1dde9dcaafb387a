"""Recall on texts whose personal data somebody marked already: how many marked places the finder covers whole.

A line is `{"text": …, "spans": [{"start": 3, "end": 15, "kind": "email"}, …]}`, in code points. A place counts as found
where every letter and digit of it is found, as whatever kind: what is left of a telephone number is a leak too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tamis.core.errors import DataError
from tamis.engine.pii import KINDS

from .recall import figures, read_lines

HOW = '{"text": "I am Ann", "spans": [{"start": 5, "end": 8, "kind": "person"}]}'


def score_labelled(path: Path, privacy: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of a labelled file with the settings of a run's privacy steps. DataError where a line is none."""
    from tamis.engine.text import to_text
    from tamis.engine.veil import Veil

    texts, marked = _read(path)
    veil = Veil(list(privacy.values()))
    text = to_text(pl.Series(texts, dtype=pl.String))
    spans: dict[int, list[tuple[int, int, str]]] = {}
    for hit in veil.finder().finds(text):
        raw = texts[hit.at].encode()
        start, end = len(raw[: hit.start].decode()), len(raw[: hit.end].decode("utf-8", "replace"))
        spans.setdefault(hit.at, []).append((start, end, hit.kind))
    found: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for row, places in enumerate(marked):
        mine = spans.get(row, [])
        for start, end, kind in places:
            covered = {k for s, e, _ in mine for k in range(max(s, start), min(e, end))}
            whole = all(k in covered for k in range(start, end) if texts[row][k].isalnum())
            (found if whole else missed)[kind] += 1
        for s, e, kind in mine:
            if not any(start < e and s < end for start, end, _ in places):
                wrong[kind] += 1
    by_kind = {k: figures(found[k] + wrong[k], wrong[k], missed[k]) for k in KINDS if found[k] or missed[k] or wrong[k]}
    whole_figures = figures(sum(found.values()) + sum(wrong.values()), sum(wrong.values()), sum(missed.values()))
    return {"rows": len(texts), "of": len(texts), **whole_figures, "by_kind": by_kind}


def _read(path: Path) -> tuple[list[str], list[list[tuple[int, int, str]]]]:
    texts, marked = [], []
    for number, record in read_lines(path):
        try:
            text = record["text"]
            places = [(int(s["start"]), int(s["end"]), str(s["kind"])) for s in record["spans"]]
            if not isinstance(text, str) or any(not 0 <= s < e <= len(text) or k not in KINDS for s, e, k in places):
                raise ValueError(f"spans lie in the text, and kinds are of {', '.join(KINDS)}")
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}:{number}: {type(error).__name__}: {error}", hint=f"a line is like {HOW}") from None
        texts.append(text)
        marked.append(places)
    if not texts:
        raise DataError(f"{path} holds no line", hint=json.dumps(HOW))
    return texts, marked
