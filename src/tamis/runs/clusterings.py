"""Clusterings of a run, as people look at them, compare them, test them blind, choose among them and change them.

>>> desk = Clusterings(Path("runs/inquiries/3"))  # doctest: +SKIP
>>> desk.lines()[0].clustering, desk.cards("topics-0f3c…")[0].name  # doctest: +SKIP

A clustering is named by its folder below `.tamis/recorded/clusterings`, without what edits add to it, so that what people
said of it stays true of it. Nothing here fits anything: it reads what a run recorded, and appends decisions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tamis.core.errors import DataError, UsageError, did_you_mean
from tamis.core.row import id_pair
from tamis.engine.cluster_choice import KINDS as CHOICES
from tamis.engine.cluster_choice import Standing, missing, standing
from tamis.engine.cluster_edits import KINDS as EDITS
from tamis.engine.cluster_edits import (
    Edit,
    edits_of,
    folder_of,
    kept_names,
    read_before,
    read_edit,
    read_names,
    root_of,
)
from tamis.engine.cluster_flow import contingency, flow_sentences, shared
from tamis.engine.clusterings import FILES, FOLDER, Clustering, load
from tamis.engine.frame import Frame

from . import decisions as decided
from .cluster_shapes import Card, Example, Flow, Gate, Line
from .decisions import Decision, Decisions, Kind
from .figure import Figure
from .ledger import Ledger
from .questions import plain_text
from .rows import RunRows
from .workspace import Workspace

#: figures of a clustering, measured by `tamis clusters compare`
MEASURES = "measures.json"
_NAME = re.compile(r"(.+)-[0-9a-f]{16}")


@dataclass
class _Known:
    """A clustering that was read."""

    root: str
    step: str
    made: Clustering
    folder: Path
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def ids(self) -> list[int]:
        """The clusters that hold rows."""
        return [c for c, one in enumerate(self.made.clusters) if one.rows]


class Clusterings:
    """The clusterings that the steps of a run used, and on asking all that the workspace keeps."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.workspace = Workspace(run.parent.parent.parent)
        self.folder = self.workspace.recorded / FOLDER
        self.path = self.workspace.decisions(run.parent.name)
        self.ledger = Ledger(run)
        self._read: dict[str, _Known] = {}
        self._texts: dict[tuple[str, str], str] = {}
        #: questions of blind tests, by the two clusterings
        self.drawn: dict[tuple[str, str], Any] = {}

    # -- which there are ----------------------------------------------------------------------------

    @cached_property
    def used(self) -> dict[str, str]:
        """Clustering → the folder the run used, in the order of the steps."""
        found: dict[str, str] = {}
        for step in self.ledger.steps:
            for recording in step.get("recordings", ()):
                if (
                    recording.startswith(f"{FOLDER}/")
                    and step["address"].startswith("cluster.")
                    and _NAME.fullmatch(root_of(recording.removeprefix(f"{FOLDER}/")))
                ):
                    folder = recording.removeprefix(f"{FOLDER}/")
                    found.setdefault(root_of(folder), folder)
        return found

    @cached_property
    def kept(self) -> dict[str, str]:
        """Clustering → its folder: those of the run first, then all others in the workspace."""
        found = dict(self.used)
        paths = self.folder.iterdir() if self.folder.is_dir() else ()
        for path in sorted(p for p in paths if _NAME.fullmatch(p.name) and (p / FILES[0]).exists()):
            found.setdefault(path.name, folder_of(path.name, self.edits()))
        return {root: folder if (self.folder / folder).is_dir() else root for root, folder in found.items()}

    def name(self, named: str) -> str:
        """A clustering by its name, a unique beginning of it, or the step that made it in this run. UsageError where none is."""
        root = root_of(named)
        if root in self.kept:
            return root
        by_step = [one for one in self.used if _step(one) == named]
        found = by_step or [one for one in self.kept if _step(one) == named]
        found = found or [one for one in self.kept if one.startswith(named)]
        if len(found) != 1:
            many = f"{len(found)} clusterings begin with {named!r}" if found else f"no clustering {named!r}"
            possible = [*(_step(one) for one in self.used), *self.kept]
            raise UsageError(f"{many}; {did_you_mean(named, possible)}", hint="tamis clusters list --all")
        return found[0]

    def decisions(self) -> Decisions:
        """What people decided so far."""
        return decided.read(self.path)

    def edits(self) -> list[Edit]:
        """What people changed about clusterings."""
        return edits_of(_told(self.decisions(), EDITS))

    def known(self, named: str) -> _Known:
        """A clustering as it stands."""
        root = self.name(named)
        if root not in self._read:
            folder = self.folder / self.kept[root]
            self._read[root] = _Known(root, _step(root), load(folder), folder)
        return self._read[root]

    def lines(self, *, every: bool = False) -> list[Line]:
        """The run's clusterings; with `every`, all that the workspace keeps."""
        names = self.kept if every else self.used
        stand = self._standing(names)
        return [self._line(self.known(root), stand) for root in names]

    def line(self, named: str) -> Line:
        """One of them."""
        known = self.known(named)
        return self._line(known, self._standing([known.root]))

    def _standing(self, roots: Iterable[str]) -> Standing:
        return standing(_told(self.decisions(), CHOICES), {root: self.known(root).ids for root in roots})

    def _line(self, known: _Known, stand: Standing) -> Line:
        made, root = known.made, known.root
        chosen = None
        if stand.chosen is not None and root_of(str(stand.chosen["value"]["clustering"])) == root:
            chosen = str(stand.chosen["who"])
        seen = stand.looked.get(root, {})
        return Line(
            root, known.step, str(made.about.get("step", "")), dict(made.about.get("parameters", {})), len(made.high),
            len(known.ids), int(made.outlier.sum()), self._hints(known), tuple(stand.shortlisted.get(root, ())), chosen,
            sum(1 for c in known.ids if seen.get(c)),
        )  # fmt: skip

    def _hints(self, known: _Known) -> tuple[Figure, ...]:
        try:
            told = json.loads((known.folder / MEASURES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ()
        return tuple(Figure(**one) for one in told.get("figures", ()))

    # -- one ----------------------------------------------------------------------------------------

    def cards(self, named: str) -> list[Card]:
        """Its clusters, those that hold no rows left out, with texts of their central and boundary rows."""
        known = self.known(named)
        people = kept_names(self.folder, known.root, self.edits())
        models = read_names(known.folder)
        looked = self._standing([known.root]).looked.get(known.root, {})
        wanted = [row for c in known.ids for row in (*known.made.clusters[c].central, *known.made.clusters[c].boundary)]
        texts = self.texts(known, wanted)
        cards = []
        for c in known.ids:
            one, told = known.made.clusters[c], models.get(c, {})
            name, by = one.name, "phrases"
            if told.get("name"):
                name, by = told["name"], "model"
            if c in people:
                name, by = people[c].name, "people"
            cards.append(
                Card(
                    c, one.rows, one.outliers, name, by, tuple(text for text, _ in one.phrases),
                    str(told.get("description") or ""), tuple(Example(row, texts.get(row, "")) for row in one.central),
                    tuple(Example(row, texts.get(row, "")) for row in one.boundary), tuple(looked.get(c, ())),
                    told.get("accuracy"),
                )
            )  # fmt: skip
        return cards

    def before(self, named: str) -> dict[str, Any]:
        """How the step's earlier clustering goes on in this one; empty where there was none."""
        return read_before(self.folder / self.name(named))

    def texts(self, known: _Known, ids: Sequence[str]) -> dict[str, str]:
        """Texts of rows by id, as the clustering's names see them; rows whose text is gone are left out."""
        return self.read_texts(str(known.made.about.get("parameters", {}).get("name_by", "prompt")), ids)

    def read_texts(self, view: str, ids: Sequence[str]) -> dict[str, str]:
        """A view of rows by id; rows whose text is gone are left out."""
        fresh = [row for row in dict.fromkeys(ids) if (view, row) not in self._texts]
        if fresh:
            self._texts |= {(view, row): text for row, text in self._look_up(view, fresh).items()}
        return {row: self._texts[view, row] for row in ids if (view, row) in self._texts}

    def _look_up(self, view: str, ids: Sequence[str]) -> dict[str, str]:
        halves = [id_pair(row) for row in ids]
        wanted = pl.DataFrame(
            {"id": ids, "id.high": [h for h, _ in halves], "id.low": [l for _, l in halves]},
            schema={"id": pl.String, "id.high": pl.UInt64, "id.low": pl.UInt64},
        )
        found: dict[str, str] = {}
        try:
            rows = RunRows(self.run)
            for partition in range(rows.count):
                here = self.ledger.rows(partition).select("id.high", "id.low").with_row_index("row")
                some = here.join(wanted, on=["id.high", "id.low"], how="inner", maintain_order="left")
                if some.height:
                    texts = _texts_of(rows, partition, some["row"].to_list(), view)
                    found |= dict(zip(some["id"].to_list(), texts, strict=True))
        except DataError:
            pass  # the text was purged, or its cache deleted: cards are shown without
        return found

    # -- two ----------------------------------------------------------------------------------------

    def flow(self, a: str, b: str) -> Flow:
        """How the clusters of a meet those of b, over the rows that both were fitted on."""
        left, right = self.known(a), self.known(b)
        rows = shared(left.made, right.made)
        links = contingency(rows.a, rows.b)
        told = flow_sentences(
            links,
            left.step if left.step != right.step else left.root,
            right.step if left.step != right.step else right.root,
        )
        return Flow(left.root, right.root, tuple(links), tuple(told))

    # -- the gate -----------------------------------------------------------------------------------

    @property
    def gates(self) -> list[Gate]:
        """The run's gates where a clustering is chosen, as people's decisions stand now."""
        found = []
        for step in self.ledger.steps:
            told = step.get("choice")
            if not told:
                continue
            candidates = {name: root for name, root in told["candidates"].items() if root in self.kept}
            clusters = {root: self.known(root).ids for root in candidates.values()}
            names = (step["name"], *candidates)
            stand = standing(_told(self.decisions(), CHOICES, names), clusters)
            steps = {root: name for name, root in candidates.items()}
            need = {"shortlist": told["shortlist"], "look": told["look"]}
            found.append(
                Gate(
                    step["name"], told["question"], candidates, **need,
                    missing=tuple(missing(stand, clusters, steps, **need)), chosen=stand.chosen,
                )
            )  # fmt: skip
        return found

    def gate_of(self, root: str) -> Gate | None:
        """The gate that a clustering is a candidate of."""
        return next((gate for gate in self.gates if root in gate.candidates.values()), None)

    # -- deciding -----------------------------------------------------------------------------------

    def decision(self, kind: Kind, value: Mapping[str, Any], *, who: str = "", why: str | None = None) -> Decision:
        """A decision about a clustering, checked, with the step it belongs to. UsageError where it cannot stand.

        value: {"clustering": …} and for look {"cluster": 3} (none: all of them), rename {"cluster": 3, "name": …}, merge
        {"clusters": [3, 7]}, split {"cluster": 3, "parts": 2}.
        """
        known = self.known(str(value.get("clustering", "")))
        value = {**value, "clustering": known.root}
        given = value.get("clusters", value.get("cluster"))
        for c in given if isinstance(given, list | tuple) else [] if given is None else [given]:
            if c not in known.ids:
                raise UsageError(
                    f"{known.root} has no cluster {c}; it has {_ranges(known.ids)}",
                    hint=f"tamis clusters show {known.step}",
                )
        if kind in EDITS:
            read_edit(kind, value)
            return Decision(kind, known.step, value=value, who=who, why=why)
        if kind not in CHOICES:
            raise UsageError(f"{kind!r} is no decision about a clustering; possible: {', '.join((*CHOICES, *EDITS))}")
        gate = self.gate_of(known.root)
        if kind == "choose" and gate is not None:
            left = list(gate.missing)
            stand = self._standing([known.root])
            if gate.shortlist and len(gate.candidates) > 1 and not stand.shortlisted.get(known.root) and not left:
                left.append(f"{known.step} is not shortlisted")
            if left:
                raise UsageError(
                    f"{known.step} cannot be chosen yet: {'; '.join(left)}", hint="tamis clusters look, shortlist"
                )
            if not (why or "").strip():
                raise UsageError("a choice says why", hint=f'tamis clusters choose {known.step} --why "…"')
        return Decision(kind, gate.step if gate is not None else known.step, value=value, who=who, why=why)

    def decide(self, kind: Kind, value: Mapping[str, Any], *, who: str = "", why: str | None = None) -> Decision:
        """Append such a decision, durably."""
        return decided.append(self.path, [self.decision(kind, value, who=who, why=why)])[0]


def _told(made: Decisions, kinds: Sequence[str], steps: Sequence[str] | None = None) -> list[dict[str, Any]]:
    return [asdict(d) for d in made.all if d.kind in kinds and (steps is None or d.step in steps)]


def _step(root: str) -> str:
    """The step that made a clustering."""
    match = _NAME.fullmatch(root)
    return match[1] if match else root


def _ranges(ids: Sequence[int]) -> str:
    whole = list(ids) == list(range(len(ids)))
    return f"0 to {len(ids) - 1}" if whole and ids else ", ".join(map(str, ids)) or "none"


def _texts_of(rows: RunRows, partition: int, at: Sequence[int], view: str) -> list[str]:
    """Texts of some rows, without what a privacy step takes away."""
    frame = rows.frame(partition).take(np.asarray(at, np.int64))
    if rows.privacy:
        from tamis.engine.veil import Veil

        frame = Frame.of(Veil(list(rows.privacy.values())).rows(frame))
    try:
        return [text or "" for text in frame.text(view).to_list()]
    except UsageError:
        whole = pl.DataFrame([frame[name].alias(name) for name in frame.names])
        return [plain_text(record) for record in whole.to_dicts()]
