"""What the ledger says of each step: who left for which reason, and the figures behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.row import id_text
from tamis.engine.ids import hex_ids
from tamis.runs.ledger import Ledger

from .figures import figure
from .texts import spaced

#: partitions whose ledger lines are read for figures
LEDGER_PARTITIONS = 24
#: values of one figure that are looked at
MOST_VALUES = 1_500_000
#: examples of each reason
EXAMPLES = 5
#: candidates among which examples with near survivors are looked for
CANDIDATES = 60
#: pairs whose texts are read, to show those that differ
PAIRS = 25

ID = re.compile(r"[0-9a-f]{32}")
#: evidence that looks like a row's id and is the key of a recorded reply
REPLIES = ("evidence.reply",)


@dataclass
class Example:
    """A row picked to be shown: where it stands, what the step said of it, and the other row it is about."""

    partition: int
    row: int
    evidence: dict[str, Any]
    into: str | None = None
    other: tuple[int, int] | None = None


@dataclass
class Leaving:
    """The rows that left a step with one outcome for one reason ('' where none was given)."""

    outcome: str
    reason: str
    rows: int
    examples: list[Example] = field(default_factory=list)


@dataclass
class StepFacts:
    """A step as the ledger has it.

    alike: kept rows whose evidence names another row (a leak that was only warned of), with their number.
    """

    number: int
    record: dict[str, Any]
    leaving: list[Leaving] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    alike: list[Leaving] = field(default_factory=list)


class Outcomes:
    """Reads the ledger once, step by step.

    text: the partitions whose text can be shown, preferred for examples. ends: for those, per row, the number of the
    step it left at, 0 where it was kept.
    """

    def __init__(self, ledger: Ledger, text: Sequence[int]) -> None:
        self.ledger, self.text = ledger, list(text)
        count = len(ledger.partitions())
        self.read = sorted({*spaced(count, LEDGER_PARTITIONS), *text})
        self.all = len(self.read) == count
        rows = [p["rows"] for p in ledger.partitions()]
        self.rows_read, self.rows_all = sum(rows[p] for p in self.read), sum(rows)
        self.ends = {p: np.zeros(rows[p], np.int32) for p in text}
        self.steps = [self._step(number, record) for number, record in enumerate(ledger.steps, 1)]
        self._find_others()

    # -- one step -----------------------------------------------------------------------------

    def _step(self, number: int, record: dict[str, Any]) -> StepFacts:
        facts = StepFacts(number, record)
        frames: dict[int, pl.DataFrame] = {}
        left: dict[int, pl.DataFrame] = {}
        for partition in self.read:
            frame = self.ledger.part(record, partition)
            if frame is not None:
                frames[partition] = frame.select(
                    (pl.col("outcome") != "kept").alias("left"), pl.exclude("outcome", "reason", "into")
                )
                left[partition] = _left(frame)
        for partition, end in self.ends.items():
            if partition in left:
                rows = left[partition]["row"].to_numpy()
                end[rows[end[rows] == 0]] = number
        facts.leaving = self._leaving(record, left)
        if frames:
            facts.figures = self._figures(frames)
            if not str(record.get("address", "")).startswith("dedup."):  # there a kept row lost a passage to the other
                facts.alike = self._alike(frames)
        return facts

    def _leaving(self, record: dict[str, Any], frames: dict[int, pl.DataFrame]) -> list[Leaving]:
        """Every reason with its rows, as the account has them, in the order the step declares them; `frames`: rows that left."""
        found = _groups(frames.values())
        reasons = {slug: n for slug, n in record["reasons"].items() if n}
        kinds = {reason: outcome for outcome, reason in found if reason}
        seen = found
        missing = [slug for slug in reasons if slug not in kinds]
        unexplained = [k for k in ("dropped", "merged", "held", "quarantined") if record.get(k)]
        if not self.all and (missing or len(unexplained) > len({o for o, _ in seen})):
            for partition in self._others():
                frame = self.ledger.part(record, partition)
                if frame is not None:
                    frames[partition] = _left(frame)
                    seen |= _groups([frames[partition]])
                    kinds |= {reason: outcome for outcome, reason in seen if reason}
                if not [slug for slug in missing if slug not in kinds] and len(unexplained) <= len(
                    {o for o, _ in seen}
                ):
                    break
        fallback = unexplained[0] if unexplained else "dropped"
        order = [slug for slug in record["sentences"] if slug in reasons]
        leaving = [
            Leaving(kinds.get(slug, fallback), slug, reasons[slug]) for slug in dict.fromkeys([*order, *reasons])
        ]
        for outcome in unexplained:
            rest = record[outcome] - sum(one.rows for one in leaving if one.outcome == outcome)
            if rest > 0:
                leaving.append(Leaving(outcome, "", rest))
        for one in leaving:
            one.examples = self._examples(one, frames)
        return leaving

    def _others(self) -> Iterator[int]:
        """Partitions not read yet."""
        chosen = set(self.read)
        return (p for p in range(len(self.ledger.partitions())) if p not in chosen)

    def _examples(self, one: Leaving, frames: dict[int, pl.DataFrame]) -> list[Example]:
        """A few rows, evenly spaced, from the partitions with text where they are there."""
        picked: list[tuple[int, pl.DataFrame]] = []
        room = EXAMPLES
        for group in (self.text, [p for p in sorted(frames) if p not in self.ends]):
            lines = []
            for partition in group:
                if partition in frames:
                    hits = frames[partition].filter(
                        (pl.col("outcome") == one.outcome) & (pl.col("reason") == one.reason)
                    )
                    if hits.height:
                        lines.append((partition, hits))
            total = sum(hits.height for _, hits in lines)
            most = CANDIDATES if one.outcome == "merged" else room
            wanted = np.array(spaced(total, most), np.int64)
            start = 0
            for partition, hits in lines:
                mine = wanted[(wanted >= start) & (wanted < start + hits.height)] - start
                start += hits.height
                if len(mine):
                    picked.append((partition, hits[pl.Series(mine, dtype=pl.UInt32)]))
            room -= total
            if room <= 0:
                break
        return [_example(partition, line) for partition, hits in picked for line in hits.iter_rows(named=True)]

    # -- figures ------------------------------------------------------------------------------

    def _figures(self, frames: dict[int, pl.DataFrame]) -> list[dict[str, Any]]:
        names = dict.fromkeys(n for f in frames.values() for n in f.columns if n.startswith("evidence."))
        lines = sum(frame.height for p, frame in frames.items() if p in set(self.read))
        stride = -(-lines // MOST_VALUES)
        parts = [frames[p] if stride <= 1 else frames[p].gather_every(stride) for p in self.read if p in frames]
        found = []
        for name in names:
            if name in ("evidence.error", "evidence.matches", "evidence.words"):
                continue
            mine = [f.select(name, "left") for f in parts if name in f.columns]
            if not mine:
                continue
            told = figure(
                name.removeprefix("evidence."), pl.concat(mine, how="vertical_relaxed").rename({name: "value"})
            )
            if told is not None:
                found.append({**told, "all": self.all and stride <= 1})
        return found

    def _alike(self, frames: dict[int, pl.DataFrame]) -> list[Leaving]:
        """Kept rows whose evidence is another row's id."""
        found = []
        names = dict.fromkeys(
            n
            for f in frames.values()
            for n, t in f.schema.items()
            if n.startswith("evidence.") and t == pl.String and n not in REPLIES
        )
        for name in names:
            one = Leaving("kept", name.removeprefix("evidence."), 0)
            for partition in self.read:
                if partition not in frames or name not in frames[partition].columns:
                    continue
                frame = frames[partition]
                first = frame[name].drop_nulls().head(1).to_list()
                if not first or not ID.fullmatch(first[0]):
                    continue
                hits = frame.filter(~pl.col("left") & pl.col(name).str.contains(f"^{ID.pattern}$"))
                one.rows += hits.height
                if partition in self.ends:
                    few = hits[spaced(hits.height, CANDIDATES)]
                    one.examples += [_example(partition, line, other=name) for line in few.iter_rows(named=True)]
            if one.rows:
                one.examples = one.examples[:CANDIDATES]
                found.append(one)
        return found

    # -- the other row ------------------------------------------------------------------------

    def _find_others(self) -> None:
        """Where the survivors of merges stand; then only a few examples of each stay, those whose survivor can be read first."""
        groups = [one for step in self.steps for one in (*step.leaving, *step.alike)]
        examples = [e for one in groups for e in one.examples if e.into and ID.fullmatch(e.into)]
        wanted = {e.into for e in examples if e.into}
        if wanted:
            high = pl.Series("id.high", sorted({int(text[:16], 16) for text in wanted}), dtype=pl.UInt64)
            places: dict[str, tuple[int, int]] = {}
            for partition in range(len(self.ledger.partitions())):
                path = self.ledger.folder / "rows" / f"{partition:05d}.parquet"
                ids = pl.read_parquet(path, columns=["id.high", "id.low"]).with_row_index("row")
                for row, a, b in ids.filter(pl.col("id.high").is_in(high.implode())).iter_rows():
                    places[id_text(a, b)] = (partition, row)
            for e in examples:
                e.other = places.get(e.into or "")
        for one in groups:
            near = [e for e in one.examples if e.other is not None and e.other[0] in self.ends]
            far = [e for e in one.examples if e not in near]
            if one.outcome in ("merged", "kept"):  # those that differ are picked once their texts are read
                one.examples = near[:PAIRS] if len(near) >= EXAMPLES else [*near, *far][:EXAMPLES]


