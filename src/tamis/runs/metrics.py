"""Questions about a run's rows: what goes together with an outcome, and how a selection differs from a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tamis.core.errors import UsageError, did_you_mean
from tamis.core.row import VECTOR
from tamis.engine.agreement.codes import Codes
from tamis.engine.frame import Frame
from tamis.engine.measure import count
from tamis.engine.metrics.cuts import Cut, Kind, cut, outcome
from tamis.engine.metrics.outcomes import Adjust, Group, Mask, Predictor, by_groups, cautions, constant_by_user
from tamis.engine.metrics.reference import Compared, against

from .ledger import Ledger
from .rows import RunRows

#: what a name may begin with: it is not guessed then
_SAID: dict[str, Kind] = {"values": "values", "numbers": "numbers"}
_LENGTH = "length:"
#: columns never compared unless they are named
_APART = ("messages", "rejected", "tools", "text", "id.high", "id.low", "at.file", "at.line", "born.from")


@dataclass(frozen=True)
class Rows:
    """Rows somebody asks about. frames: their columns, a frame each partition or file; where: `RUN` or a file's name;
    masks: (n,) bool over all rows, by `kept`, `read` and the names of steps; values: columns whose numbers are names."""

    where: str
    frames: tuple[Frame, ...]
    masks: Mapping[str, Mask]
    values: frozenset[str] = frozenset()
    privacy: tuple[Mapping[str, Any], ...] = ()

    @property
    def height(self) -> int:
        return sum(frame.height for frame in self.frames)

    def mask(self, name: str) -> Mask:
        """The rows meant by `kept`, `read` or a step's name; UsageError where there is no such step."""
        if name not in self.masks:
            raise UsageError(f"no step {name!r} in {self.where}; {did_you_mean(name, self.masks)}")
        return self.masks[name]


class Column(NamedTuple):
    """A column over all rows, as it was asked for, with what was said of it."""

    series: pl.Series
    said: Kind | None


def rows_of_run(run: Path) -> Rows:
    """All rows a run read or made. Columns are as the last step that saw the row left them.

    `kept`: to the end; `read`: from the sources; a step's name: the rows there were after it.
    """
    ledger, texts = Ledger(run), RunRows(run)
    ends = np.concatenate([*ledger.final(), np.zeros(0, np.int32)])
    parts = ledger.partitions()
    born = np.concatenate([np.full(p["rows"], _birth(ledger, k) if p["born"] else 0) for k, p in enumerate(parts)])
    masks: dict[str, Mask] = {"kept": ends == 0, "read": born == 0}
    for number, step in enumerate(ledger.steps, 1):
        masks[step["name"]] = ((ends == 0) | (ends > number)) & (born <= number)
    values = frozenset(f"{s['name']}.cluster" for s in ledger.steps if str(s.get("address", "")).startswith("cluster."))
    frames = tuple(texts.frame(k) for k in range(texts.count))
    return Rows(str(run), frames, masks, values, tuple(texts.privacy.values()))


def _birth(ledger: Ledger, partition: int) -> int:
    """The number of the step that made a partition's rows: the last that made any before one said something of them."""
    said = (n for n, step in enumerate(ledger.steps, 1) if ledger.part(step, partition) is not None)
    before = next(said, len(ledger.steps) + 1)
    made = [number for number, step in enumerate(ledger.steps, 1) if step.get("born")]
    return max((number for number in made if number < before), default=made[0] if made else 0)


def rows_of_frame(frame: pl.DataFrame, where: str) -> Rows:
    """The rows of a file, under `source.` as a run has them."""
    named = Frame.of(frame.rename({name: f"source.{name}" for name in frame.columns}))
    return Rows(where, (named,), {"kept": np.ones(frame.height, bool), "read": np.ones(frame.height, bool)})


