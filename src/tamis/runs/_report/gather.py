"""Everything a report says, as plain data: from the manifest, the ledger, and the text of a few rows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import DataError, UsageError
from tamis.runs.judging import judging
from tamis.runs.ledger import Ledger
from tamis.runs.map import map_data
from tamis.runs.recall import figure_for
from tamis.runs.rows import read_privacy
from tamis.runs.workspace import decisions_of

from . import warn
from .columns import Spread, candidates, sample_rows
from .contamination import contamination
from .examples import Pending, Shown
from .map_page import map_told
from .measures import HABITS, Readings
from .outcomes import Outcomes
from .private import last_private, veiled, withhold
from .texts import Texts, Walk

#: rows whose text is measured, before and after each
SAMPLE = 4000
#: the step whose rows have places, and the page of the map beside the report
LAYOUT, MAP = "embed.layout", "map.html"
#: unreadable lines shown
QUARANTINED = 50
#: further partitions that are opened for the sake of an example
FURTHER = 6

#: what is said where a step gave no reason
_SENTENCES = {
    "merged": "the rows made out of it stand in its place",
    "held": "the row waits for people",
    "quarantined": "the step failed on the row; the error says why",
}
OUTCOMES = ("kept", "dropped", "merged", "held", "quarantined")


def look(run: Path) -> dict[str, Any]:
    """What takes long to find out: all that rests on the ledger and on rows alone, as JSON values.

    It needs no manifest, so a run looks while its delivery is written to disk. Raises DataError where the folder holds
    no ledger.
    """
    return _Gatherer(run).look()


def report_data(run: Path, looked: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the report of a run is drawn from: JSON values, the same for the same folder.

    looked: what `look` found in this folder, where it was asked before. Raises DataError where the folder holds no
    ledger.
    """
    gatherer = _Gatherer(run)
    return gatherer.data(gatherer.look() if looked is None else looked)


