"""The picture of a run: a band of rows from top to bottom, narrower where rows leave, with a branch for each reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .markup import count, esc, number, percent

#: the thinnest branch drawn, in units of the picture
THINNEST = 1.5
GAP = 5.0
CURVE = 13.0
#: the height over which the band grows where rows are born
BIRTH = 30.0
#: the least height of a step
LEAST = 40.0


@dataclass(frozen=True)
class Shape:
    """Where things are in the picture. `labels_left`: the steps' names stand left of the band, else above their branches."""

    kind: str
    width: float
    left: float
    band: float
    exit: float
    label: float
    letters: int
    labels_left: bool
    line: float


WIDE = Shape("wide", 960, 270, 290, 610, 622, 44, True, 19)
NARROW = Shape("narrow", 360, 6, 96, 124, 130, 31, False, 18)


@dataclass
class Branch:
    """Rows that leave the band at a step."""

    kind: str
    name: str
    rows: int
    anchor: str


@dataclass
class Stop:
    """A step in the picture: its rows, what leaves, what is born."""

    name: str
    note: str
    rows: int
    anchor: str
    born: int = 0
    branches: list[Branch] = field(default_factory=list)


def flow_picture(data: dict[str, Any]) -> str:
    """Both pictures: the wide one, and the narrow one for phones; a style sheet shows one of them."""
    stops = flow_stops(data)
    return f'<div class="flow">{_draw(stops, WIDE, data)}{_draw(stops, NARROW, data)}</div>'


def flow_stops(data: dict[str, Any]) -> list[Stop]:
    """What the picture shows, from the run's account."""
    bad = data["quarantined"]["count"]
    read = Stop(
        "read", count(len(data["sources"]), "file") if data["sources"] else "", data["outcomes"]["in"], "sources"
    )
    if bad:
        read.branches.append(Branch("quarantined", "unreadable", bad, "quarantined"))
    stops = [read]
    for step in data["steps"]:
        note = f"{step['changed']:,} changed" if step["changed"] else ""
        stop = Stop(step["name"], note, step["in"], step["anchor"], step["born"])
        stop.branches = [
            Branch(one["outcome"], one["reason"] or one["outcome"], one["rows"], one["anchor"])
            for one in step["leaving"]
        ]
        stops.append(stop)
    end = Stop(
        "delivered" if data["finished"] and data["delivered"] else "kept", "", data["outcomes"]["kept"], "delivered"
    )
    target = data["delivered"][0]["target"] if data["delivered"] else None
    files = [one for one in data["delivered"] if one["target"] == target and one["split"]]
    splits: dict[str, int] = {}
    for one in files:
        splits[one["split"]] = splits.get(one["split"], 0) + one["rows"]
    end.branches = [Branch("kept", name, rows, "delivered") for name, rows in splits.items()] or [
        Branch("kept", "kept", end.rows, "delivered")
    ]
    return [*stops, end]