def column(rows: Rows, name: str) -> Column:
    """A column by its name, with or without prefix; `length:VIEW` in words; `values:NAME`, `numbers:NAME` say what it is."""
    said: Kind | None = None
    head, _, tail = name.partition(":")
    if head in _SAID and tail:
        said, name = _SAID[head], tail
    found: list[pl.Series | int] = []
    problem: UsageError | None = None
    for frame in rows.frames:
        try:
            if name.startswith(_LENGTH):
                found.append(count(frame.buffers(name.removeprefix(_LENGTH)), "words").cast(pl.Float64))
                said = "numbers"
                continue
            full = frame.find(name)
            said = said or ("values" if full in rows.values else None)
            found.append(frame[full])
        except UsageError as error:  # rows of another source need not have it
            problem = error
            found.append(frame.height)
    known = [one for one in found if isinstance(one, pl.Series)]
    if not known:
        raise problem or UsageError(f"{rows.where} has no rows")
    some = [one if isinstance(one, pl.Series) else pl.Series([None] * one, dtype=known[0].dtype) for one in found]
    if len({one.dtype for one in some}) > 1:
        some = [one.cast(pl.String) for one in some]
    return Column(pl.concat([one.rename(name) for one in some]).rename(name), said)


def users_of(rows: Rows, name: str) -> Codes:
    """(n,) codes of a column that says whose rows they are; -1 where it is null."""
    texts = column(rows, name).series.cast(pl.String)
    return texts.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1


