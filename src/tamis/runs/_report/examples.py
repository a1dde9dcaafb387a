"""Examples: rows that left, rows that changed, pairs of rows; as plain data, cut to what fits a page."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.runs.ledger import Ledger

from .diffs import differ
from .outcomes import EXAMPLES, Example, Leaving, Outcomes, row_places
from .texts import Texts, Walk, spaced

#: characters of one turn, turns and columns of one row that are shown
TURN = 700
TURNS = 6
COLUMNS = 8
CELL = 240
EVIDENCE = 240
#: evidence that is a code, not words of the text
CODES = ("language", "lang", "error", "benchmark", "item", "matches")
#: evidence that a section of its own tells
TOLD_ELSEWHERE = ("matches",)
#: examples of rows made out of columns
MADE = 2

Row = dict[str, Any]


class Shown:
    """Rows as they are shown: by (partition, row, step they are about to meet)."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int, int], Row | None] = {}
        self.changes: dict[int, list[dict[str, Any]]] = {}
        self.places: dict[tuple[int, int], dict[str, Any]] = {}


class Pending:
    """Which rows the examples need, partition by partition; filled while the partitions are walked."""

    def __init__(
        self, ledger: Ledger, outcomes: Outcomes, texts: Texts | None, chosen: list[int], shown: Shown
    ) -> None:
        self.ledger, self.outcomes, self.texts, self.shown = ledger, outcomes, texts, shown
        self.chosen = set(chosen)
        self.wanted: dict[int, set[tuple[int, int]]] = {}
        self.changing: dict[int, list[tuple[int, int]]] = {}
        for step in outcomes.steps:
            for one in (*step.leaving, *step.alike):
                for example in one.examples:
                    self._want(example.partition, example.row, step.number)
                    if example.other is not None:
                        self._want(*example.other, step.number)

    def _want(self, partition: int, row: int, step: int) -> None:
        self.wanted.setdefault(partition, set()).add((row, step))

    def further(self, most: int) -> list[int]:
        """Partitions without sampled text that examples stand in; the first few."""
        return [p for p in sorted(self.wanted) if p not in self.chosen][:most]

    def rows(self, partition: int) -> NDArray[np.int64]:
        """The partition's rows that examples need."""
        rows = {row for row, _ in self.wanted.get(partition, ())} | {row for row, _ in self.changing.get(partition, ())}
        return np.array(sorted(rows), np.int64)

    def find_changes(self, partition: int) -> None:
        """Pick rows that steps changed, of those that had not left."""
        assert self.texts is not None
        end = self.outcomes.ends[partition]
        share = max(1, -(-EXAMPLES // max(1, len(self.chosen))))
        for step in self.outcomes.steps:
            if not self.texts.layers_of(partition, step.record["name"]):
                continue
            rows = self.texts.changed_rows(partition, step.record["name"])
            rows = rows[(end[rows] == 0) | (end[rows] > step.number)]
            have = sum(1 for found in self.changing.values() for _, number in found if number == step.number)
            for place in spaced(len(rows), min(3 * share, max(0, 4 * EXAMPLES - have))) if len(rows) else []:
                self.changing.setdefault(partition, []).append((int(rows[place]), step.number))

    def take(self, partition: int, walk: Walk) -> None:
        """Take what is needed from a partition's walk."""
        assert self.texts is not None
        rows = self.rows(partition)
        for row, place in zip(rows.tolist(), row_places(self.ledger, partition, rows), strict=True):
            self.shown.places[partition, row] = place
        hints = self._hints(partition)
        for row, number in sorted(self.wanted.get(partition, ())):
            record = walk.record(walk.before(number), row)
            self.shown.rows[partition, row, number] = shown(record, hints.get((row, number), []))
        for row, number in self.changing.get(partition, []):
            found = self.shown.changes.setdefault(number, [])
            if len(found) >= EXAMPLES:
                continue
            columns = self.texts.layers_of(partition, self.outcomes.steps[number - 1].record["name"])
            before, after = walk.record(walk.before(number), row), walk.record(walk.after(number), row)
            told = changed(before, after, columns)
            if told is not None and not ("made" in told and len(found) >= MADE):
                found.append({**self.shown.places[partition, row], **told})

    def _hints(self, partition: int) -> dict[tuple[int, int], list[str]]:
        """Words of the evidence, by (row, step): a long text is cut where they stand."""
        found: dict[tuple[int, int], list[str]] = {}
        for step in self.outcomes.steps:
            for one in step.leaving:
                for e in one.examples:
                    if e.partition == partition:
                        found[e.row, step.number] = marks(e.evidence)
        return found

    # -- what was found -----------------------------------------------------------------------

    def examples(self, one: Leaving) -> list[dict[str, Any]]:
        """A reason's examples as data."""
        step = next(s for s in self.outcomes.steps if any(one is found for found in (*s.leaving, *s.alike)))
        told = [self._example(e, step.number) for e in one.examples]
        differ = [e for e in told if any(not pair["same"] for pair in e.get("pairs") or ())]
        chosen = [*differ[: EXAMPLES - 1], *(e for e in told if e not in differ[: EXAMPLES - 1])][:EXAMPLES]
        return [e for e in told if e in chosen]

    def _example(self, e: Example, number: int) -> dict[str, Any]:
        told: dict[str, Any] = {
            **self._place(e.partition, e.row),
            "evidence": {k: _short(v) for k, v in e.evidence.items() if k not in TOLD_ELSEWHERE},
        }
        told["marks"] = marks(e.evidence)
        told["row"] = self.shown.rows.get((e.partition, e.row, number))
        if e.into:
            told["into"] = e.into
            if e.other is not None:
                other = self.shown.rows.get((*e.other, number))
                told["other"] = {**self._place(*e.other), "row": other}
                told["pairs"] = compared(told["row"], other) if told["row"] and other else None
        return told

    def _place(self, partition: int, row: int) -> dict[str, Any]:
        if (partition, row) not in self.shown.places:
            self.shown.places[partition, row] = row_places(self.ledger, partition, np.array([row]))[0]
        return self.shown.places[partition, row]

    def changes(self, number: int) -> list[dict[str, Any]]:
        """Rows that a step changed, before and after."""
        return self.shown.changes.get(number, [])


def marks(evidence: dict[str, Any]) -> list[str]:
    """Words of the evidence that may stand in the text."""
    words = [v for k, v in evidence.items() if k not in CODES and isinstance(v, str) and 2 <= len(v) <= 200]
    return sorted(set(words), key=lambda w: (-len(w), w))


def shown(record: dict[str, Any] | None, words: list[str]) -> Row | None:
    """A row as it is shown: its turns, its text or its columns, long ones cut around the evidence."""
    if record is None:
        return None
    messages = record.get("messages")
    if messages:
        turns = [{"role": m["role"] or "?", **_cut(_content(m), words)} for m in messages if m["role"] != "system"]
        return {"turns": turns[:TURNS], "more": max(0, len(turns) - TURNS)}
    if record.get("text") is not None:
        return {"turns": [{"role": "text", **_cut(str(record["text"]), words)}], "more": 0}
    cells = [(k.removeprefix("source."), v) for k, v in record.items() if k.startswith("source.")]
    told = [
        {"name": k, **(_cut(str(v), words, CELL) if v is not None else {"text": None, "length": 0})}
        for k, v in cells[:COLUMNS]
    ]
    return {"cells": told, "more": max(0, len(cells) - COLUMNS)}


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    return str(content) if content is not None else str(message.get("tool_calls") or "")


def _cut(text: str, words: list[str], most: int = TURN) -> dict[str, Any]:
    """A text of at most `most` characters, around the first of the words; how many characters it has."""
    if len(text) <= most:
        return {"text": text, "length": len(text)}
    low = text.lower()
    hits = [at for at in (low.find(word.lower()) for word in words) if at >= 0]
    start = max(0, min(hits) - most // 3) if hits and min(hits) > most * 2 // 3 else 0
    piece = text[start : start + most]
    return {"text": ("…" if start else "") + piece + ("…" if start + most < len(text) else ""), "length": len(text)}


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= EVIDENCE else value[: EVIDENCE - 1] + "…"
    if value is None or isinstance(value, bool | int):
        return value
    return _short(str(value))


def compared(a: Row, b: Row) -> list[dict[str, Any]]:
    """Two rows side by side, turn by turn."""
    mine, theirs = _parts(a), _parts(b)
    if [name for name, _ in mine] != [name for name, _ in theirs]:
        mine = [("", "\n\n".join(text for _, text in mine))]
        theirs = [("", "\n\n".join(text for _, text in theirs))]
    found = []
    for (name, left), (_, right) in zip(mine, theirs, strict=True):
        found.append(_pair(name, left, right))
    return found


def _parts(row: Row) -> list[tuple[str, str]]:
    return (
        [(t["role"], t["text"]) for t in row["turns"]]
        if "turns" in row
        else [(c["name"], c["text"] or "") for c in row["cells"]]
    )


def changed(before: dict[str, Any] | None, after: dict[str, Any] | None, columns: list[str]) -> dict[str, Any] | None:
    """What a step did to one row: turns or columns that differ; or what it made where nothing was."""
    if after is None or before is None:
        return None
    pairs: list[dict[str, Any]] = []
    for name in columns:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if name in ("messages", "rejected"):
            if not old:
                made = shown(after if name == "messages" else {"messages": new}, [])
                return {"made": made, "from": shown({k: v for k, v in before.items() if k != "messages"}, [])}
            pairs += _turn_pairs(old, new or [])
        elif isinstance(new, str) and isinstance(old, str):
            pairs.append(_pair(name, old, new))
    return {"pairs": pairs[:TURNS]} if pairs else None


def _turn_pairs(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if [m["role"] for m in old] == [m["role"] for m in new]:
        pairs = [
            (a["role"] or "?", _content(a), _content(b))
            for a, b in zip(old, new, strict=True)
            if _content(a) != _content(b)
        ]
    else:
        texts = ["\n\n".join(f"{m['role']}: {_content(m)}" for m in side) for side in (old, new)]
        pairs = [("all turns", texts[0], texts[1])]
    return [_pair(name, a, b) for name, a, b in pairs]


def _pair(name: str, a: str, b: str) -> dict[str, Any]:
    """Two texts with their differences marked."""
    left, right = differ(a, b)
    return {"name": name, "same": a == b, "left": [list(s) for s in left], "right": [list(s) for s in right]}