def _draw(stops: list[Stop], shape: Shape, data: dict[str, Any]) -> str:
    most = max([1, *(stop.rows + stop.born for stop in stops)])
    scale = shape.band / most
    parts: list[str] = []
    y = 8.0
    for index, stop in enumerate(stops):
        y = _end(parts, stop, shape, scale, y) if index == len(stops) - 1 else _stop(parts, stop, shape, scale, y)
    height = y + 8
    o = data["outcomes"]
    said = f"{o['in']:,} rows in, {o['kept']:,} kept; each step is described below."
    return (
        f'<svg class="{shape.kind}" viewBox="0 0 {_n(shape.width)} {_n(height)}" role="group" aria-label="The flow of rows: {esc(said)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _stop(parts: list[str], stop: Stop, shape: Shape, scale: float, y: float) -> float:
    """Draw one step from `y` down; returns where the next begins."""
    head = 0.0 if shape.labels_left else shape.line + 2
    slots = [max(shape.line, _thick(b.rows, scale) + GAP) for b in stop.branches]
    top = CURVE if stop.branches else 0.0
    grown = max(0.0, BIRTH - head) if stop.born else 0.0
    height = max(LEAST, head + grown + top + sum(slots) + 8)
    rows = stop.rows
    right = shape.left + _band(rows, scale)
    band: list[tuple[float, float]] = [(right, y)]  # the right edge, from top to bottom
    if stop.born:
        rows += stop.born
        right = shape.left + _band(rows, scale)
        band.append((right, y + BIRTH))
    at = y + head + grown + top
    ribbons: list[str] = []
    for branch, slot in zip(stop.branches, slots, strict=True):
        rows -= branch.rows
        inner = shape.left + _band(max(0, rows), scale) if rows > 0 else shape.left
        thick = max(THINNEST, _thick(branch.rows, scale))
        middle = at + slot / 2
        ya, yb = middle - thick / 2, middle + thick / 2
        start = max(y + grown, ya - CURVE)
        ribbons.append(_ribbon(branch, shape, min(inner, right - THINNEST), right, start, ya, yb))
        ribbons.append(_branch_label(branch, shape, middle, stop.rows + stop.born))
        band += [(right, start), (inner, start)]
        right = inner
        at += slot
    bottom = y + height
    band.append((right, bottom))
    edge = " ".join(f"L{_n(x)} {_n(v)}" for x, v in band)
    parts.append(f'<path class="band" d="M{_n(shape.left)} {_n(y)} {edge} L{_n(shape.left)} {_n(bottom)}Z"/>')
    parts += ribbons
    parts.append(_stop_label(stop, shape, y, head))
    return y + height


def _end(parts: list[str], stop: Stop, shape: Shape, scale: float, y: float) -> float:
    """What is delivered: the band forks into the splits, each with a line to its label."""
    head = 0.0 if shape.labels_left else shape.line + 2
    top = y + 6
    right = shape.left + _band(stop.rows, scale)
    bottom = top + 20
    left_rows = stop.rows
    at = max(bottom + 14, y + head + 16)
    for branch in stop.branches:
        left_rows -= branch.rows
        inner = shape.left + _band(max(0, left_rows), scale) if left_rows > 0 else shape.left
        low = min(inner + (2 if left_rows > 0 else 0), right - THINNEST)
        middle = (low + right) / 2
        parts.append(
            f'<a href="#{branch.anchor}"><path class="kept" d="M{_n(low)} {_n(top)}L{_n(right)} {_n(top)}L{_n(right)} {_n(bottom)}L{_n(low)} {_n(bottom)}Z">'
            f"<title>{esc(branch.name)}: {count(branch.rows, 'row')}</title></path></a>"
            f'<path class="lead" d="M{_n(middle)} {_n(bottom)}L{_n(middle)} {_n(at - 6)}Q{_n(middle)} {_n(at)} {_n(middle + 6)} {_n(at)}L{_n(shape.exit)} {_n(at)}"/>'
        )
        parts.append(_branch_label(branch, shape, at, stop.rows))
        right = inner
        at += shape.line + 2
    parts.append(_stop_label(stop, shape, y, head))
    return at - 8


def _ribbon(branch: Branch, shape: Shape, inner: float, outer: float, start: float, ya: float, yb: float) -> str:
    """A branch: out of the band's right edge, round a corner, to the right."""
    bend = max(CURVE, ya - start)
    path = (
        f"M{_n(outer)} {_n(start)}Q{_n(outer)} {_n(ya)} {_n(outer + bend)} {_n(ya)}L{_n(shape.exit)} {_n(ya)}"
        f"L{_n(shape.exit)} {_n(yb)}L{_n(outer + bend)} {_n(yb)}Q{_n(inner)} {_n(yb)} {_n(inner)} {_n(start)}Z"
    )
    return f'<a href="#{branch.anchor}"><path class="{branch.kind}" d="{path}"><title>{esc(branch.name)}: {count(branch.rows, "row")}</title></path></a>'


def _branch_label(branch: Branch, shape: Shape, y: float, rows: int) -> str:
    room = shape.letters - len(f"{branch.rows:,}") - 9
    name = branch.name if len(branch.name) <= room else branch.name[: room - 1] + "…"
    share = percent(branch.rows, rows)
    return (
        f'<a href="#{branch.anchor}"><text x="{_n(shape.label)}" y="{_n(y)}" class="l {branch.kind}-t"><title>{esc(branch.name)}</title>'
        f'<tspan class="b">{number(branch.rows)}</tspan> {esc(name)} <tspan class="m">{share}</tspan></text></a>'
    )


def _stop_label(stop: Stop, shape: Shape, y: float, head: float) -> str:
    born = f" + {stop.born:,} born" if stop.born else ""
    notes = " · ".join(part for part in (number(stop.rows) + born, stop.note) if part)
    if shape.labels_left:
        x = shape.left - 16
        return (
            f'<a href="#{stop.anchor}"><text x="{_n(x)}" y="{_n(y + 13)}" class="r s"><title>{esc(stop.name)}</title>{esc(_short(stop.name, 34))}</text></a>'
            f'<text x="{_n(x)}" y="{_n(y + 28)}" class="r m">{esc(notes)}</text>'
        )
    room = shape.letters - len(notes) - 2
    return (
        f'<a href="#{stop.anchor}"><text x="{_n(shape.label)}" y="{_n(y + 12)}" class="l"><title>{esc(stop.name)}</title>'
        f'<tspan class="s">{esc(_short(stop.name, max(10, room)))}</tspan> <tspan class="m">{esc(notes)}</tspan></text></a>'
    )


def _short(name: str, letters: int) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def _thick(rows: int, scale: float) -> float:
    return max(THINNEST, rows * scale) if rows else 0.0


def _band(rows: int, scale: float) -> float:
    return max(THINNEST, rows * scale) if rows > 0 else 0.0


def _n(value: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