def outcome_tables(
    rows: Rows,
    outcomes: Sequence[str],
    by: Sequence[str],
    *,
    which: str = "kept",
    by_user: str | None = None,
    each_user_once: bool = False,
    adjust: Adjust = "holm",
    bins: int = 5,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Each outcome with the columns of `by`: JSON values. Where an outcome is one and the same in all rows of a user
    (retention is), users are counted once instead of rows. UsageError where a column is not there or makes no groups."""
    if not by:
        raise UsageError("no column to compare by", hint="--by template_version,template, or by length:response")
    inside = rows.mask(which)
    if not inside.any():
        raise UsageError(f"{rows.where}: no rows are meant by {which!r}")
    users = None if by_user is None else users_of(rows, by_user)[inside]
    tables = []
    for name in outcomes:
        measure, values = outcome(column(rows, name).series.filter(pl.Series(inside)), name)
        there = ~np.isnan(values)
        once = each_user_once or (users is not None and constant_by_user(values, users))
        cuts = [_cut(rows, one, inside & _spread(inside, there), bins) for one in by]
        y, of = values[there], None if users is None else users[there]
        found = by_groups(y, measure, cuts, users=of, once=once, adjust=adjust, seed=seed)
        whole = by_groups(y, measure, [_all(len(y))], users=of, once=once)[0].groups[0]
        warned = cautions(found, users is not None)
        if once and not each_user_once:
            warned.insert(0, f"{name} is the same in all rows of a user: users are counted, not rows")
        if users is None:
            warned.append(
                "each row counts as independent; where rows of one user are alike, say whose they are: by_user"
            )
        tables.append(
            {
                "outcome": name, "measure": measure, "which": which, "rows": int(inside.sum()), "with_outcome": int(there.sum()),
                "users": whole.users, "by_user": by_user, "each_user_once": once, "adjust": adjust,
                "value": whole.value, "low": whole.low, "high": whole.high,
                "by": [_predictor(rows, one) for one in found], "cautions": warned,
            }
        )  # fmt: skip
    return tables


def reference_table(
    rows: Rows,
    reference: str | Rows,
    by: Sequence[str] = (),
    *,
    which: str = "kept",
    adjust: Adjust = "holm",
    bins: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """The rows `which` against those of a step, or against other rows: JSON values. by: by default every column of both that
    makes groups."""
    warned: list[str] = []
    if isinstance(reference, Rows):
        selected = np.r_[rows.mask(which), np.zeros(reference.height, bool)]
        theirs = np.r_[np.zeros(rows.height, bool), np.ones(reference.height, bool)]
        sides: tuple[Rows, ...] = (rows, reference)
        told = reference.where
    else:
        selected, theirs, sides, told = rows.mask(which), rows.mask(reference), (rows,), reference
        if not (theirs | ~selected).all():
            warned.append(f"some of the rows {which!r} are not among those of {reference!r}")
    cuts, skipped = _cuts(sides, by, selected | theirs, bins)
    found = against(cuts, selected[selected | theirs], theirs[selected | theirs], adjust=adjust, seed=seed)
    if skipped:
        warned.append(f"not compared, as they make no groups or are not in both: {', '.join(skipped)}")
    warned.append("each row counts as independent: where users have many rows, chance explains more than is told")
    return {
        "which": which, "reference": told, "rows": int(selected.sum()), "reference_rows": int(theirs.sum()),
        "within": len(sides) == 1 and bool((theirs | ~selected).all()), "adjust": adjust,
        "by": [_compared(rows, one) for one in found], "cautions": warned,
    }  # fmt: skip


def _cuts(sides: tuple[Rows, ...], by: Sequence[str], mask: Mask, bins: int) -> tuple[list[Cut], list[str]]:
    cuts: list[Cut] = []
    skipped: list[str] = []
    for name in by or _comparable(sides):
        try:
            columns = [column(side, name) for side in sides]
            kinds = {one.series.dtype for one in columns}
            series = pl.concat([one.series.cast(pl.String) if len(kinds) > 1 else one.series for one in columns])
            said = next((one.said for one in columns if one.said), None)
            cuts.append(cut(series.filter(pl.Series(mask)), bins=bins, name=name, said=said))
        except UsageError:
            if by:
                raise
            skipped.append(name)
    return cuts, skipped


def _comparable(sides: tuple[Rows, ...]) -> list[str]:
    """Columns there are on all sides, in the order of the first."""
    names = [name for name in _names(sides[0]) if name not in _APART and not name.endswith(VECTOR) and name[0] != "~"]
    if len(sides) > 1:
        other = {name.removeprefix("source.") for name in _names(sides[1])}
        names = [name.removeprefix("source.") for name in names if name.removeprefix("source.") in other]
    return names


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for frame in rows.frames for name in frame.names))


def _cut(rows: Rows, name: str, mask: Mask, bins: int) -> Cut:
    found = column(rows, name)
    return cut(found.series.filter(pl.Series(mask)), bins=bins, name=name, said=found.said)


def _spread(inside: Mask, there: Mask) -> Mask:
    """Which of all rows are inside and there; `there` is of those inside."""
    whole = np.zeros(len(inside), bool)
    whole[inside] = there
    return whole


def _all(n: int) -> Cut:
    return Cut("all", "values", ["all"], np.zeros(n, np.int64), None)


def _predictor(rows: Rows, one: Predictor) -> dict[str, Any]:
    groups = [Group._asdict(g) for g in one.groups]
    return {
        "column": one.column, "kind": one.kind, "groups": _veiled(rows, one.kind, groups),
        "spearman": None if one.spearman is None else one.spearman.told(), "p": one.p, "adjusted": one.adjusted,
    }  # fmt: skip


def _compared(rows: Rows, one: Compared) -> dict[str, Any]:
    told = one._asdict()
    told["groups"] = _veiled(rows, one.kind, [p._asdict() for p in told.pop("portions")])
    for name in ("selected", "reference"):
        told[name] = None if told[name] is None else told[name]._asdict()
    return told


def _veiled(rows: Rows, kind: str, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names of groups are texts of rows: told without personal data where the run takes them away."""
    if kind != "values" or not rows.privacy:
        return groups
    from tamis.engine.veil import Veil

    names = Veil(list(rows.privacy)).texts([g["group"] for g in groups])
    return [{**g, "group": name} for g, name in zip(groups, names, strict=True)]