def _left(frame: pl.DataFrame) -> pl.DataFrame:
    """The lines of rows that left, outcome and reason as strings."""
    return frame.filter(pl.col("outcome") != "kept").with_columns(pl.col("outcome", "reason").cast(pl.String))


def _groups(frames: Iterable[pl.DataFrame]) -> set[tuple[str, str]]:
    """The pairs of outcome and reason there are."""
    return {
        (outcome, reason)
        for frame in frames
        for outcome, reason in frame.select("outcome", "reason").unique().iter_rows()
    }


def _example(partition: int, line: dict[str, Any], other: str | None = None) -> Example:
    evidence = {k.removeprefix("evidence."): v for k, v in line.items() if k.startswith("evidence.") and v is not None}
    named = [
        v for k, v in evidence.items() if isinstance(v, str) and ID.fullmatch(v) and f"evidence.{k}" not in REPLIES
    ]
    into = line[other] if other else line.get("into") or (named[0] if named else None)
    return Example(partition, line["row"], evidence, into)


def row_places(ledger: Ledger, partition: int, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """id, file and line of some rows."""
    frame = ledger.rows(partition)[pl.Series(rows, dtype=pl.UInt32)]
    ids = hex_ids(frame["id.high"].to_numpy(), frame["id.low"].to_numpy()).to_list()
    return [
        {"id": text, "file": ledger.file_name(file), "line": line}
        for text, file, line in zip(ids, frame["at.file"].to_list(), frame["at.line"].to_list(), strict=True)
    ]
