"""`why`: the whole life of a row, from the line it was read from to the line it was delivered to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tamis.core.errors import DataError, UsageError

from . import decisions as decided
from .decisions import Decision
from .ledger import Found, Ledger
from .rows import RunRows, read_json, read_privacy
from .workspace import decisions_of

#: rows that a question is answered with; `Hits.more`: there are others
SHOWN = 20
#: what is told of a decision
_SAID = ("step", "kind", "reason", "value", "why", "who", "at", "round")
_WRITTEN = ("value", "why")


class Hits(NamedTuple):
    """The rows a question means, the first SHOWN of them, and whether there are more."""

    rows: list[Found]
    more: bool


class Why:
    """Answers questions about rows of one run."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.ledger = Ledger(run)
        self.order = [step["name"] for step in self.ledger.steps]
        self._private = bool(read_privacy(run))

    def find(self, question: str) -> list[Found]:
        """The rows meant, at most SHOWN of them: see `hits`."""
        return self.hits(question).rows

    def hits(self, question: str) -> Hits:
        """The rows meant: by id, by a unique prefix of it, by `file:line` delivered or read, by a key or text.

        UsageError where nothing is found.
        """
        found = self.ledger.find(question, SHOWN + 1) or self._by_place(question) or self._by_text(question)
        if not found:
            raise UsageError(
                f"no row {question!r} in {self.run}",
                hint="give an id, the beginning of one, FILE:LINE, or text that stands in the row",
            )
        return Hits(found[:SHOWN], len(found) > SHOWN)

    def _by_place(self, question: str) -> list[Found]:
        """`train.jsonl:17` (a delivered line) or `inquiries.csv:17` (a line read)."""
        name, _, number = question.rpartition(":")
        if not name or not number.isdigit():
            return []
        line = int(number)
        base = Path(name).name
        for file, places in self.ledger.delivered().items():
            if file in (name, base, Path(base).stem) and 1 <= line <= places.height:
                partition, row = places.row(line - 1)
                return [self.ledger.at(partition, row)]
        files = [
            i for i, f in enumerate(self.ledger.layout["files"]) if Path(f["path"]).name == base or f["path"] == name
        ]
        found = []
        for index in range(len(self.ledger.partitions())):
            rows = self.ledger.rows(index).with_row_index("row")
            hits = rows.filter(pl.col("at.file").is_in(files) & (pl.col("at.line") == line))
            found += [self.ledger.at(index, row) for row in hits["row"].to_list()]
        return found

    def _by_text(self, question: str) -> list[Found]:
        """Rows of which a source column is the text, or else contains it; at most SHOWN and one."""
        rows = RunRows(self.run)
        exact: list[Found] = []
        within: list[Found] = []
        for index in range(rows.count):
            frame = rows.frame(index, steps=())
            names = [n for n in frame.names if n.startswith("source.") or n == "text"]
            for name in names:
                column = frame[name]
                if column.dtype != pl.String:
                    column = column.cast(pl.String, strict=False)
                hits = column.str.contains(question, literal=True).fill_null(False).arg_true().to_list()
                for row in hits[: SHOWN * 4]:
                    found = self.ledger.at(index, row)
                    (exact if column[row] == question else within).append(found)
            if len(exact) + len(within) > SHOWN * 4:
                break
        return list(dict.fromkeys(exact or within))[: SHOWN + 1]

    def life(self, found: Found, *, decisions: bool = True) -> dict[str, Any]:
        """A row's life: where it comes from, what each step said, where it went, and its text then.

        decisions: whether each step tells what people decided there, too.
        """
        told = self.ledger.life(found)
        last = told[-1] if told and told[-1]["outcome"] != "kept" else None
        upto = self.order if last is None else self.order[: self.order.index(last["step"])]
        record: dict[str, Any] = {
            "id": found.id,
            "source": found.source,
            "file": found.file,
            "line": found.line,
            "outcome": "kept" if last is None else last["outcome"],
            "left_at": None if last is None else last["step"],
            "steps": told,
            "delivered": [] if last is not None else list(self._delivered(found)),
            "born_from": self._parent(found),
        }
        for step in told if decisions else ():
            step["decisions"] = [self._said(one) for one in self._decided.get(found.id, ()) if one.step == step["step"]]
        try:
            self._changes(found, told)
            values = RunRows(self.run).told(found.partition, [found.row], steps=upto)[0]
            record["row"] = {k: v for k, v in values.items() if not k.startswith(("id.", "at.")) and v is not None}
        except DataError as error:
            record["row"] = None
            record["text_gone"] = error.message
        return record

    @cached_property
    def _decided(self) -> dict[str, list[Decision]]:
        """Row → what people decided of it, in order: what stands of the decisions that this run has read, as far as they are known here."""
        read = read_json(self.run / "manifest.json").get("decisions")  # none while it waits for people
        found = decided.read(decisions_of(self.run), None if read is None else int(read["length"]))
        if (
            read is not None and found.prefix.sha256 != read["sha256"]
        ):  # it read another file, or this one was changed by hand
            return {}
        by_row: dict[str, list[Decision]] = {}
        for one in found.all:
            if one.row is not None:
                by_row.setdefault(one.row, []).append(one)
        return by_row

    def _said(self, one: Decision) -> dict[str, Any]:
        """A decision as it is told: of an edit the evidence says what it made; what people wrote may name what the recipe takes away."""
        hidden = _WRITTEN if self._private else ("value",) if one.kind == "edit" else ()
        return {n: value for n in _SAID if n not in hidden and (value := getattr(one, n)) not in (None, "")}

    def _changes(self, found: Found, told: list[dict[str, Any]]) -> None:
        """Add to each step what it changed of the row: column → (before, after)."""
        rows = RunRows(self.run)
        setters = rows.setters(found.partition)
        before: dict[str, Any] = rows.told(found.partition, [found.row], steps=())[0]
        for number, step in enumerate(told):
            step["changed"] = {}
            if step["step"] in setters and step["outcome"] == "kept":
                after = rows.told(found.partition, [found.row], steps=self.order[: number + 1])[0]
                step["changed"] = {k: (before.get(k), v) for k, v in after.items() if before.get(k) != v}
                before = after

    def _delivered(self, found: Found) -> Iterator[dict[str, Any]]:
        for file, places in self.ledger.delivered().items():
            hit = places.with_row_index("line").filter(
                (pl.col("partition") == found.partition) & (pl.col("row") == found.row)
            )
            for line in hit["line"].to_list():
                yield {"file": file, "line": line + 1}

    def _parent(self, found: Found) -> str | None:
        rows = self.ledger.rows(found.partition)
        return str(rows["born.from"][found.row]) if "born.from" in rows.columns else None