class _Gatherer:
    def __init__(self, run: Path) -> None:
        self.run = run.resolve()
        self.ledger = Ledger(self.run)
        self.manifest = _json(self.run / "manifest.json")
        self.gate = _json(self.run / "gate.json")
        self.root = self.run.parent.parent.parent
        self.gone: str | None = None
        self.texts: Texts | None = None
        self.readings = Readings()
        self.samples: list[pl.DataFrame] = []
        self.measured = {"before": 0, "after": 0}
        self.shown = Shown()

    def look(self) -> dict[str, Any]:
        """The ledger and the rows: see `look`."""
        names = [step["name"] for step in self.ledger.steps]
        try:
            self.texts = Texts(self.run, names)
        except DataError as error:
            self.gone = error.message
        chosen = self.texts.chosen() if self.texts else []
        self.outcomes = Outcomes(self.ledger, chosen)
        pending = Pending(self.ledger, self.outcomes, self.texts, chosen, self.shown)
        if self.texts:
            self._read(self.texts, chosen, pending)
            self.gone = self.gone or self.texts.problem
        steps = self._steps(pending)
        privacy = read_privacy(self.run)
        hidden = (
            0 if privacy else last_private(self.ledger.steps)
        )  # a private run's ledger is told without what is private
        return {
            "steps": steps,
            "contamination": contamination(self.ledger, steps, hidden),
            "judging": judging(self.ledger),
            "distributions": self._distributions(steps),
            "live": sum(int(self.texts.live(p).sum()) for p in range(self.texts.count)) if self.texts else None,
            "gone": self.gone,
        }

    def data(self, looked: dict[str, Any]) -> dict[str, Any]:
        """Everything, with what the manifest says. looked: of `look`."""
        told = self._head()
        seconds, reused = self.manifest.get("step_seconds", {}), self.manifest.get("reused_rows", {})
        told["steps"] = [
            {**step, "seconds": seconds.get(step["name"]), "reused_rows": reused.get(step["name"])}
            for step in looked["steps"]
        ]
        told["contamination"] = looked["contamination"]
        told["judging"] = looked["judging"]
        told["choices"] = [step["choice"] for step in self.ledger.steps if step.get("choice")]
        told["metrics"] = _json(self.run / "metrics.json")
        told["map"] = self._map()
        told["quarantined"] = self._quarantined()
        told |= self._whole(looked)
        told["text_gone"] = looked["gone"]
        told["privacy"] = self._privacy()
        privacy = read_privacy(self.run)
        told = veiled(told, privacy) if privacy else withhold(told, last_private(self.ledger.steps))
        told["warnings"] = warn.warnings(told, self.manifest.get("warnings", []))
        return told

    def _whole(self, looked: dict[str, Any]) -> dict[str, Any]:
        """The distributions, with how many rows were kept in all."""
        told, live = looked["distributions"], looked["live"]
        kept = 0 if live is None else self.manifest.get("outcomes", {}).get("kept") or live
        sample = told["sample"]
        whole = sample["after"] == kept and sample["whole"] and sample["rows"] <= SAMPLE
        return {**told, "sample": {**sample, "kept": kept, "whole": whole}}

    # -- the head -----------------------------------------------------------------------------

    def _head(self) -> dict[str, Any]:
        recipe = self.manifest.get("recipe", {})
        outcomes = self.manifest.get("outcomes") or self._outcomes()
        return {
            "format": 1,
            "recipe": {
                "name": recipe.get("name") or self.run.parent.name,
                "description": recipe.get("description", ""),
                "license": recipe.get("license", ""),
                "yaml": _yaml(recipe),
                "fingerprint": self.manifest.get("recipe_fingerprint", ""),
            },
            "run": self.run.name,
            "finished": bool(self.manifest),
            "gate": self.gate or None,
            "date": self.manifest.get("date") or self.manifest.get("finished"),
            "tamis": self.manifest.get("tamis", ""),
            "seed": self.manifest.get("seed"),
            "versions": self.manifest.get("versions", {}),
            "outcomes": outcomes,
            "delivered": [self._file(one) for one in self.manifest.get("delivered", [])],
            "sources": [self._source(one) for one in self.ledger.layout.get("files", [])],
            "cost": self.manifest.get("cost", {}),
            "seconds": self.manifest.get("seconds", {}),
            "decisions": self.manifest.get("decisions", {}),
        }

    def _privacy(self) -> dict[str, Any] | None:
        """What the run said of personal data; with the recall that was measured since."""
        told = self.manifest.get("privacy")
        if not told:
            return None
        return {**told, "recall": figure_for(decisions_of(self.run), told.get("settings", "")) or told.get("recall")}

    def _map(self) -> dict[str, Any] | None:
        """The last map of the run; None where no step laid its rows out."""
        if not any(step.get("address") == LAYOUT for step in self.ledger.steps):
            return None
        try:
            told = map_told(map_data(self.run))
        except (DataError, UsageError) as error:  # the rows' texts were purged, or nothing could be embedded
            return {"gone": error.message}
        return {**told, "page": MAP if (self.run / MAP).exists() else None}

    def _outcomes(self) -> dict[str, int]:
        """The account of a run that has no manifest yet."""
        steps, bad = self.ledger.steps, self.ledger.unreadable()
        read = sum(p["rows"] for p in self.ledger.partitions() if not p["born"]) + bad
        born = sum(step.get("born", 0) for step in steps)
        out = {name: sum(step.get(name, 0) for step in steps) for name in OUTCOMES[1:]}
        out["quarantined"] += bad
        return {"in": read, "born": born, "kept": read + born - sum(out.values()), **out}

    def _file(self, one: dict[str, Any]) -> dict[str, Any]:
        return {
            "target": one.get("target", ""), "path": self._near(str(one.get("path", ""))), "split": one.get("split"),
            "rows": one.get("rows", 0), "size": one.get("size", 0), "sha256": one.get("sha256", ""),
        }  # fmt: skip

    def _source(self, one: dict[str, Any]) -> dict[str, Any]:
        kind = next((k for k in ("sha256", "xxh3", "content", "hash") if one.get(k)), "")
        bad = next((one[k] for k in ("bad", "unreadable", "quarantined") if isinstance(one.get(k), int)), 0)
        return {
            "path": self._near(str(one.get("path", "?"))), "rows": one.get("rows", 0), "bad": bad, "size": one.get("size"),
            "hash": str(one.get(kind, "")), "hash_kind": "xxh3" if kind in ("content", "hash") else kind,
        }  # fmt: skip

    def _near(self, path: str) -> str:
        """A path as seen from the workspace; of others the name alone, since the folders above say who works where."""
        place = Path(path)
        if not place.is_absolute():
            return path
        return str(place.relative_to(self.root)) if place.is_relative_to(self.root) else place.name

    # -- rows ---------------------------------------------------------------------------------

    def _read(self, texts: Texts, chosen: list[int], pending: Pending) -> None:
        """One walk over each partition with text: examples of every step, and the sample that is measured."""
        total = sum(texts.rows(p) for p in chosen)
        live = {p: texts.live(p) for p in chosen}
        kept = sum(int(mask.sum()) for mask in live.values())
        first = self._mapped()
        for partition in [*chosen, *pending.further(FURTHER)]:
            rows = texts.rows(partition)
            inside = partition in live
            there = self.outcomes.ends[partition] if inside else np.empty(0, np.int32)
            entering = (there == 0) | (there > first)
            before = sample_rows(entering, _quota(rows, total)) if inside else np.empty(0, np.int64)
            after = sample_rows(live[partition], _quota(int(live[partition].sum()), kept)) if inside else before
            if inside:
                pending.find_changes(partition)
            wanted = np.unique(np.concatenate([before, after, pending.rows(partition)]))
            walk = texts.walk(partition, wanted)
            if walk is None:
                continue
            pending.take(partition, walk)
            self._measure(texts, walk, before, after, first)

    def _mapped(self) -> int:
        """How many of the first steps only make messages: 'before' means after them."""
        count = 0
        for step in self.ledger.steps:
            if not str(step.get("address", "")).startswith("map."):
                break
            count += 1
        return count

    def _measure(
        self, texts: Texts, walk: Walk, before: NDArray[np.int64], after: NDArray[np.int64], first: int
    ) -> None:
        start, end = walk.after(first), walk.after(len(self.ledger.steps))
        if start is not None and len(before):
            few = start[pl.Series(np.searchsorted(walk.rows, before), dtype=pl.UInt32)]
            self.readings.add(self.readings.before, few)
            self.measured["before"] += few.height
        if end is not None and len(after):
            few = end[pl.Series(np.searchsorted(walk.rows, after), dtype=pl.UInt32)]
            self.readings.add(self.readings.after, few)
            self.measured["after"] += few.height
            self.samples.append(
                few.select([n for n in few.columns if n not in ("messages", "rejected", "tools", "text")])
            )
            if "split" in few.columns:
                for (name,), part in few.group_by("split", maintain_order=True):
                    self.readings.split(str(name) if name is not None else "(none)", part)

    # -- steps --------------------------------------------------------------------------------

    def _steps(self, pending: Pending) -> list[dict[str, Any]]:
        found = []
        anchors: set[str] = set()
        for facts in self.outcomes.steps:
            record = facts.record
            told = {
                "number": facts.number, "name": record["name"], "address": record.get("address", record["name"]),
                "anchor": _anchor(f"step-{facts.number}", anchors),
                "seconds": None, "reused_rows": None,
                **{k: record.get(k, 0) for k in ("in", "born", *OUTCOMES, "not_applicable", "changed", "rescued", "stale")},
            }  # fmt: skip
            told["leaving"] = [
                {
                    "outcome": one.outcome, "reason": one.reason, "rows": one.rows,
                    "sentence": record["sentences"].get(one.reason) or _SENTENCES.get(one.outcome, ""),
                    "anchor": _anchor(f"step-{facts.number}-{one.reason or one.outcome}", anchors),
                    "examples": pending.examples(one),
                }
                for one in facts.leaving
            ]  # fmt: skip
            told["rejected_for"] = record.get("rejected_for", {})
            told["alike"] = [
                {"evidence": one.reason, "rows": one.rows, "all": self.outcomes.all, "examples": pending.examples(one)}
                for one in facts.alike
            ]
            told["figures"] = facts.figures
            told["changes"] = pending.changes(facts.number)
            found.append(told)
        return found

    def _quarantined(self) -> dict[str, Any]:
        records = self.ledger.quarantined()
        told = self.manifest.get("quarantined", {})
        causes: dict[str, int] = dict(told.get("causes", {}))
        if not causes:
            for record in records:
                causes[str(record.get("cause", "?"))] = causes.get(str(record.get("cause", "?")), 0) + 1
        lines = [
            {
                "file": self._near(str(r.get("file", r.get("path", "?")))),
                "line": r.get("line"),
                "cause": str(r.get("cause", "")),
                "message": str(r.get("message", "")),
            }
            for r in records[:QUARANTINED]
        ]
        return {"count": int(told.get("count", len(records))), "causes": causes, "lines": lines}

    # -- distributions ------------------------------------------------------------------------

    def _distributions(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        labels: list[dict[str, Any]] = []
        splits: dict[str, int] = {}
        if self.texts and self.samples:
            sample = pl.concat(self.samples, how="diagonal_relaxed")
            born = {k for k, p in enumerate(self.ledger.partitions()) if p["born"]}
            spread = Spread(self.texts, candidates(sample), born)
            labels, splits = spread.labels(), dict(spread.splits)
        rows = sum(p["rows"] for p in self.ledger.partitions())
        first = self._mapped()
        mapped = self.ledger.steps[first - 1]["name"] if first else None
        by_split = self.readings.splits()
        return {
            "sample": {
                "before": self.measured["before"], "after": self.measured["after"], "rows": rows, "kept": None, "since": mapped,
                "whole": len(self.outcomes.ends) == len(self.ledger.partitions()),
            },
            "lengths": self.readings.lengths(),
            "style": self.readings.styles(),
            "habits": {name: sentence for name, (sentence, _) in HABITS.items()},
            "labels": labels,
            "languages": _languages(steps),
            "splits": [{"split": name, "rows": n, "lengths": by_split.get(name, {})} for name, n in sorted(splits.items(), key=lambda item: (-item[1], item[0]))],
        }  # fmt: skip


def _languages(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Languages, where a step measured them: its evidence `language`."""
    return [
        {
            "step": step["name"],
            "anchor": step["anchor"],
            "bars": figure["bars"],
            "others": figure["others"],
            "all": figure["all"],
        }
        for step in steps
        for figure in step["figures"]
        if figure["kind"] == "words" and figure["name"] in ("language", "lang")
    ]


def _quota(rows: int, total: int) -> int:
    """How many of a partition's rows are in the sample."""
    return rows if total <= SAMPLE else max(1, SAMPLE * rows // total)


def _anchor(text: str, taken: set[str]) -> str:
    """A name for a place on the page; once only."""
    base = re.sub(r"[^A-Za-z0-9_-]+", "-", text)
    name, n = base, 1
    while name in taken:
        n += 1
        name = f"{base}-{n}"
    taken.add(name)
    return name


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _yaml(recipe: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=100) if recipe else ""
